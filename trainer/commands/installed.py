"""Check that the packages of the extra `train` are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from trainer.errors import TrainerError

NEEDED = ("torch", "lightning_fabric", "soundfile", "soxr", "safetensors", "rich")


def check(what: str, names: Sequence[str]) -> None:
    """Raise TrainerError if one of the modules is not installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainerError(
            f"{what} needs {', '.join(missing)}, not installed here: pip install 'soundmorph[train]'"
        )
