"""The command line, `realtime COMMAND`; each command is a module in `realtime.cli`.

Each function imports the modules that it uses. `program` can therefore set the effect of Ctrl-C before any
slow import.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from realtime.util.parser import Parser


def commands() -> dict[str, Any]:
    """Return command name -> module."""
    from realtime.cli import bench, devices, encode, info, midi, morphology, render, serve

    return {
        "serve": serve,
        "render": render,
        "morphology": morphology,
        "info": info,
        "encode": encode,
        "bench": bench,
        "devices": devices,
        "midi": midi,
    }


def get_parser() -> Parser:
    """Build the parser of `realtime` without heavy imports."""
    from importlib.metadata import version

    from realtime.util.parser import Parser

    parser = Parser(prog="realtime", description="Play and render morphs between sounds with a model file.")
    parser.add_argument("--version", action="version", version=f"soundmorph {version('soundmorph')}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in commands().values():
        command.add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code; print an error that the user can fix, and return 2."""
    from io import TextIOWrapper

    from realtime.util.errors import explained

    parser = get_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.error(f"give a command: {', '.join(commands())}")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the decoder manages its own threads
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may contain any bytes
    try:
        code = int(commands()[args.command].run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the program that reads from a pipe, such as head, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not (line := explained(error)):
            raise
        return _refuse(line)
    except KeyboardInterrupt:
        return 130


def _refuse(text: str) -> int:
    from realtime.util.errors import printable

    lines = "\n".join(map(printable, text.splitlines()))
    print(f"realtime: error: {lines}", file=sys.stderr)
    return 2


def program() -> NoReturn:
    """Run the command line and end the process. The installed script `realtime` calls this function.

    Ctrl-C ends the process at once, because a KeyboardInterrupt during an import may be lost or leave a
    traceback. A command that has something to save or to clean up handles Ctrl-C itself
    (`realtime.util.signals`).
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from realtime.util import timeouts

    timeouts.exit_with(main())


if __name__ == "__main__":
    program()
