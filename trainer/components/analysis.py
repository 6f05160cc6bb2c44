"""Finds the components of recorded drums; the modal decoder (`trainer.models.modal`) learns these components.

    recording ─► free oscillators ───► modes ──────────────► noise
                 (sweeping partials)   (ringing partials)    (the rest, in bands)

A loss on spectra cannot distinguish a tone from noise of equal energy. A loss on waveforms silences an
oscillator whose phase is wrong. Therefore, each recording is analysed once, and the decoder learns the
components that the analysis finds. Before modes are measured, the free oscillators are subtracted from the
recording; before noise is measured, the modes are subtracted, too. The components together therefore sound
like the recording.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.components.layout import knot_frames
from trainer.components.modes import find_modes
from trainer.components.noise import EVEN_FRAMES
from trainer.components.noise_levels import noise_levels
from trainer.components.oscillators import find_oscillators
from trainer.components.ringing import ringing_share
from trainer.config import ModelConfig

Array = NDArray[np.float64]
Row = tuple[Array | float, ...]
"""The components of one sound, in the order of `Components`."""

QUIET_DB = -70.0
"""A sound ends when its level stays below this value in dB, relative to the peak."""
SKIP_S = 0.02
"""Length in seconds of the attack. The analyses of modes and of ringing shares start after the attack."""


@dataclass(frozen=True)
class Components:
    """The components of N sounds; levels are natural logarithms of amplitudes, weights are 0 to 1.

    A knot is a time at which levels are given. A mode is a damped sinusoid with its own frequency zone.
    `FREE` is the number of free oscillators.

    Attributes:
        log_f1, sweep, log_tau: [N], parameters of f(t) = f₁ (1 + sweep · e^(-t/τ)), the frequency in Hz of
            the strongest partial below 480 Hz, at t seconds.
        log_ratio: [N, FREE - 1], log frequency ratios of the other free oscillators to the first oscillator.
        free_level: [N, knots, FREE], levels of the free oscillators at the knots.
        phase: [N, FREE], phases of the free oscillators at the start, in cycles.
        free_weight: [N, FREE], how tonal the sound is near the frequency of each free oscillator.
        log_mode, log_level, log_decay, mode_weight: [N, modes], log frequency in Hz, level at the start, log
            decay in nepers a second, and weight of the mode in each zone.
        noise_level: [N, knots, bands], levels of the noise bands at the knots.
        ringing: [N, bands], fraction of the power of each noise band that lies in dense partials.
        end_s: [N], time in seconds after which the sound stays 70 dB below its peak.
    """

    log_f1: Tensor
    sweep: Tensor
    log_tau: Tensor
    log_ratio: Tensor
    free_level: Tensor
    phase: Tensor
    free_weight: Tensor
    log_mode: Tensor
    log_level: Tensor
    log_decay: Tensor
    mode_weight: Tensor
    noise_level: Tensor
    ringing: Tensor
    end_s: Tensor

    def __getitem__(self, index: Tensor | slice) -> Components:
        return Components(*(getattr(self, item.name)[index] for item in fields(self)))

    def to(self, device: torch.device) -> Components:
        """Return the same components on a device."""
        return Components(*(getattr(self, item.name).to(device) for item in fields(self)))


def joined(parts: Sequence[Components]) -> Components:
    """Return the components of all parts, one after another."""
    return Components(
        *(torch.cat([getattr(part, item.name) for part in parts]) for item in fields(Components))
    )


def analyse(
    waveforms: Tensor, config: ModelConfig, progress: Callable[[int, int], None] | None = None
) -> tuple[Components, Tensor]:
    """Analyse sounds, float32 [N, 1, T], on all cores.

    A sound of 1.5 s at 44.1 kHz takes half a second on one core.

    Args:
        progress: called with the number of analysed sounds and the total; if it raises an exception, the
            analysis ends.

    Returns:
        The components, and the bodies, float16 [N, 1, T]; the body of a sound is the part that its free
        oscillators play.
    """
    rows, bodies = [], []
    executor = ThreadPoolExecutor(os.cpu_count())  # numpy and scipy release Python's lock most of the time
    try:
        for row, body in executor.map(lambda sound: _analysed(sound, config), waveforms):
            rows.append(row)
            bodies.append(torch.from_numpy(body.astype(np.float16)))
            if progress is not None:
                progress(len(rows), len(waveforms))
    finally:
        executor.shutdown(cancel_futures=True)
    columns = zip(*rows, strict=True)
    components = Components(*(torch.tensor(np.array(column), dtype=torch.float32) for column in columns))
    return components, torch.stack(bodies)[:, None]


def analyse_one(sound: Tensor, config: ModelConfig) -> Row:
    """Analyse a sound, float32 [1, T]; return its components in the order of `Components`."""
    return _analysed(sound, config)[0]


def _analysed(sound: Tensor, config: ModelConfig) -> tuple[Row, Array]:
    """Return the components of a sound [1, T], and its body [T]."""
    rate, wave = config.sample_rate, sound[0].double().numpy()
    knots = knot_frames(config.length // config.hop_length, config.knots) * config.hop_length
    begin, end = int(SKIP_S * rate), _end(wave)
    free = find_oscillators(wave, rate, end, knots / rate)
    modes = find_modes(free.rest, rate, begin, end, config.modes)
    noise = noise_levels(free.rest, modes, rate, knots, config.bands, EVEN_FRAMES * config.hop_length)
    taken = np.exp(modes.log_hz[modes.weight > 0.0])
    rings = ringing_share(free.rest, taken, rate, begin, end, config.bands, config.hop_length)
    f1, sweep, tau = free.sweep
    oscillators = (free.log_ratio, free.level, free.phase, free.weight)
    row = (math.log(f1), sweep, math.log(tau), *oscillators, *modes, noise, rings, end / rate)
    return row, wave - free.rest


def _end(sound: Array) -> int:
    """Return the index of the sample from which a sound [T] stays below the level `QUIET_DB`."""
    loud = np.abs(sound) > np.abs(sound).max() * 10 ** (QUIET_DB / 20)
    return int(np.flatnonzero(loud)[-1]) + 1 if loud.any() else 1
