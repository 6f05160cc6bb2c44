"""The packages of the extras `learn` and `train`, and the paths of the programs for a shell."""

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
    """Raise TrainerError if a module of an extra is not installed."""
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
    """Return the command for a program of this environment: its name if it is on the path, else its file."""
    folder = Path(sys.executable).parent
    found = shutil.which(name)
    if found is not None and Path(found).parent == folder:
        return name
    return _from_here(folder / name)


def _from_here(path: Path) -> str:
    """Return a path for a shell in the current folder."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _install(packages: str) -> str:
    """Return the command that installs packages into the running environment, from the current folder."""
    return f'{_from_here(Path(sys.executable))} -m pip install "{packages}"'
