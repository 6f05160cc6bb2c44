"""`trainer prepare`: report which sounds of a folder `fit` would use, and how."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainer import config as configs
from trainer.commands import files, installed

HELP = "report which sounds of a folder `fit` would use"
DESCRIPTION = """Read a folder as `fit` does, and list the files that are left out and why, the files that are
adapted and how, the number of sounds in each class, and how `fit` would split the sounds. Nothing is
written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `trainer prepare`."""
    parser.add_argument("--data", type=Path, metavar="FOLDER", required=True, help="folder of audio files")
    files.add_config(parser)
    files.add_include(parser)


def run(args: argparse.Namespace) -> int:
    """Prepare the sounds, and print the report."""
    config = configs.read(args.config or configs.DEFAULT)
    if args.include:
        config = config.replace("data", include=args.include)
    installed.check_recipe(config)
    from trainer.data import alignment, findings, splits
    from trainer.data.sounds import prepare

    sounds = prepare(args.data, config.model, config.data)
    findings.show(findings.rows(sounds), sys.stdout)
    print(findings.summary(sounds))
    parts = splits.parts(sounds, config.data, config.fit.seed)
    print(parts)
    if config.data.align_ms:
        found = alignment.aligned(sounds, parts.train, config.model.length)
        before, after = (alignment.coherence(some, parts.train) for some in (sounds, found))
        turned = sum(cut is not None and cut[1] < 0 for cut in found.cuts)
        print(f"alignment: mean coherence {before:.2f} before, {after:.2f} after; {turned} inverted")
    if alone := findings.classes_of_one(sounds):
        print(f"a class of one sound cannot be held out: {', '.join(alone)}")
    return 0
