"""The spectrum of a part of a sound, and its floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LONGEST_WINDOW = 32_768
"""Largest window in the search for partials, in samples; every part is padded to at least this length."""


def spectrum(sound: Array, rate: int, begin: int, length: int) -> tuple[Array, Array]:
    """Return the power in dB of a windowed part of a sound, zero-padded, and the frequencies of its bins."""
    part = sound[begin : begin + length]
    part = part * np.hanning(len(part))
    size = max(LONGEST_WINDOW, 2 << (len(part) - 1).bit_length())
    power = np.abs(np.fft.rfft(part, size)) ** 2
    level: Array = 10 * np.log10(power + 1e-16)
    return level, np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)


def floor_db(level: Array, block: int) -> Array:
    """Return the floor of a spectrum: the medians of blocks of bins, interpolated to a level for each bin."""
    count = max(1, len(level) // block)
    medians = np.median(level[: count * block].reshape(count, -1), 1)
    return np.interp(np.arange(len(level)), (np.arange(count) + 0.5) * block, medians)
