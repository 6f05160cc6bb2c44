"""Read checkpoint files without checking their content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from trainer.run import checkpoint


def parts(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the metadata and the tensors of a checkpoint file."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return json.loads(file.metadata()[checkpoint.KEY]), tensors
