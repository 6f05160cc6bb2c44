"""Checks whether the packages that a command needs are installed, and returns shell commands of programs."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer.architectures import ARCHITECTURES
from trainer.config import Config
from trainer.errors import TrainerError

NEEDED = ("torch", "lightning_fabric", "scipy", "soundfile", "soxr", "safetensors", "rich")


def check(what: str, names: Sequence[str], extra: str = "train") -> None:
    """Raise TrainerError if a module is not installed.

    Args:
        what: the activity that needs the modules, for the message.
        names: names of the modules.
        extra: the pip extra of soundmorph that installs the modules, for the message.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainerError(
            f"{what} needs {', '.join(missing)}, not installed here: {_install(f'soundmorph[{extra}]')}"
        )


def check_recipe(config: Config) -> None:
    """Raise TrainerError if a module that a run with this configuration uses is not installed."""
    names = [*NEEDED, *ARCHITECTURES[config.model.architecture].packages]
    if config.data.labels == "kmeans":
        names.append("sklearn")
    if config.loss.prototypes:
        names.append("librosa")
    if config.fit.tensorboard:
        names += ["tensorboard", "sklearn"]
    check("training", list(dict.fromkeys(names)))


def program(name: str) -> str:
    """Return the shell command of a program in this environment: its name if it is on PATH, else its path."""
    folder = Path(sys.executable).parent
    found = shutil.which(name)
    if found is not None and Path(found).parent == folder:
        return name
    return _shell_path(folder / name)


def _shell_path(path: Path) -> str:
    """Return a path, quoted for a shell; a path in the current folder becomes relative."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _install(packages: str) -> str:
    """Return the shell command that installs packages into the running environment."""
    return f'{_shell_path(Path(sys.executable))} -m pip install "{packages}"'
