"""`trainer divide`: divide a collection of one-shots by whole kits."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from trainer.data import division

HELP = "divide a collection of drums into training, validation and test kits"
DESCRIPTION = """Make four folders from a collection of one-shots with a manifest.csv: train, validation and
test, which share no kit, and layers, which has the velocity layers of the drums in validation and test.
docs/data.md describes the columns of the manifest and the keys of a recipe, and lists public kits."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `trainer divide`."""
    parser.add_argument(
        "collection", type=Path, metavar="FOLDER", help="folder of sounds and their manifest.csv"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to make")
    parser.add_argument(
        "--recipe",
        default="drums9",
        metavar="FILE.toml",
        help=f"a TOML file, or one of {', '.join(division.bundled())} (drums9)",
    )


def run(args: argparse.Namespace) -> int:
    """Divide the collection, and print the size of each part."""
    parts = division.divide(args.collection, division.read(args.recipe), args.out)
    for line in division.summary(parts):
        print(line)
    print(f"next: trainer prepare --data {shlex.quote(str(args.out / 'train'))}")
    return 0
