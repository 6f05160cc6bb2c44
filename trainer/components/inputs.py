"""Measurements of sounds: the inputs of the modal encoder's networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """Measurements of B sounds. They do not depend on the encoder's weights. Training can therefore reuse
    them.

    Attributes:
        course: log-mel levels over time, [B, 48, windows].
        peaks: pitch and level of the strongest low partial in each window, [B, 2 · windows].
        body: `peaks`, and levels at fixed intervals from the strongest low partial, [B, F].
        zones: levels in the frequency zones of the modes (damped sinusoids), [B, F].
    """

    course: Tensor
    peaks: Tensor
    body: Tensor
    zones: Tensor

    def __len__(self) -> int:
        return len(self.course)

    def __getitem__(self, rows: slice | Tensor) -> Inputs:
        return Inputs(*(getattr(self, item.name)[rows] for item in fields(self)))

    def to(self, target: torch.device | torch.dtype) -> Inputs:
        """Return the measurements on a different device, or with a different data type."""
        return Inputs(*(getattr(self, item.name).to(target) for item in fields(self)))

    def light(self) -> Inputs:
        """Return the measurements in float16, except `peaks`, whose pitches need float32."""
        return replace(self.to(torch.float16), peaks=self.peaks)


def joined(parts: Sequence[Inputs]) -> Inputs:
    """Return the measurements of all parts, one after another."""
    return Inputs(*(torch.cat([getattr(part, item.name) for part in parts]) for item in fields(Inputs)))
