"""`python -m export.play` (also `trainer play`): train on a folder of sounds while playing the model."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from export.play.job import Job
from export.play.learner import fail
from export.play.session import learn, play
from realtime.cli import serve
from realtime.util import priority
from realtime.util.errors import RealtimeError
from realtime.util.parser import Parser
from trainer import config as configs
from trainer.architectures import ARCHITECTURES
from trainer.commands import files, fit, installed
from trainer.config import Config
from trainer.errors import TrainerError

DESCRIPTION = """Learn a folder of one-shots while playing them: within a minute, the server plays a first
version of the model, then versions that come ever closer to the sounds. Sub-folders are classes; without
sub-folders, the file names give the classes, and hats that ring long are open hats. If a file name contains
no known drum, its first words become the class, provided that another file name begins with the same words;
otherwise, the class is named after the folder. Ctrl-C saves the run, and the same command continues it. The
model file is RUN/NAME.onnx, where NAME is the folder's name. All other options are those of `realtime serve`,
such as --device or --open."""
QUALITIES = {"sketch": 60, "good": 200, "best": 800}
"""Passes over the sounds for each value of `--quality`."""
GOOD = "good"
BATCH = 16
"""Sounds in a training step."""


def get_parser(prog: str = "python -m export.play") -> Parser:
    """Return the parser of the command line."""
    parser = Parser(prog=prog, description=DESCRIPTION)
    parser.add_argument("data", type=_path, metavar="FOLDER", help="folder of audio files")
    parser.add_argument(
        "--quality",
        choices=tuple(QUALITIES),
        default=GOOD,
        help="number of passes over the sounds; after the first pass, the program prints how long each "
        f"choice takes; default: {GOOD}",
    )
    parser.add_argument(
        "--out", type=Path, metavar="RUN", help="folder of the run; default: runs/ and the folder's name"
    )
    parser.add_argument(
        "--hold-out",
        type=float,
        nargs="?",
        const=fit.HELD_OUT,
        default=0.0,
        metavar="FRACTION",
        help="keep this fraction of each class for `trainer evaluate`; "
        f"without a number: {fit.HELD_OUT:g}; default: learn every sound",
    )
    parser.add_argument(
        "--learn-only",
        action="store_true",
        help="start no server, because another server is playing RUN/NAME.onnx",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the run in --out if it learnt a different folder"
    )
    files.add_config(parser)
    files.add_from(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "trainer play") -> int:
    """Run the command; return 0, 2 after an error, or 128 + the number of the signal that ended it."""
    argv = sys.argv[1:] if argv is None else argv
    parser = get_parser(prog)
    parser.passes_on = True  # to the server
    args, rest = parser.parse_known_args(argv)
    taken = _whole_parser(prog).parse_args(["--model", "", *argv])
    if taken.model or taken.library:
        return fail("--model and --library cannot be given: the run sets both")
    try:
        serve.check(taken)
    except RealtimeError as error:
        return fail(str(error))
    if not args.data.is_dir():
        return fail(f"{args.data}: {'not a folder' if args.data.exists() else 'no such folder'}")
    if args.learn_only:
        priority.ordinary()  # the parent process may be a server with real-time priority
    try:
        installed.check("trainer play", (*installed.NEEDED, "matplotlib"), "learn")
        job = Job(
            data=args.data,
            out=args.out or Path("runs") / args.data.resolve().name,
            config=_config(args),
            base=getattr(args, "from"),
            qualities=QUALITIES,
            force=args.force,
        )
        job.check()
        return learn(job) if args.learn_only else play(job, rest)
    except (TrainerError, RealtimeError, OSError) as error:
        return fail(str(error))


def _whole_parser(prog: str) -> Parser:
    """Return a parser that also knows the options of `realtime serve`, to check those of the server."""
    parser = Parser(prog=prog, parents=[get_parser(prog)], conflict_handler="resolve", add_help=False)
    serve.add_arguments(parser)
    return parser


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text))  # no shell expands ~ in DATA="~/my sounds"


def _config(args: argparse.Namespace) -> Config:
    """Return the training configuration: the file `--config`, changed by the other options."""
    config = configs.read(args.config or configs.DEFAULT)
    if not ARCHITECTURES[config.model.architecture].learns_components:
        raise TrainerError(f'--config {args.config}: the architecture must be "modal"')
    config = fit.changed(config, "--hold-out", "data", "test_fraction", args.hold_out)
    config = config.replace("data", labels="names", max_per_source=0, validation_fraction=0.0)
    return config.replace(
        "fit", epochs=QUALITIES[args.quality], batch_size=BATCH, device="cpu", patience_epochs=0
    )


if __name__ == "__main__":
    sys.exit(main())
