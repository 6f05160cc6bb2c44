"""Check that the packages of the extra `train` are installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer.errors import TrainerError

NEEDED = ("torch", "lightning_fabric", "soundfile", "soxr", "safetensors", "rich")


def check(what: str, names: Sequence[str]) -> None:
    """Raise TrainerError if one of the modules is not installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainerError(
            f"{what} needs {', '.join(missing)}, not installed here: {_install('soundmorph[train]')}"
        )


def _install(packages: str) -> str:
    """Return the command that installs packages into the running environment, from the current folder."""
    python, here = Path(sys.executable), Path.cwd()
    program = str(python.relative_to(here) if python.is_relative_to(here) else python)
    program = f'"{program}"' if " " in program else program
    return f'{program} -m pip install "{packages}"'
