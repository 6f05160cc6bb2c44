"""A run in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from trainer.config import Config
from trainer.data.sounds import Sounds
from trainer.data.splits import Parts
from trainer.models.vae import VAE
from trainer.run.checkpoint import Anchors

CPU_AT_ONCE = 8
"""Sounds held in memory at once where the configuration leaves it open; a GPU takes the whole batch."""


@dataclass
class State:
    """A run at the end of a step. What is saved of it is all that it needs to go on.

    Attributes:
        model: itself; `objective` has it within, wrapped for the devices at hand.
        parts: which of the sounds are for what.
        targets: int64 [N, heads], the class of each sound for each head.
        position: steps done in the epoch under way.
        totals: sums of its losses, by name; `seconds` that it took so far.
        anchors: the training sounds as `model` encodes them; None where it has moved since.
    """

    config: Config
    model: VAE
    optimisers: dict[str, torch.optim.Optimizer]
    sounds: Sounds
    folder: Path
    parts: Parts
    fabric: Fabric
    objective: _FabricModule
    targets: Tensor
    epoch: int = 0
    position: int = 0
    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    best: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    anchors: Anchors | None = None

    @property
    def train(self) -> Tensor:
        """Indices of the sounds that are trained on."""
        return self.parts.train

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.fabric.device

    @property
    def at_once(self) -> int:
        """Sounds held in memory at once."""
        fit = self.config.fit
        return fit.micro_batch or (CPU_AT_ONCE if self.device.type == "cpu" else fit.batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """The last batch of an epoch may be smaller."""
        return math.ceil(len(self.train) / self.config.fit.batch_size)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.config.fit.epochs
