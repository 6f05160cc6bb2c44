"""Errands: work on untrusted files in a separate process, which may crash, hang or exhaust the memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NoReturn

from realtime.util import outside, priority
from realtime.util.errors import RealtimeError
from realtime.util.outside import OutsideError

MEMORY_BYTES = 4 * 2**30  # address space of the process, on systems that can limit it
# in a session of its own, the process does not receive the terminal's Ctrl-C
_OWN_SESSION: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}


def run(module: str, *arguments: str, stdin: BinaryIO | bytes, limit_s: float) -> Any:
    """Run `python -m module arguments` and return the result of its errand.

    Args:
        module: a module that calls `carry_out` when run.
        arguments: the name of the errand and its arguments.
        stdin: the standard input of the process: an open file, or bytes.
        limit_s: time limit in seconds; the process ends soon after this limit even if the caller has died.

    Raises:
        RealtimeError: the errand failed, crashed, or did not finish in time.
    """
    command = [sys.executable, "-m", module, f"{limit_s:g}", *arguments]
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    try:
        ended = subprocess.run(
            command, capture_output=True, timeout=limit_s, check=False, **given, **_OWN_SESSION
        )
    except subprocess.TimeoutExpired:
        raise RealtimeError(f"the process did not finish within {limit_s:g} s") from None
    except OSError as error:
        raise RealtimeError(f"cannot start a process: {error.strerror or error}") from None
    if ended.returncode < 0:
        raise RealtimeError(f"the process crashed (signal {-ended.returncode})")
    try:
        fault, result = outside.from_json(ended.stdout.splitlines()[-1])
    except (IndexError, TypeError, ValueError, OutsideError):
        raise RealtimeError(f"the process ended with exit code {ended.returncode}") from None
    if fault:
        raise RealtimeError(fault)
    return result


def carry_out(errands: Mapping[str, Callable[..., Any]]) -> NoReturn:
    """Carry out the errand that the command line names, print the result as JSON, and end the process.

    Args:
        errands: name -> function. The function gets the remaining arguments; JSON must represent its result.
    """
    limit_s, name, *arguments = sys.argv[1:]
    priority.ordinary()
    _limit(float(limit_s))
    fault, result = "", None
    try:
        result = errands[name](*arguments)
    except RealtimeError as error:
        fault = str(error) or "the work failed"
    except MemoryError:
        fault = "the work needs too much memory"
    print(json.dumps([fault, result]), flush=True)
    os._exit(0)


def _limit(limit_s: float) -> None:
    if hasattr(signal, "alarm"):
        signal.alarm(int(limit_s) + 1)  # ends this process if the caller has not done so by then
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
