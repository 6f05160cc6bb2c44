"""`trainer fetch`: download a public data set."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

HELP = "download a public data set"
DESCRIPTION = """Download a data set and make a folder of it for `fit`. An interrupted download is resumed.
The folder appears only after its content has been checked."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `trainer fetch`."""
    parser.add_argument("name", choices=("fsdd",), help="fsdd: the Free Spoken Digit Dataset, 16 MB")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder to make (default: the name of the data set)"
    )
    parser.add_argument("--url", default="", help="a different address of the archive, or the path of a copy")
    parser.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="SHA-256 that the archive must have; replaces the check of its sounds",
    )


def run(args: argparse.Namespace) -> int:
    """Download the data set, check it and make the folder."""
    from trainer.data import fetch

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done / 1e6:.1f} of {total / 1e6:.1f} MB", end="", file=sys.stderr, flush=True)

    out = args.out or Path(args.name)
    count = fetch.fetch(args.name, out, url=args.url, sha256=args.sha256, progress=progress)
    quoted = shlex.quote(str(out))
    print(f"{count} sounds in {quoted}; next: trainer fit --config digits --data {quoted} --out RUN")
    return 0
