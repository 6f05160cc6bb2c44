"""The command line, `realtime COMMAND`; each command is a module in `realtime.cli`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from importlib.metadata import version
from typing import NoReturn

from realtime.cli import bench, devices, encode, info, midi, morphology, render, serve
from realtime.util import timeouts
from realtime.util.errors import RealtimeError, printable

COMMANDS = {
    "serve": serve,
    "render": render,
    "morphology": morphology,
    "info": info,
    "encode": encode,
    "bench": bench,
    "devices": devices,
    "midi": midi,
}


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `realtime` without heavy imports."""
    parser = argparse.ArgumentParser(
        prog="realtime", description="Play and render morphs between sounds with a decoder file."
    )
    parser.add_argument("--version", action="version", version=f"soundmorph {version('soundmorph')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS.values():
        command.add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code; a user error is reported in one line and returns 2."""
    args = get_parser().parse_args(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the decoder manages its own threads
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold any bytes
    try:
        code = int(COMMANDS[args.command].run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of a pipe, such as head, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RealtimeError as error:
        return _refuse(str(error))
    except OSError as error:  # such as a full disk for temporary files
        return _refuse(": ".join(filter(None, (error.filename, error.strerror or str(error)))))
    except MemoryError:
        return _refuse("not enough memory")
    except RuntimeError as error:
        if "new thread" not in str(error):
            raise
        return _refuse("this user may start no more threads; raise the limit (ulimit -u)")
    except KeyboardInterrupt:
        return 130


def _refuse(text: str) -> int:
    lines = "\n".join(map(printable, text.splitlines()))
    print(f"realtime: error: {lines}", file=sys.stderr)
    return 2


def program() -> NoReturn:
    """Run the command line and end the process; the entry point of the `realtime` script."""
    timeouts.exit_with(main())


if __name__ == "__main__":
    program()
