"""Measures the pitch of a drum sound: the frequency of the strongest partial from 30 to 500 Hz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.sounds.timbre import Sound

LOWEST_HZ, HIGHEST_HZ = 30.0, 500.0
FROM_S, TO_S = 0.06, 0.3
"""The body of a drum sound, in which pitch is measured: after the attack and the initial fall of pitch."""
SIZE = 1 << 17
"""Length of the zero-padded transform, in samples. At 44.1 kHz, a bin is a third of a hertz wide."""
NEAR_HZ, TONAL, AUDIBLE = 15.0, 0.5, 0.05
"""The limits of 15 Hz, 50 % and 5 % in `is_tonal`, whose docstring explains them."""


def _spectrum(sound: Sound, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), SIZE)) ** 2
    return np.asarray(power), np.asarray(np.fft.rfftfreq(SIZE, 1 / rate))


def strongest_hz(sound: Sound, rate: int) -> float:
    """Return the frequency of the strongest partial of a sound from 30 to 500 Hz; NaN in silence."""
    power, frequency = _spectrum(sound, rate)
    within = np.flatnonzero((frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ))
    peak = within[np.argmax(power[within])]
    if power[peak] <= 0:
        return float("nan")
    before, at, after = np.log(power[peak - 1 : peak + 2] + 1e-300)
    bend = before - 2 * at + after
    off = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(frequency[peak] + np.clip(off, -0.5, 0.5) * frequency[1])


def body(sound: Sound, rate: int) -> Sound:
    """Return the body of a drum sound, from 60 to 300 ms."""
    return sound[round(FROM_S * rate) : round(TO_S * rate)]


def tonality(sound: Sound, rate: int) -> float:
    """Return the fraction of the power from 30 to 500 Hz that lies within 15 Hz of the strongest partial.

    Only the body of the drum sound counts. The fraction is 1 for a tone, about 0.1 for noise, and NaN if the
    mean power of the body is more than 50 dB below the peak of the sound.
    """
    part = body(sound, rate)
    if not part.any() or np.mean(part**2) < 1e-5 * np.max(sound**2):
        return float("nan")
    power, frequency = _spectrum(part, rate)
    low = power[(frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ)].sum()
    near = power[np.abs(frequency - strongest_hz(part, rate)) <= NEAR_HZ].sum()
    return float(min(1.0, near / low))


def is_tonal(sound: Sound, rate: int) -> bool:
    """Return True if a drum sound has a pitch.

    The power within 15 Hz of the strongest partial must be at least half of the body's power from 30 to 500
    Hz, and at least 5 % of the body's total power. The mean power of the body must be no more than 50 dB
    below the peak of the sound.
    """
    part = body(sound, rate)
    if not part.any() or np.mean(part**2) < 1e-5 * np.max(sound**2):
        return False
    power, frequency = _spectrum(part, rate)
    low = power[(frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ)].sum()
    near = power[np.abs(frequency - strongest_hz(part, rate)) <= NEAR_HZ].sum()
    return bool(near >= TONAL * low and near >= AUDIBLE * power.sum())
