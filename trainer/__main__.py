"""The command line, `trainer COMMAND`; most commands are modules in `trainer.commands`."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from realtime.util.parser import Parser

AT_ONCE = ("fit", "play", "evaluate")
"""Commands with heavy imports. Until they have something to save, Ctrl-C ends them at once."""
OTHERS = {
    "play": ("export.play.__main__", "train on a folder of sounds, and play them meanwhile"),
    "export": ("export.__main__", "turn a training run into the .onnx files that `realtime` plays"),
}
"""Module and help of the commands in the package `export`, which the package `trainer` must not import."""


def commands() -> dict[str, Any]:
    """Return the module of each command of this package."""
    from trainer.commands import divide, evaluate, fetch, fit, prepare

    return {"fit": fit, "evaluate": evaluate, "prepare": prepare, "divide": divide, "fetch": fetch}


def get_parser() -> Parser:
    """Return the parser of the command line."""
    from importlib.metadata import version

    from realtime.util.parser import Parser

    parser = Parser(prog="trainer", description="Train sound-morphing models on folders of sounds.")
    parser.add_argument("--version", action="version", version=f"soundmorph {version('soundmorph')}")
    added = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in commands().items():
        command.add_arguments(added.add_parser(name, help=command.HELP, description=command.DESCRIPTION))
    for name, (_, text) in OTHERS.items():
        added.add_parser(name, help=text, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0; 2 after an error, which is printed as one line on stderr; or 128 + the number of the
        signal that ended the command.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:  # Ctrl-C may arrive while modules are imported
        from trainer.errors import TrainerError

        try:
            return _run(argv)
        except TrainerError as error:
            return _refuse(argv, str(error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            return _refuse(argv, f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        print("trainer: interrupted before it could save", file=sys.stderr)
        return 130


def _refuse(argv: Sequence[str], text: str) -> int:
    print(f"trainer {argv[0]}: error: {text}", file=sys.stderr)
    return 2


def _run(argv: list[str]) -> int:
    if argv and argv[0] in OTHERS:
        module, _ = OTHERS[argv[0]]
        return int(importlib.import_module(module).main(argv[1:], f"trainer {argv[0]}"))
    parser = get_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.error(f"give a command: {', '.join((*commands(), *OTHERS))}")
    return int(commands()[args.command].run(args))


def program() -> NoReturn:
    """Run the command line and end the process; the entry point of the `trainer` script.

    In commands with heavy imports, Ctrl-C ends the process at once: a KeyboardInterrupt during an import may
    be lost, or leave a traceback.
    """
    if sys.argv[1:2] and sys.argv[1] in AT_ONCE and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())


if __name__ == "__main__":
    program()
