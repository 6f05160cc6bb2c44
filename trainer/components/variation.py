"""Varies sounds and their components in training, to let the encoder learn as if there were more drum kits.

A variation has three steps. The first step changes pitch and time together, as a resampler does, by an
integer number of zones. A zone is the narrow frequency range of one mode (damped sinusoid). The second step
changes the envelope, by a gain of the attack and by extra damping. The third step changes the timbre, by a
smooth random equaliser.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from trainer.components.analysis import QUIET_DB, Components
from trainer.components.layout import (
    DECAYS,
    MIDDLE_HZ,
    QUIET,
    SPREAD,
    SWEEP_S,
    band_middles_hz,
    half_zone,
    knot_frames,
)
from trainer.config import DataConfig, ModelConfig

RIPPLES = 3
"""Maximum number of half waves in the equaliser's curve, from the lowest to the highest frequency."""
RANGE_HZ = (30.0, 20_000.0)
"""Range of the equaliser's curve, which is flat below and above this range."""
ATTACK_S = (0.002, 0.03)
"""Range of the time constant, in seconds, with which the gain of the attack fades."""


class Variation:
    """Varies batches of sounds.

    Args:
        config: the model, which determines the layout of the components.
        data: its `vary_…` keys set the extent of the variation.
    """

    def __init__(self, config: ModelConfig, data: DataConfig) -> None:
        self.zones, self.equaliser_db, self.rate = data.vary_zones, data.vary_db, config.sample_rate
        self.attack_db, self.damping = data.vary_attack_db, data.vary_damping
        self.zone = 2.0 * half_zone(config.modes, config.sample_rate)
        middles = band_middles_hz(config.bands, config.sample_rate)
        self.bands = torch.from_numpy(middles).float()
        knots = knot_frames(config.length // config.hop_length, config.knots).astype(np.float64)
        self.knot_s = torch.from_numpy(knots * config.hop_length / config.sample_rate).float()
        self.in_time, self.in_bands = [], []
        for step in range(-self.zones, self.zones + 1):
            ratio = math.exp(step * self.zone)
            self.in_time.append(interpolation(knots, np.minimum(knots * ratio, knots[-1])))
            lines = np.log(middles + 700.0)
            self.in_bands.append(interpolation(lines, np.log(middles / ratio + 700.0)))

    def __call__(
        self, sounds: Tensor, components: Components, source: torch.Generator
    ) -> tuple[Tensor, Components]:
        """Return varied sounds [B, 1, T], at their original peaks, and their components."""
        steps = torch.randint(-self.zones, self.zones + 1, (len(sounds),), generator=source).tolist()
        curve = torch.randn(len(sounds), RIPPLES, generator=source) * (self.equaliser_db / 8.686)
        random_numbers = torch.rand(3, len(sounds), generator=source)
        moved = [resampled(sound, step * self.zone) for sound, step in zip(sounds, steps, strict=True)]
        columns = zip(*(self._transposed(components, i, step) for i, step in enumerate(steps)), strict=True)
        shaped = self._shaped(torch.stack(moved), Components(*map(torch.stack, columns)), *random_numbers)
        return self._equalised(*shaped, curve)

    def _shaped(
        self, sounds: Tensor, own: Components, bump: Tensor, fade: Tensor, damped: Tensor
    ) -> tuple[Tensor, Components]:
        """Change attack and damping of sounds, by random numbers from 0 to 1, [B] each.

        The gain in nepers is b·e^(-t/τ) - a·t. `bump` sets b, `fade` sets τ, and `damped` sets a, which
        is 0 for values up to 0.5.
        """
        low, high = (math.log(edge) for edge in ATTACK_S)
        tau = torch.exp(low + (high - low) * fade)[:, None]
        rise = torch.special.ndtri(bump.clamp(0.01, 0.99))[:, None] * (self.attack_db / 8.686)
        a = (2.0 * damped - 1.0).clamp(min=0.0).square()[:, None] * self.damping

        def gain(seconds: Tensor) -> Tensor:
            return rise * torch.exp(-seconds / tau) - a * seconds

        sound = sounds[:, 0] * gain(torch.arange(sounds.shape[-1]) / self.rate).exp()
        sound, loss = _at_peak(sound, sounds[:, 0])
        level = (gain(self.knot_s) + loss)[..., None]
        return sound[:, None], replace(
            own,
            free_level=own.free_level + level,
            log_level=own.log_level + loss,
            log_decay=(own.log_decay.exp() + a).clamp(max=DECAYS[1]).log(),
            noise_level=own.noise_level + level,
            end_s=torch.minimum(own.end_s, ends_s(sound, self.rate)),
        )

    def _transposed(self, all_: Components, index: int, step: int) -> tuple[Tensor, ...]:
        own = Components(*(getattr(all_, name)[index] for name in all_.__dataclass_fields__))
        change = step * self.zone
        time, bands = self.in_time[step + self.zones], self.in_bands[step + self.zones]
        low, high = math.log(MIDDLE_HZ) - SPREAD, math.log(MIDDLE_HZ) + SPREAD
        varied = replace(
            own,
            log_f1=(own.log_f1 + change).clamp(low, high),
            log_tau=(own.log_tau - change).clamp(*(math.log(edge) for edge in SWEEP_S)),
            free_level=time @ own.free_level,
            log_mode=_rolled(own.log_mode, step, None) + change,
            log_level=_rolled(own.log_level, step, QUIET),
            log_decay=_rolled(own.log_decay, step, None) + change,
            mode_weight=_rolled(own.mode_weight, step, 0.0),
            noise_level=time @ own.noise_level @ bands.T,
            ringing=own.ringing @ bands.T,
            end_s=own.end_s * math.exp(-change),
        )
        return tuple(getattr(varied, name) for name in varied.__dataclass_fields__)

    def _gain(self, curve: Tensor, hz: Tensor) -> Tensor:
        """Return the gain of the equaliser in nepers, [B, ...], at frequencies [B, ...]."""
        low, high = (math.log(edge) for edge in RANGE_HZ)
        place = ((hz.clamp(min=1.0).log() - low) / (high - low)).clamp(0.0, 1.0)
        waves = torch.stack([torch.cos(math.pi * (k + 1) * place) for k in range(RIPPLES)], -1)
        return (waves * curve.view(len(curve), *[1] * (place.dim() - 1), RIPPLES)).sum(-1)

    def _equalised(self, sounds: Tensor, own: Components, curve: Tensor) -> tuple[Tensor, Components]:
        length = sounds.shape[-1]
        hz = torch.fft.rfftfreq(2 * length, 1.0 / self.rate).expand(len(sounds), -1)
        spectrum = torch.fft.rfft(sounds[:, 0], 2 * length) * self._gain(curve, hz).exp()
        sound, loss = _at_peak(torch.fft.irfft(spectrum, 2 * length)[:, :length], sounds[:, 0])
        first = own.log_f1.exp()[:, None]
        free_hz = torch.cat((first, first * own.log_ratio.exp()), 1)
        bands = self.bands.expand(len(sounds), -1)
        levels = replace(
            own,
            free_level=own.free_level + (self._gain(curve, free_hz) + loss)[:, None],
            log_level=own.log_level + self._gain(curve, own.log_mode.exp()) + loss,
            noise_level=own.noise_level + (self._gain(curve, bands) + loss)[:, None],
        )
        return sound[:, None], levels


def _at_peak(sounds: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Scale sounds [B, T] to the peaks of `like`; return the sounds and the changes in nepers, [B, 1]."""
    gain = like.abs().amax(1, keepdim=True) / sounds.abs().amax(1, keepdim=True).clamp(min=1e-9)
    return sounds * gain, gain.clamp(min=1e-9).log()


def ends_s(sounds: Tensor, rate: int) -> Tensor:
    """Return the times in seconds after which sounds [B, T] stay 70 dB below their peaks: [B]."""
    level = sounds.abs()
    loud = level > level.amax(1, keepdim=True) * 10 ** (QUIET_DB / 20)
    return (sounds.shape[-1] - loud.flip(-1).int().argmax(-1)) / rate


def resampled(sound: Tensor, change: float) -> Tensor:
    """Raise the pitch of a sound [1, T] by `change` nepers by resampling; the length stays T."""
    length = sound.shape[-1]
    size = round(length * math.exp(-change))
    moved = functional.interpolate(sound[None], size=size, mode="linear", align_corners=False)[0]
    return functional.pad(moved, (0, max(0, length - size)))[..., :length]


def interpolation(at: NDArray[np.float64], wanted: NDArray[np.float64]) -> Tensor:
    """Return the matrix that interpolates values at increasing positions `at` to positions `wanted`."""
    rows = [np.interp(wanted, at, unit) for unit in np.eye(len(at))]
    return torch.from_numpy(np.array(rows).T).float()


def _rolled(values: Tensor, step: int, fill: float | None) -> Tensor:
    """Move the values of zones up by `step` zones; fill the gap with `fill`, or with the nearest value."""
    moved = torch.roll(values, step)
    if step > 0:
        moved[:step] = values[0] if fill is None else fill
    elif step < 0:
        moved[step:] = values[-1] if fill is None else fill
    return moved
