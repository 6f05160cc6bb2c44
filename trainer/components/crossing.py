"""Exchanges the bodies of drum sounds, to give training more combinations of body and noise.

    sound of a snare - its body + the body of a second snare, transposed ─► a third snare, and its components

The body of a sound is the part that its free oscillators play: low partials whose frequencies sweep together.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from trainer.components.analysis import Components
from trainer.components.layout import MIDDLE_HZ, SPREAD, SWEEP_S, knot_frames
from trainer.components.variation import ends_s, interpolation, resampled
from trainer.config import ModelConfig

STEPS, STEP = 10, 0.025
"""Maximum number of steps by which a body is transposed up or down, and the frequency step in nepers."""
BODY_DB = 4.0
"""Standard deviation, in dB, of the change in a body's level."""
AUDIBLE = 0.01
"""A body whose peak level does not exceed this value is treated as missing."""


class Crossing:
    """Gives batches of sounds the bodies of other sounds.

    Args:
        config: the model, which determines the layout of the components.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.rate = config.sample_rate
        knots = knot_frames(config.length // config.hop_length, config.knots).astype(np.float64)
        self.in_time = [
            interpolation(knots, np.minimum(knots * math.exp(step * STEP), knots[-1]))
            for step in range(-STEPS, STEPS + 1)
        ]

    def __call__(
        self,
        sounds: Tensor,
        own: Components,
        bodies: Tensor,
        others: tuple[Components, Tensor],
        source: torch.Generator,
    ) -> tuple[Tensor, Components]:
        """Return the sounds with new bodies, [B, 1, T], at their original peaks, and their components.

        The new body is scaled to the peak of the old body and multiplied by a random gain (`BODY_DB`). If the
        old or the new body is missing, only the random gain is applied.

        Args:
            sounds: the sounds, [B, 1, T].
            own: components of the sounds.
            bodies: bodies of the sounds, [B, 1, T].
            others: components and bodies of the sounds that give the new bodies; a sound may get its own
                body, transposed.
            source: generator of the random draws.
        """
        theirs, found = others
        steps = torch.randint(-STEPS, STEPS + 1, (len(sounds),), generator=source)
        random_gain = torch.exp(torch.randn(len(sounds), generator=source) * (BODY_DB / 8.686))
        moved = torch.stack(
            [resampled(body, step * STEP) for body, step in zip(found, steps.tolist(), strict=True)]
        )
        loud, other = (each.abs().amax((1, 2)).clamp(min=AUDIBLE) for each in (bodies, moved))
        gain = random_gain * torch.where((loud > AUDIBLE) & (other > AUDIBLE), loud / other, 1.0)
        sound = sounds - bodies + gain[:, None, None] * moved
        scale = sounds.abs().amax((1, 2)) / sound.abs().amax((1, 2)).clamp(min=1e-9)
        sound = sound * scale[:, None, None]
        rise, change = scale.clamp(min=1e-9).log()[:, None], steps * STEP
        time = torch.stack([self.in_time[step + STEPS] for step in steps.tolist()])
        low, high = math.log(MIDDLE_HZ) - SPREAD, math.log(MIDDLE_HZ) + SPREAD
        return sound, replace(
            own,
            log_f1=(theirs.log_f1 + change).clamp(low, high),
            sweep=theirs.sweep,
            log_tau=(theirs.log_tau - change).clamp(*(math.log(edge) for edge in SWEEP_S)),
            log_ratio=theirs.log_ratio,
            free_level=time @ theirs.free_level + (gain.log()[:, None] + rise)[:, None],
            phase=theirs.phase,
            free_weight=theirs.free_weight,
            log_level=own.log_level + rise,
            noise_level=own.noise_level + rise[:, None],
            end_s=ends_s(sound[:, 0], self.rate),
        )
