"""`trainer`: dispatch to the commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trainer.commands import beyond, divide, evaluate, fetch, fit, prepare
from trainer.errors import TrainerError

COMMANDS = {"fit": fit, "evaluate": evaluate, "prepare": prepare, "divide": divide, "fetch": fetch}


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="trainer", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=command.DESCRIPTION))
    for name, (_, text) in beyond.COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 2 after a mistake, which one line on stderr names; or 128 + the signal that ended the command.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and argv[0] in beyond.COMMANDS:
        return beyond.run(argv[0], argv[1:])
    args = get_parser().parse_args(argv)
    try:
        return COMMANDS[args.command].run(args)
    except TrainerError as error:
        print(f"trainer: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"trainer: error: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("trainer: interrupted before it could save", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
