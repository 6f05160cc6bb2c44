"""The parser of all command lines: it accepts no abbreviated options, and reports a mistake in one line."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from realtime.util.errors import printable


class Parser(argparse.ArgumentParser):
    """Parses a command line; the commands that `add_subparsers` adds have parsers of this class, too.

    Attributes:
        passes_on: let `parse_known_args` return unknown arguments, for another parser, instead of refusing
            them.
    """

    passes_on = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False} | options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; refuse unknown ones here, where the error can name the command."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown and not self.passes_on:
            self.error(self._refusal(unknown))
        return known, unknown

    def _refusal(self, unknown: Sequence[str]) -> str:
        options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        if not options:
            return f"unexpected argument {unknown[0]!r}"
        near = difflib.get_close_matches(options[0], self._option_string_actions, n=1)
        hint = f"did you mean {near[0]}?" if near else "--help lists the options"
        return f"unknown option {options[0]}; {hint}"

    def error(self, message: str) -> NoReturn:
        """Print one line and end the program with exit code 2."""
        self.exit(2, printable(f"{self.prog}: error: {message}") + "\n")
