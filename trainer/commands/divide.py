"""`trainer divide`: divide a collection of one-shots (single drum hits); each drum kit stays in one part."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from trainer.data import division

HELP = "divide a collection of drum sounds into training, validation and test kits"
DESCRIPTION = """Make four folders from a collection of one-shots that has a manifest.csv. The folders train,
validation and test share no drum kit. The folder layers contains the sounds of those validation and test
drums that were recorded at three velocities or more. docs/data.md describes the columns of the manifest and
the keys of a recipe, and lists public kits."""


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
        help=f"a TOML file, or a bundled recipe ({', '.join(division.bundled())}); default: drums9",
    )


def run(args: argparse.Namespace) -> int:
    """Divide the collection, and print how many sounds and kits each folder contains."""
    parts = division.divide(args.collection, division.read(args.recipe), args.out)
    for line in division.summary(parts):
        print(line)
    print(f"next: trainer prepare --data {shlex.quote(str(args.out / 'train'))}")
    return 0
