"""Partials of recorded drums: targets for the frequencies, levels and decays of the modal decoder.

Spectral losses tell a decoder how much energy there is, and hardly where a partial lies. So the recordings
are analysed once and teach the decoder. Every target has a weight: how clearly the sound has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

Array = NDArray[np.float64]

RATIOS = ((1.25, 2.0), (2.0, 3.2), (3.2, 5.0))
"""Ranges of r₂ … r₄."""
SWEEP_S = (0.003, 0.12)
"""Range of τ."""
MODES_HZ = (500.0, 15_000.0)
"""From the lowest to the highest zone, where the sample rate allows it."""
HIGHEST = 0.45
"""Highest zone as a part of the sample rate."""
DECAYS = (1.5, 400.0)
"""Range of the decay of a mode, in nepers a second."""

PITCH_HZ = (45.0, 480.0)
"""Where f₁ is looked for."""
TONAL_DB = 12.0
"""A partial this far above the median of its neighbourhood counts fully."""
WINDOW = 16_384
SKIP_S = 0.03
"""The attack, which is left out where partials are looked for."""
MOST_BACK, LOUDEST = 1.0, -1.2
"""Nepers by which a level is reckoned back to the start at most; the largest log level of a mode."""
QUIET_DB = -70.0
"""Below the peak: where a sound has ended."""


def zones_hz(modes: int, sample_rate: int) -> NDArray[np.float64]:
    """float64 [modes]: the middle of each mode's zone of frequency."""
    low, high = MODES_HZ
    return np.geomspace(low, min(high, HIGHEST * sample_rate), modes)


def half_zone(modes: int, sample_rate: int) -> float:
    """Half the width of a zone as a difference of natural logarithms of frequency."""
    zones = zones_hz(modes, sample_rate)
    return 0.5 * math.log(zones[-1] / zones[0]) / max(1, modes - 1)


@dataclass(frozen=True)
class Partials:
    """Targets, one row a sound: float32 [N] or [N, 3] or [N, modes]; weights are 0 to 1.

    Attributes:
        log_f1, f1_weight: of the strongest partial below 480 Hz, after any sweep.
        sweep, log_tau, sweep_weight: of f(t) = f₁ (1 + sweep e^(-t/τ)).
        log_ratio, ratio_weight: of the strongest partials in `RATIOS` above f₁.
        log_mode, log_level, log_decay, mode_weight: of the strongest partial in the zone of each mode.
        end_s: time at which the sound has fallen by 70 dB for good.
    """

    log_f1: Tensor
    f1_weight: Tensor
    sweep: Tensor
    log_tau: Tensor
    sweep_weight: Tensor
    log_ratio: Tensor
    ratio_weight: Tensor
    log_mode: Tensor
    log_level: Tensor
    log_decay: Tensor
    mode_weight: Tensor
    end_s: Tensor

    def __getitem__(self, index: Tensor | slice) -> Partials:
        return Partials(*(getattr(self, item.name)[index] for item in fields(self)))

    def to(self, device: torch.device) -> Partials:
        """The same targets on a device."""
        return Partials(*(getattr(self, item.name).to(device) for item in fields(self)))


def analyse(waveforms: Tensor, sample_rate: int, modes: int) -> Partials:
    """Analyse sounds float32 [N, 1, T]."""
    rows = [_one(sound[0].double().numpy(), sample_rate, modes) for sound in waveforms]
    columns = zip(*rows, strict=True)
    return Partials(*(torch.tensor(np.array(column), dtype=torch.float32) for column in columns))


def _one(sound: Array, rate: int, modes: int) -> tuple[Array | float, ...]:
    end = _end(sound)
    f1, f1_weight = _strongest(sound, rate, end, PITCH_HZ)
    sweep, tau, sweep_weight = _sweep(sound, rate, f1) if f1_weight > 0 else (0.0, SWEEP_S[0], 0.0)
    ratios, ratio_weights = [], []
    for low, high in RATIOS:
        found, weight = _strongest(sound, rate, end, (low * f1, high * f1))
        ratios.append(math.log(found / f1))
        ratio_weights.append(weight * f1_weight)
    mode = _modes(sound, rate, end, modes)
    return (
        math.log(f1),
        f1_weight,
        sweep,
        math.log(tau),
        sweep_weight * f1_weight,
        np.array(ratios),
        np.array(ratio_weights),
        *mode,
        end / rate,
    )


def _end(sound: Array) -> int:
    loud = np.abs(sound) > np.abs(sound).max() * 10 ** (QUIET_DB / 20)
    return int(np.flatnonzero(loud)[-1]) + 1 if loud.any() else 1


def _spectrum(sound: Array, rate: int, begin: int, length: int) -> tuple[Array, Array]:
    """Return the power in dB of a windowed part, zero-padded, and the frequencies of its bins."""
    part = sound[begin : begin + length]
    part = part * np.hanning(len(part))
    size = max(WINDOW, 1 << (len(part) - 1).bit_length()) * 2
    power = np.abs(np.fft.rfft(part, size)) ** 2
    level: Array = 10 * np.log10(power + 1e-16)
    return level, np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)


def _strongest(sound: Array, rate: int, end: int, hz: tuple[float, float]) -> tuple[float, float]:
    """Frequency of the strongest partial in a range, and how tonal it is, 0 to 1."""
    begin = int(0.06 * rate) if end > 0.16 * rate else int(0.3 * end)
    length = max(1024, min(int(0.24 * rate), end - begin))
    level, bins = _spectrum(sound, rate, begin, length)
    inside = np.flatnonzero((bins >= hz[0]) & (bins <= hz[1]))
    if len(inside) < 3:
        return math.sqrt(hz[0] * hz[1]), 0.0
    at = inside[int(np.argmax(level[inside]))]
    if at in (inside[0], inside[-1]):  # the flank of something outside
        return float(bins[at]), 0.0
    wide = (bins >= 0.5 * bins[at]) & (bins <= 2.0 * bins[at])
    prominence = level[at] - np.median(level[wide])
    loud = level[at] - level.max()
    weight = np.clip((prominence - 6.0) / (TONAL_DB + 8.0), 0.0, 1.0) * np.clip(
        1.0 + (loud + 10.0) / 30.0, 0, 1
    )
    left, middle, right = level[at - 1 : at + 2]
    shift = 0.5 * (left - right) / (left - 2 * middle + right) if left - 2 * middle + right else 0.0
    return float(bins[at] + shift * (bins[1] - bins[0])), float(weight)


def _sweep(sound: Array, rate: int, f1: float) -> tuple[float, float, float]:
    """Sweep, τ in seconds and how clearly the sound sweeps, from its instantaneous frequency."""
    top = min(6.0 * f1, 900.0)
    filters = signal.butter(2, [0.4 * f1, top], "bandpass", fs=rate, output="sos")
    part = sound[: int(0.2 * rate)]
    analytic = signal.hilbert(signal.sosfiltfilt(filters, part))
    angle = np.unwrap(np.angle(analytic))
    hz = np.gradient(angle) * rate / (2 * np.pi)
    power = np.abs(analytic) ** 2
    smooth = np.hanning(max(9, int(0.004 * rate)))
    mean = np.convolve(hz * power, smooth, "same") / (np.convolve(power, smooth, "same") + 1e-12)
    time = np.arange(len(part)) / rate
    use = (time > 0.002) & (mean > 0.5 * f1) & (mean < top)
    if use.sum() < 100:
        return 0.0, SWEEP_S[0], 0.0
    time, above = time[use], mean[use] / f1 - 1.0
    weight = power[use] / power[use].max()
    best = (0.0, SWEEP_S[0], math.inf)
    for tau in np.geomspace(*SWEEP_S, 16):
        shape = np.exp(-time / tau)
        size = float(np.clip((weight * shape * above).sum() / (weight * shape**2).sum(), 0.0, 4.0))
        error = float((weight * (above - size * shape) ** 2).sum() / weight.sum())
        if error < best[2]:
            best = size, float(tau), error
    rest = float((weight * above**2).sum() / weight.sum())
    return best[0], best[1], float(np.clip(1.0 - best[2] / (rest + 1e-4), 0.0, 1.0))


def _floor(level: Array, block: int) -> Array:
    """The median of each block of bins, on straight lines between the blocks' middles."""
    count = len(level) // block
    medians = np.median(level[: count * block].reshape(count, block), 1)
    return np.interp(np.arange(len(level)), (np.arange(count) + 0.5) * block, medians)


def _modes(sound: Array, rate: int, end: int, modes: int) -> tuple[Array, Array, Array, Array]:
    """Log frequency, log level at the start, log decay and weight of a partial in each zone: [modes] each."""
    zones, half = zones_hz(modes, rate), half_zone(modes, rate)
    log_mode, log_level = np.log(zones), np.full(modes, -9.0)
    log_decay, weight = np.full(modes, math.log(10.0)), np.zeros(modes)
    begin = int(SKIP_S * rate)
    length = min(WINDOW, end - begin)
    if length < 2048:
        return log_mode, log_level, log_decay, weight
    level, bins = _spectrum(sound, rate, begin, length)
    step = bins[1]
    floor = _floor(level, int(300.0 / step))
    window = np.hanning(length)
    halves = [_spectrum(sound, rate, begin + offset, length // 2)[0] for offset in (0, length // 2)]
    half_bins = np.fft.rfftfreq(2 * (len(halves[0]) - 1), 1.0 / rate)
    low, high = (math.log(edge) for edge in DECAYS)
    for mode, zone in enumerate(zones):
        first, last = (int(zone * math.exp(sign * half) / step) for sign in (-1, 1))
        last = min(last, len(level) - 2)
        if last - first < 2:
            continue
        at = first + int(np.argmax(level[first : last + 1]))
        prominence = level[at] - floor[at]
        peak = level[at] >= level[at - 1] and level[at] >= level[at + 1]
        if prominence < 6.0 or not peak or level[at] < level.max() - 75.0:
            continue
        near = round(float(bins[at] / half_bins[1]))
        drop_db = halves[0][near] - halves[1][near]
        decay = float(np.clip(drop_db / 20 * math.log(10) / (length / 2 / rate), *DECAYS))
        # the window sees A e^(-d t); what it takes off is undone
        time = np.arange(length) / rate
        seen = float((window * np.exp(-decay * time)).sum()) / 2
        amplitude = 10 ** (level[at] / 20) / seen * math.exp(min(decay * begin / rate, MOST_BACK))
        log_mode[mode] = math.log(bins[at])
        log_level[mode] = np.clip(math.log(amplitude + 1e-9), -12.0, LOUDEST)
        log_decay[mode] = np.clip(math.log(decay), low, high)
        weight[mode] = np.clip((prominence - 6.0) / TONAL_DB, 0.0, 1.0)
    return log_mode, log_level, log_decay, weight
