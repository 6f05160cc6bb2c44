"""Options that several commands share: the recipe, the files, and the weights to start from."""

from __future__ import annotations

import argparse

from trainer import config as configs


def add_config(parser: argparse._ActionsContainer) -> None:
    """Add --config."""
    others = ", ".join(name for name in configs.bundled() if name != configs.DEFAULT)
    parser.add_argument(
        "--config",
        metavar="RECIPE",
        help=f"a TOML file, or the name of a bundled recipe; default: {configs.DEFAULT}; others: {others}",
    )


def add_include(parser: argparse._ActionsContainer) -> None:
    """Add --include."""
    parser.add_argument(
        "--include",
        metavar="PATTERN",
        help="use only files whose names match a pattern, such as '*_jackson_*'",
    )


def add_from(parser: argparse._ActionsContainer) -> None:
    """Add --from."""
    parser.add_argument(
        "--from",
        metavar="RUN",
        help="start from the weights of a run or checkpoint whose model has the shape that the recipe sets "
        "(a dc may have fewer layers); none: random weights; default: the bundled base, if it has this shape",
    )
