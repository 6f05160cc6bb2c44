"""Measures the ringing share of noise: the fraction of its power in partials that are too dense to separate.

In a long window, the mean of the log power of Gaussian noise is 0.58 (a natural logarithm) below the log of
its mean power. Dense partials leave valleys in the spectrum, which increase this difference. The measure is
calibrated with mixtures of the decoder's Gaussian and ringing noise (`trainer.components.noise`): the ringing
shares of these mixtures are known.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trainer.components.layout import band_shapes
from trainer.components.noise import noise_tables

Array = NDArray[np.float64]

LONGEST, SHORTEST = 16_384, 4096
"""Largest and smallest window in samples; noise shorter than `SHORTEST` gets a ringing share of 0."""
EVEN_SAMPLES = 256.0
"""Standard deviation, in samples, of the window that evens out a sound's power over time before measuring."""
AROUND_HZ = 400.0
"""Width of a band around each bin; the power of the bin is compared with the mean power of the band."""
SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 1.0)
"""Ringing shares of the mixtures that calibrate the measure."""


def ringing_share(
    rest: Array, taken_hz: Array, rate: int, begin: int, end: int, bands: int, hop: int
) -> Array:
    """Return the ringing share of each band's power, 0 to 1: [bands].

    Args:
        rest: the sound without its free oscillators (`trainer.components.oscillators`), [T].
        taken_hz: frequencies of the modes (damped sinusoids) that the decoder plays, [K]; bins near these
            frequencies are left out.
        begin, end: the noise is measured within `rest[begin:end]`.
    """
    if end - begin < SHORTEST:
        return np.zeros(bands)
    length = min(LONGEST, 1 << (end - begin).bit_length() - 1)
    part = rest[begin : begin + length]
    part = part / np.sqrt(ndimage.gaussian_filter1d(part**2, EVEN_SAMPLES, mode="nearest") + 1e-12)
    measured = _valleys(part, rate, bands, taken_hz)
    known = _known(length, rate, bands, hop)
    return np.array([np.interp(one, row, SHARES) for one, row in zip(measured, known, strict=True)])


def _valleys(part: Array, rate: int, bands: int, taken_hz: Array) -> Array:
    """Return the natural log of each band's mean power minus the mean of its log power: [bands]."""
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2 + 1e-20
    bin_hz = rate / len(part)
    weight = np.ones(len(power))
    for at in np.round(taken_hz / bin_hz).astype(int):
        weight[max(0, at - 2) : at + 3] = 0.0
    around = max(9, int(AROUND_HZ / bin_hz))
    counted = ndimage.uniform_filter1d(weight, around, mode="nearest")
    summed = np.maximum(ndimage.uniform_filter1d(weight * power, around, mode="nearest"), 0.0)  # rounding
    mean = summed / np.maximum(counted, 1e-9)
    over = np.log(power) - np.log(mean + 1e-20)
    shares = _shares(len(power), bin_hz, bands, rate) * weight
    return -(shares @ over) / np.maximum(shares.sum(1), 1e-9)


@cache
def _shares(count: int, bin_hz: float, bands: int, rate: int) -> Array:
    return band_shapes(bands, rate, np.arange(count, dtype=np.float64) * bin_hz)


@cache
def _known(length: int, rate: int, bands: int, hop: int) -> Array:
    """Return the results of `_valleys` for mixtures with the ringing shares `SHARES`: [bands, len(SHARES)].

    Each row is made strictly ascending, because `np.interp` needs this order.
    """
    rows = [
        np.resize(row[: period * hop], length)
        for row, period in zip(*noise_tables(bands, hop, rate), strict=True)
    ]
    plain, ringing = (np.sum(half, 0, dtype=np.float64) for half in (rows[:bands], rows[bands:]))
    found = np.empty((bands, len(SHARES)))
    for column, share in enumerate(SHARES):
        mixed = np.sqrt(1 - share) * plain + np.sqrt(share) * ringing
        found[:, column] = _valleys(mixed, rate, bands, np.zeros(0))
    return np.maximum.accumulate(found, 1) + 1e-9 * np.arange(len(SHARES))
