"""The exceptions of the package; the message of a RealtimeError is the line that the user sees."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO

CLEAR = "\r\x1b[K"


class RealtimeError(Exception):
    """An error that the user can fix. The one-line message states the error and the accepted input."""


class ControlError(RealtimeError):
    """A message that the server cannot carry out. The sender receives the text of the error."""


class ModelError(RealtimeError):
    """An invalid model file, or a name that the model does not contain."""


def explained(error: BaseException) -> str:
    """Return the line for an error whose cause the user can remove; for any other error, an empty string."""
    match error:
        case RealtimeError():
            return str(error)
        case OSError():  # such as a full disk for temporary files
            return ": ".join(filter(None, (error.filename, error.strerror or str(error))))
        case MemoryError():
            return "not enough memory"
        case RuntimeError() if "new thread" in str(error):
            return "this user may start no more threads; raise the limit (ulimit -u)"
    return ""


def printable(line: str) -> str:
    """Return a line with "?" in place of unprintable characters, such as codes that control a terminal."""
    return "".join(c if c.isprintable() else "?" for c in line)


def over_progress(line: str, stream: TextIO) -> str:
    """Return a line to print on a stream; for a terminal, put a code in front that erases a progress bar."""
    return CLEAR + line if stream.isatty() else line


def say(line: str) -> None:
    """Print a line for the user on stderr; ignore an error, such as a terminal that has been closed."""
    with contextlib.suppress(OSError):
        print(over_progress(printable(f"realtime: {line}"), sys.stderr), file=sys.stderr, flush=True)
