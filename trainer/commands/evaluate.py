"""`trainer evaluate`: measure the model of a training run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from trainer.commands import installed
from trainer.errors import TrainerError

HELP = "measure the model of a run on the test sounds"
DESCRIPTION = """Evaluate a run as in the paper (Lionello and Purwins): measure the 1-NN accuracy, the
MFCC-DTW deviation of the decoded class centres (and, for comparison, of real sounds and of the mean waveform,
called the blur), and the quality of the reconstructions. The measures use the test sounds, which training has
not used. The signal-to-noise ratio is also given for reconstructions of training sounds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `trainer evaluate`."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of the run, or a checkpoint file")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the sounds, if it has moved")
    parser.add_argument(
        "--checkpoint",
        choices=("best", "last"),
        help="checkpoint of the run (default: last); best is the checkpoint with the lowest validation loss",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="auto takes the GPU if there is one",
    )
    parser.add_argument("--json", action="store_true", help="print all results and settings as JSON")
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write one page with tables, pictures and audio"
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="FOLDER",
        help="also measure sounds made by a different model: FOLDER/means, with a file named after each "
        "class, and FOLDER/reconstructions",
    )
    parser.add_argument(
        "--morph", nargs=2, metavar=("CLASS", "CLASS"), help="the two classes of the morph in the report"
    )


def run(args: argparse.Namespace) -> int:
    """Check the arguments, measure the run, print the results, and write the report if --report is given."""
    if not args.run.exists():
        raise TrainerError(f"{args.run}: no such run folder or checkpoint")
    if args.data and not args.data.is_dir():
        raise TrainerError(f"{args.data}: {'not a folder' if args.data.exists() else 'no such folder'}")
    if args.published and not args.published.is_dir():
        reason = "not a folder" if args.published.exists() else "no such folder"
        raise TrainerError(f"{args.published}: {reason}")
    if args.published and args.json:
        raise TrainerError("--published adds to the tables: leave out --json")
    if args.morph and not args.report:
        raise TrainerError("--morph adds to the report: give --report FILE.html too")
    if args.report and (args.report.is_dir() or not args.report.parent.is_dir()):
        reason = "a folder" if args.report.is_dir() else "its folder does not exist"
        raise TrainerError(f"--report {args.report}: {reason}; give a file to write")
    drawn = ("matplotlib", "sklearn") if args.report else ()
    installed.check("evaluation", (*installed.NEEDED, "librosa", *drawn))

    from trainer.evaluation import evaluate, morph, published, subject, tables
    from trainer.run import checkpoint

    found = subject.load(args.run, args.checkpoint, args.data, args.device)
    pair = morph.pick(found, args.morph)
    print(f"measuring {found.path} on {len(found.test)} test sounds", file=sys.stderr)
    outputs = subject.outputs_of(found)
    evaluation = evaluate.measure(found, outputs)
    if args.report:
        from trainer.evaluation import report

        page = report.render(found, outputs, evaluation, morph.between(found, outputs, pair))
        checkpoint.save_atomically(args.report, page.encode())
    if args.json:
        print(json.dumps(evaluation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        words, found_tables = "\n".join(tables.sentences(evaluation)), tables.all_of(evaluation)
        if args.published:
            found_tables.append(tables.beside_published(evaluation, published.measure(args.published, found)))
        print("\n\n".join([words, *map(tables.plain, found_tables)]))
    if args.report:
        print(f"wrote {args.report}", file=sys.stderr)
    return 0
