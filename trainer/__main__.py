"""`trainer`: train a model on a folder of sounds, and hand it to the export."""

from __future__ import annotations

import argparse
import importlib.util
import json
import runpy
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from trainer import config as configs
from trainer.config import Config
from trainer.errors import ConfigError, TrainerError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from trainer.checkpoint import Checkpoint
    from trainer.state import State
    from trainer.steps import Display

RESUMABLE = (
    "epochs",
    "patience_epochs",
    "device",
    "devices",
    "nodes",
    "strategy",
    "precision",
    "compile",
    "threads",
    "checkpoint_minutes",
    "keep_epochs",
    "keep",
    "tensorboard",
)
"""What may change where a run is resumed."""
OPTIONS = ("batch_size", "seed", *RESUMABLE)
"""Keys of [fit] that are options of the command line too."""
NEEDED = ("torch", "lightning_fabric", "soundfile", "soxr", "safetensors", "rich")


def get_parser() -> argparse.ArgumentParser:
    """The command line of `trainer`."""
    parser = argparse.ArgumentParser(prog="trainer", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="train a model on a folder of sounds", description=FIT_HELP)
    fit.add_argument(
        "--data", type=Path, metavar="FOLDER", help="folder of audio files; sub-folders are classes"
    )
    fit.add_argument("--out", type=Path, metavar="RUN", help="folder to make for this run")
    fit.add_argument(
        "--model",
        choices=("dc", "cc", "mb"),
        help="dilated (Table 1), plain convolutions (Table 2), or on bands",
    )
    fit.add_argument(
        "--config",
        metavar="FILE.toml",
        help=f"a TOML file, or one of {', '.join(configs.bundled())}",
    )
    fit.add_argument("--epochs", type=int, help="passes over the sounds")
    fit.add_argument("--batch-size", type=int, help="sounds of one step")
    fit.add_argument("--seed", type=int, help="of the weights, the split, the order and the noise")
    fit.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), help="auto takes the GPU where there is one"
    )
    fit.add_argument("--threads", type=int, help="CPU threads; 0 leaves the choice to PyTorch")
    fit.add_argument("--checkpoint-minutes", type=float, help="save within an epoch too, at most this often")
    fit.add_argument(
        "--patience-epochs", type=int, help="stop when the validation loss falls no more; 0: never"
    )
    fit.add_argument("--keep-epochs", type=int, help="keep a checkpoint of its own every so many epochs")
    fit.add_argument("--keep", type=int, help="how many of those; 0 is all")
    fit.add_argument("--tensorboard", action="store_true", default=None, help="write RUN/tensorboard")
    fit.add_argument("--devices", type=int, help="GPUs, or CPU processes, of this machine")
    fit.add_argument("--nodes", type=int, help="machines; start the same command on each (see Lightning)")
    fit.add_argument("--strategy", choices=("auto", "ddp"), help="how several devices share the work")
    fit.add_argument("--precision", choices=("32", "bf16"), help="bf16: mixed precision, for a GPU")
    fit.add_argument("--compile", action="store_true", default=None, help="use PyTorch's compiler")
    fit.add_argument("--resume", type=Path, metavar="RUN", help="go on with a run that was interrupted")
    fit.add_argument("--force", action="store_true", help="replace the run that --out names")
    _add_evaluate(commands)
    prepare = commands.add_parser(
        "prepare", help="say what `fit` would make of a folder", description=PREPARE_HELP
    )
    prepare.add_argument("--data", type=Path, metavar="FOLDER", required=True, help="folder of audio files")
    prepare.add_argument(
        "--config", metavar="FILE.toml", help=f"a TOML file, or one of {', '.join(configs.bundled())}"
    )
    fetch = commands.add_parser("fetch", help="download a public data set", description=FETCH_HELP)
    fetch.add_argument("name", choices=("fsdd",), help="fsdd: the Free Spoken Digit Dataset, 16 MB")
    fetch.add_argument("--out", type=Path, metavar="FOLDER", help="folder to make (the data set's name)")
    fetch.add_argument("--url", default="", help="another place of the archive, or a copy on this machine")
    fetch.add_argument("--sha256", default="", metavar="HEX", help="of the archive, where it is another one")
    commands.add_parser("export", help="turn a run into the .onnx files for the stage", add_help=False)
    return parser


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = commands.add_parser(
        "evaluate", help="measure a run on its test sounds", description=EVALUATE_HELP
    )
    evaluate.add_argument("run", type=Path, metavar="RUN", help="folder of the run, or a checkpoint file")
    evaluate.add_argument("--data", type=Path, metavar="FOLDER", help="where its sounds are, if they moved")
    evaluate.add_argument(
        "--checkpoint",
        choices=("best", "last"),
        help="default last; best has the least loss on the validation sounds",
    )
    evaluate.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="auto takes the GPU where there is one",
    )
    evaluate.add_argument("--json", action="store_true", help="print everything, settings too, as JSON")
    evaluate.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write one page with tables, pictures and players"
    )
    evaluate.add_argument(
        "--morph", nargs=2, metavar=("CLASS", "CLASS"), help="of the report: morph from one to the other"
    )


EVALUATE_HELP = """Evaluate a run as the paper does: 1-NN accuracy and the MFCC-DTW deviation of the decoded
class centres, with real sounds and a blur beside them for scale, and how near reconstructions are. Only
the test sounds are measured, which the run has neither trained on nor chosen anything by."""
FIT_HELP = """Train on a folder of audio files of any format, rate and channel count. Files that cannot
be used are named and left out. Ctrl-C saves; --resume RUN goes on exactly where it stopped."""

PREPARE_HELP = """Read a folder as `fit` does and print what it finds: files that are left out and why, files
that are fixed and how, and how many sounds each class has. Nothing is written."""

FETCH_HELP = """Download a data set and lay it out for `fit`. A transfer that was interrupted goes on where
it was; the folder appears only when everything in it is checked."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, 2 after a mistake that one line on stderr names, or 128 + the signal that ended it.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["export"]:
        return _export(argv[1:])
    args = get_parser().parse_args(argv)
    try:
        commands = {"fit": _fit, "prepare": _prepare, "fetch": _fetch, "evaluate": _evaluate}
        return commands[args.command](args)
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


def _export(rest: list[str]) -> int:
    """`python -m export` with the same arguments; this package does not import that one."""
    before = sys.argv
    sys.argv = ["trainer export", *rest]
    try:
        runpy.run_module("export", run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            return 1
        return stop.code or 0
    finally:
        sys.argv = before
    return 0


def _config(args: argparse.Namespace) -> Config:
    """The configuration of a new run: file, then options."""
    config = configs.read(args.config) if args.config else Config()
    if args.model:
        config = config.replace("model", architecture=args.model)
    return _options(config, args, OPTIONS)


def _options(config: Config, args: argparse.Namespace, names: Sequence[str]) -> Config:
    for name in names:
        if (value := getattr(args, name)) is not None:
            try:
                config = config.replace("fit", **{name: value})
            except ConfigError as error:
                reason = str(error).rpartition(": ")[2]
                raise ConfigError(f"--{name.replace('_', '-')} {value}: {reason}") from None
    return config


def _check_out(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise TrainerError(f"{out}: a file; --out takes a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise TrainerError(
            f"{out}: not empty; choose another, --resume {out} to go on, or --force to replace it"
        )


def _fit(args: argparse.Namespace) -> int:
    if args.resume:
        fixed = [
            name
            for name in ("out", "model", "config", "batch_size", "seed")
            if getattr(args, name) is not None
        ]
        if fixed:
            flag = fixed[0].replace("_", "-")
            raise TrainerError(f"--{flag} cannot be given with --resume: the run has its own")
    else:
        if not args.data or not args.out:
            raise TrainerError(
                f"{'--out RUN' if args.data else '--data FOLDER'} is needed; see trainer fit -h"
            )
        _check_out(args.out, args.force)
        config = _config(args)
        if not args.data.is_dir():
            raise TrainerError(f"{args.data}: {'not a folder' if args.data.exists() else 'no such folder'}")
    _check_installed("training", NEEDED)

    from trainer import checkpoint

    if not args.resume:
        _check_board(config)
        return _train(config, args.data, args.out, None)
    saved = checkpoint.load(args.resume)
    config = _options(saved.config, args, RESUMABLE)
    _check_board(config)
    if config.fit.epochs <= saved.epoch:
        raise TrainerError(
            f"{args.resume}: its {saved.epoch} epochs are done; --epochs N with a larger N adds some"
        )
    out = args.resume if args.resume.is_dir() else args.resume.parent
    return _train(config, args.data or Path(saved.data["folder"]), out, saved)


def _check_board(config: Config) -> None:
    if config.fit.tensorboard:
        _check_installed("--tensorboard", ["tensorboard"])


def _check_installed(what: str, names: Sequence[str]) -> None:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainerError(
            f"{what} needs {', '.join(missing)}, not installed here: pip install 'soundmorph[train]'"
        )


def _evaluate(args: argparse.Namespace) -> int:
    if not args.run.exists():
        raise TrainerError(f"{args.run}: no such run folder or checkpoint")
    if args.data and not args.data.is_dir():
        raise TrainerError(f"{args.data}: {'not a folder' if args.data.exists() else 'no such folder'}")
    if args.morph and not args.report:
        raise TrainerError("--morph is a picture of the report: give --report FILE.html too")
    if args.report and (args.report.is_dir() or not args.report.parent.is_dir()):
        reason = "a folder" if args.report.is_dir() else "its folder does not exist"
        raise TrainerError(f"--report {args.report}: {reason}; it takes a file to write")
    drawn = ("matplotlib", "sklearn") if args.report else ()
    _check_installed("evaluation", (*NEEDED, "librosa", *drawn))

    from trainer import checkpoint, evaluate, morph, subject, tables

    found = subject.load(args.run, args.checkpoint, args.data, args.device)
    pair = morph.pick(found, args.morph)
    print(f"{len(found.test)} test sounds through {found.path}", file=sys.stderr)
    heard = subject.listen(found)
    evaluation = evaluate.measure(found, heard)
    if args.report:
        from trainer import report

        page = report.render(found, heard, evaluation, morph.between(found, heard, pair))
        checkpoint.save_atomically(args.report, page.encode())
    if args.json:
        print(json.dumps(evaluation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print("\n\n".join(tables.plain(table) for table in tables.all_of(evaluation)))
    if args.report:
        print(f"wrote {args.report}", file=sys.stderr)
    return 0


def _prepare(args: argparse.Namespace) -> int:
    config = configs.read(args.config) if args.config else Config()
    _check_installed("training", NEEDED)
    from trainer import data, findings

    sounds = data.prepare(args.data, config.model, config.data)
    findings.show(findings.rows(sounds), sys.stdout)
    print(findings.summary(sounds))
    if alone := findings.classes_of_one(sounds):
        print(f"a class of one sound cannot be held out: {', '.join(alone)}")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from trainer import fetch

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done / 1e6:.1f} of {total / 1e6:.1f} MB", end="", file=sys.stderr, flush=True)

    out = args.out or Path(args.name)
    count = fetch.fetch(args.name, out, url=args.url, sha256=args.sha256, progress=progress)
    quoted = shlex.quote(str(out))
    print(f"{count} sounds in {quoted}; now: trainer fit --config digits --data {quoted} --out RUN")
    return 0


def _train(config: Config, data: Path, out: Path, saved: Checkpoint | None) -> int:
    from trainer import devices, findings, fit, progress

    fabric = devices.make(config.fit)
    fabric.launch()  # where there are several devices, the other processes run this command too
    if not fabric.is_global_zero:
        with _signals() as caught:
            state = _state(config, data, saved, fabric)
            fabric.barrier()
            fit.run(state, out, progress.Silent(), stop=lambda: bool(caught))
        return 0
    bars = progress.Bars(config.fit.epochs)
    with _signals() as caught, bars.live():
        state = _state(config, data, saved, fabric, bars.reading)
        findings.show(findings.brief(state.sounds), sys.stderr)
        parts = state.parts
        count = f"{len(parts.train)} sounds to train on, {len(parts.validation)} for validation, "
        count += f"{len(parts.test)} for the test"
        classes = ", ".join(state.sounds.classes)
        times = f" x {fabric.world_size}" if fabric.world_size > 1 else ""
        bars.note(f"{count} | {config.model.architecture} on {state.device}{times} | classes: {classes}")
        if saved is None:
            out.mkdir(parents=True, exist_ok=True)
            fit.clear(out)
        fabric.barrier()
        with _displays(state, out, bars) as display:
            done = fit.run(state, out, display, stop=lambda: bool(caught))
    quoted = shlex.quote(str(out))
    if not done:
        print(f"stopped after {state.step} of {state.steps} steps; go on with: trainer fit --resume {quoted}")
        return 128 + caught[0] if caught else 130
    if state.epoch < config.fit.epochs:
        print(f"the validation loss fell no more: ended after {state.epoch} of {config.fit.epochs} epochs")
    print(f"done: {quoted}; now: trainer export {quoted} -o {shlex.quote(f'{data.resolve().name}.onnx')}")
    return 0


@contextmanager
def _displays(state: State, out: Path, bars: Display) -> Iterator[Display]:
    """The bars, and TensorBoard's files where they are wanted."""
    if not state.config.fit.tensorboard:
        yield bars
        return
    from trainer import board, fit, progress

    written = board.Board(state, out / fit.TENSORBOARD)
    try:
        yield progress.Several(bars, written)
    finally:
        written.close()


def _state(
    config: Config,
    data: Path,
    saved: Checkpoint | None,
    fabric: Fabric,
    reading: Callable[[int, int], None] | None = None,
) -> State:
    from trainer import fit

    if saved is None:
        return fit.start(config, data, reading, fabric=fabric)
    return fit.resume(saved, config, data, reading, fabric)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The first Ctrl-C or SIGTERM is put into the list; a second one acts as usual."""
    caught: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    before: dict[int, Any] = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
