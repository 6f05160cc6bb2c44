"""`python -m export` (also `trainer export`): export a trained model to .onnx files for `realtime`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from realtime.util import install
from realtime.util.parser import Parser


def get_parser(prog: str = "python -m export") -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog=prog,
        description="Export the decoder and the encoder of a training run. `realtime` plays the decoder.",
    )
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="a run folder of `trainer fit`, or a checkpoint file"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE.onnx",
        help="decoder to write; the encoder is written beside it as FILE.encoder.onnx",
    )
    parser.add_argument("--name", help="name of the model (default: the name of the file)")
    parser.add_argument(
        "--velocities",
        type=Path,
        metavar="FOLDER",
        help="folder of sounds whose manifest.csv has the columns velocity (0 to 1) and group (the same for "
        "all takes of a drum); the model file then stores, for each class and each drum, the direction of z "
        "in which hits get harder",
    )
    parser.add_argument(
        "--courses",
        action="store_true",
        help="measure the paths between class centres, to let /morph/between follow them in steps that "
        "sound equal; this takes a few seconds for each pair of classes",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "python -m export") -> int:
    """Export a run. Return 0; 2 after an error, which is reported in one line on stderr; 130 after Ctrl-C."""
    args = get_parser(prog).parse_args(argv)
    if args.out.suffix != ".onnx":
        return _error(prog, f"{args.out}: the file's name must end in .onnx")
    if args.out.name.endswith(".encoder.onnx"):
        return _error(
            prog, f"{args.out}: name the decoder; the encoder, ending in .encoder.onnx, goes beside it"
        )
    if args.out.exists() and not args.force:
        return _error(prog, f"{args.out} exists: choose another name, or replace it with --force")
    if not args.run.exists():
        return _error(prog, f"{args.run}: no such run folder or checkpoint")
    try:
        from export.courses import add
        from export.errors import ExportError
        from export.to_onnx import export
        from realtime.model.encoder import encoder_path
        from realtime.util.errors import RealtimeError
        from trainer.commands.installed import program
        from trainer.errors import TrainerError
    except ModuleNotFoundError as error:
        return _error(prog, f"{error.name} is not installed: {install.command('soundmorph[cpu,train]')}")
    try:
        parity = export(args.run, args.out, name=args.name, velocities=args.velocities, force=args.force)
        if args.courses:
            add(args.out)
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        return 130
    except (ExportError, TrainerError, RealtimeError) as error:
        return _error(prog, str(error))
    except OSError as error:
        return _error(prog, f"{error.filename or args.out}: {error.strerror or error}")
    size_mb = args.out.stat().st_size / 1e6
    print(f"{args.out}  {size_mb:.1f} MB, the decoder; differs from PyTorch by at most {parity.worst:.0e}")
    beside = encoder_path(args.out)
    print(f"{beside}  {beside.stat().st_size / 1e6:.1f} MB, the encoder for `realtime encode`")
    print(f"next: {program('realtime')} serve --model {shlex.quote(str(args.out))}")
    return 0


def _error(prog: str, text: str) -> int:
    print(f"{prog}: error: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
