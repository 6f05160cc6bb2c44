"""`trainer fit`: start or resume a training run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer import config as configs
from trainer.architectures import ARCHITECTURES
from trainer.commands import files, installed
from trainer.config import Config
from trainer.errors import ConfigError, TrainerError

HELP = "train a model on a folder of sounds"
DESCRIPTION = """`trainer fit --data my-sounds` trains with the recipe of the bundled drum model and writes
runs/my-sounds. The folder of sounds has a sub-folder for each class, with audio files of any format, rate and
channel count. Files that cannot be used are reported and left out. Ctrl-C saves the run; --resume RUN
continues it exactly where it stopped."""
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
"""Keys of the configuration's table [fit] that may change when a run is resumed."""
OPTIONS = ("batch_size", "seed", *RESUMABLE)
"""Keys of [fit] that are also options of the command line."""


HELD_OUT = 0.1
"""Fraction of each class that --hold-out keeps out of training if no number is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `trainer fit`."""
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="folder of audio files; sub-folders are classes"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="RUN",
        help="folder to make for this run; default: runs/NAME, with the name of the --data folder",
    )
    parser.add_argument("--epochs", type=int, help="number of passes over the training sounds")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="continue a run that was interrupted")
    parser.add_argument("--force", action="store_true", help="replace the run that --out names")

    recipe = parser.add_argument_group("recipe")
    files.add_config(recipe)
    files.add_include(recipe)
    recipe.add_argument(
        "--model",
        choices=tuple(ARCHITECTURES),
        help="; ".join(f"{name}: {row.summary}" for name, row in ARCHITECTURES.items()),
    )
    recipe.add_argument("--batch-size", type=int, help="number of sounds in a step")
    recipe.add_argument(
        "--seed", type=int, help="seed of the initial weights, the split, the order of sounds and the noise"
    )
    recipe.add_argument(
        "--patience-epochs", type=int, help="stop after N epochs without a lower validation loss; 0: never"
    )

    files.add_from(recipe)
    recipe.add_argument(
        "--hold-out",
        type=float,
        nargs="?",
        const=HELD_OUT,
        metavar="FRACTION",
        help="keep this fraction of each class out of training, for `trainer evaluate`; without a number: "
        f"{HELD_OUT:g}",
    )

    saving = parser.add_argument_group("saving")
    saving.add_argument(
        "--checkpoint-minutes",
        type=float,
        help="also save within epochs, at most once in N minutes; 0: never",
    )
    saving.add_argument("--keep-epochs", type=int, help="keep a numbered checkpoint every N epochs")
    saving.add_argument("--keep", type=int, help="how many numbered checkpoints to keep; 0: all")
    saving.add_argument(
        "--tensorboard",
        action="store_true",
        default=None,
        help="write TensorBoard's files to RUN/tensorboard",
    )

    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), help="auto takes the GPU if there is one"
    )
    machine.add_argument("--threads", type=int, help="number of CPU threads; 0: PyTorch's choice")
    machine.add_argument("--devices", type=int, help="number of GPUs, or of CPU processes, on each machine")
    machine.add_argument(
        "--nodes",
        type=int,
        help="number of machines; start the command on each, as Lightning's documentation describes",
    )
    machine.add_argument("--strategy", choices=("auto", "ddp"), help="how several devices share the work")
    machine.add_argument("--precision", choices=("32", "bf16"), help="bf16: mixed precision, for a GPU")
    machine.add_argument("--compile", action="store_true", default=None, help="use PyTorch's compiler")


def _config(args: argparse.Namespace) -> Config:
    """Return the configuration of a new run: the recipe, with the changes that the options make.

    With --model and no --config, the other keys come from the default recipe if it has the same model; if
    not, they take the values of the paper (Lionello and Purwins).
    """
    config = configs.read(args.config or configs.DEFAULT)
    if args.model and not args.config and args.model != config.model.architecture:
        config = Config()
    if args.model:
        config = config.replace("model", architecture=args.model)
    if args.include:
        config = config.replace("data", include=args.include)
    if args.hold_out is not None:
        config = changed(config, "--hold-out", "data", "test_fraction", args.hold_out)
    return _options(config, args, OPTIONS)


def _options(config: Config, args: argparse.Namespace, names: Sequence[str]) -> Config:
    for name in names:
        if (value := getattr(args, name)) is not None:
            config = changed(config, f"--{name.replace('_', '-')}", "fit", name, value)
    return config


def changed(config: Config, option: str, table: str, key: str, value: Any) -> Config:
    """Return the configuration with the value of one key that an option of the command line gives.

    Raises:
        ConfigError: the configuration refuses the value; the message names the option.
    """
    try:
        return config.replace(table, **{key: value})
    except ConfigError as error:
        raise ConfigError(f"{option} {value}: {str(error).rpartition(': ')[2]}") from None


def _check_out(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise TrainerError(f"{out}: it is a file; --out takes a folder")
    if not out.is_dir() or not any(out.iterdir()) or force:
        return
    installed.check("training", installed.NEEDED)

    from trainer.run import adapt, checkpoint

    if not (out / checkpoint.LAST).exists():
        raise TrainerError(f"{out}: not empty, and not a run; choose another folder with --out")
    if adapt.POINTS in checkpoint.load(out).optimisers:
        raise TrainerError(f"{out}: a run of `trainer play`; choose another folder with --out")
    raise TrainerError(
        f"{out}: not empty; choose another folder with --out, continue the run with --resume {out}, "
        "or replace it with --force"
    )


def run(args: argparse.Namespace) -> int:
    """Check the command line, then train a new run or resume one."""
    if args.resume:
        fixed = [
            name
            for name in ("out", "model", "config", "include", "batch_size", "seed", "from", "hold_out")
            if getattr(args, name) is not None
        ]
        if fixed:
            flag = fixed[0].replace("_", "-")
            raise TrainerError(f"--{flag} cannot be given with --resume: the run keeps its own value")
    else:
        if not args.data:
            raise TrainerError("--data FOLDER is needed; see trainer fit -h")
        args.out = args.out or Path("runs") / args.data.resolve().name
        _check_out(args.out, args.force)
        config = _config(args)
        if not args.data.is_dir():
            raise TrainerError(f"{args.data}: {'not a folder' if args.data.exists() else 'no such folder'}")
    installed.check("training", installed.NEEDED)

    from trainer.commands.running import train
    from trainer.run import base, checkpoint

    if not args.resume:
        installed.check_recipe(config)
        return train(config, args.data, args.out, None, base.choose(getattr(args, "from"), config))
    saved = checkpoint.load(args.resume)
    config = _options(saved.config, args, RESUMABLE)
    installed.check_recipe(config)
    if config.fit.epochs <= saved.epoch:
        raise TrainerError(
            f"{args.resume}: its {saved.epoch} epochs are done; for more, give --epochs a larger number"
        )
    out = args.resume if args.resume.is_dir() else args.resume.parent
    return train(config, args.data or Path(saved.data["folder"]), out, saved)
