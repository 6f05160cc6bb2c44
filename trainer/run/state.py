"""The state of a training run in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from trainer.components.analysis import Components
from trainer.config import Config
from trainer.data.sampling import Batch
from trainer.data.sounds import Sounds
from trainer.data.splits import Parts
from trainer.models.vae import VAE
from trainer.run.checkpoint import Anchors

CPU_AT_ONCE = 8
"""Default number of sounds in memory at once on a CPU; on a GPU, the default is the complete batch."""


@dataclass
class State:
    """A run at the end of a step. A checkpoint holds everything that is needed to continue the run.

    Attributes:
        model: the model; `objective` contains it, wrapped for the devices.
        parts: indices of the sounds for training, validation and test.
        components: oscillators, damped sinusoids and noise of the sounds, for an architecture that learns
            these.
        bodies: the body of each sound, the part that its free oscillators play, [N, 1, T]; training exchanges
            bodies between sounds.
        targets: int64 [N, heads], the class of each sound for each head (classifier).
        position: number of steps done in the current epoch.
        totals: sums of the losses over the current epoch, by name.
        seconds: time spent in the current epoch, in seconds.
        anchors: the points of the training sounds in latent space; None after the model has changed.
        points: [sounds, D], learnt points of the training sounds; None if the points come from the encoder.
        copies: sets of measured sounds made so far, by index (`trainer.run.copies`).
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
    components: Components | None = None
    bodies: Tensor | None = None
    epoch: int = 0
    position: int = 0
    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    best: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    anchors: Anchors | None = None
    points: torch.nn.Parameter | None = None
    copies: dict[int, Batch] = field(default_factory=dict)

    @property
    def train(self) -> Tensor:
        """Indices of the training sounds."""
        return self.parts.train

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        return self.fabric.device

    @property
    def at_once(self) -> int:
        """Number of sounds in memory at once."""
        fit = self.config.fit
        return fit.micro_batch or (CPU_AT_ONCE if self.device.type == "cpu" else fit.batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps of an epoch; the last batch may be smaller."""
        size = self.config.fit.batch_size
        leaked = len(self.parts.test) if self.config.data.leak else 0
        return math.ceil((self.passes - leaked) / size) + math.ceil(leaked / size)

    @property
    def passes(self) -> int:
        """Number of sounds that pass through the model in an epoch."""
        data = self.config.data
        return len(self.train) * (1 + data.averages) + (len(self.parts.test) if data.leak else 0)

    @property
    def steps(self) -> int:
        """Number of steps of the entire run."""
        return self.steps_per_epoch * self.config.fit.epochs
