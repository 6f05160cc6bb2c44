"""Measures the noise of a recorded drum: its level in each band at each knot.

A knot is a time at which the decoder learns levels. A mode is a damped sinusoid. A wide band is a band
together with its neighbours; it sharpens the levels in the attack (`_sharpened`).
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from trainer.components.between import share_between
from trainer.components.layout import QUIET, band_shapes, band_widths_hz, smoothing_samples
from trainer.components.modes import Modes

Array = NDArray[np.float64]

LEAST_NOISE = 0.1
"""Smallest fraction of a band's power that remains after the power of the modes is subtracted."""
SPACING = 0.4
"""Standard deviation of the averaging window at a knot, relative to the knot spacing.

A narrow band may need a longer window.
"""
BLOCK = 16
"""Number of samples in a block; power is averaged block by block."""
NEIGHBOURS = 2
"""Number of bands on either side of a band that its wide band includes."""
ATTACK = 8192
"""Number of samples, from the start of a sound, in which wide bands are measured."""
RESPONSE = 64
"""Maximum number of blocks of an impulse response that are used on either side of its centre."""
SHORTEST = 16.0
"""Smallest standard deviation, in samples, of the averaging window of a wide band."""
MOST_CHANGED = 100.0
"""Largest factor by which a wide band raises or lowers the power of a band."""


def noise_levels(
    sound: Array, modes: Modes, rate: int, knots: NDArray[np.int64], bands: int, even: int
) -> Array:
    """Return the log level of the noise, without the modes, in each band at each knot: [knots, bands].

    Args:
        sound: the sound without its free oscillators (`trainer.components.oscillators`), [T].
        knots: the position of each knot, in samples.
        even: number of samples, from the start, in which the decoder's noise has nearly constant power.
    """
    size = _padded(len(sound), bands, rate)
    windows, spectrum = _windows(bands, rate, len(sound), tuple(knots.tolist()), even), fft.rfft(sound, size)
    power, bias = np.zeros((len(knots), bands)), np.zeros((len(knots), bands))
    for band, passed in enumerate(_filters(bands, rate, size)):
        window, bias[:, band] = windows[band]
        power[:, band] = window @ _power(spectrum, passed, size, len(sound) // BLOCK)
    power *= _sharpened(sound, rate, knots, windows)
    used = np.flatnonzero(modes.weight)
    taken_hz = np.exp(modes.log_hz[used])
    level = modes.log_level[used] - np.exp(modes.log_decay[used]) * (knots / rate)[:, None]
    tonal = 0.5 * np.exp(2 * level) @ band_shapes(bands, rate, taken_hz).T
    left = np.maximum(power - tonal, LEAST_NOISE * power)
    left = np.minimum(left, power * share_between(sound, taken_hz, rate, knots, bands))
    return np.asarray(0.5 * np.log(left + math.exp(2 * QUIET)) + bias)


def _sharpened(
    sound: Array, rate: int, knots: NDArray[np.int64], windows: list[tuple[NDArray[np.float32], Array]]
) -> Array:
    """Return factors that correct the power of each band at the knots of the attack: [knots, bands].

    The filter of a band smears a click over several milliseconds, and the power of the band must be averaged
    over a long window. A wide band around the same frequency shows the envelope more sharply. The factor is
    the power of the wide band, averaged over a short window, divided by the same power after the smearing and
    averaging of the narrow band. The factor is 1 after the attack, and where the knot spacing alone
    determines the band's window.

    Args:
        windows: the result of `_windows` for the bands.
    """
    sound = sound[:ATTACK]
    bands, count = len(windows), len(sound) // BLOCK
    size, factors = _padded(len(sound), bands, rate), np.ones((len(knots), bands))
    spectrum = fft.rfft(sound, size)
    for band, wide in enumerate(_wide_bands(bands, rate, len(sound), tuple(knots.tolist()))):
        power = _power(spectrum, wide.passed, size, count)
        middle, early = len(wide.response) // 2, wide.early
        smeared = windows[band][0][early, :count] @ np.convolve(power, wide.response)[middle:][:count]
        ratio = wide.window @ power / (smeared + 1e-20)
        factors[early, band] = ratio.clip(1 / MOST_CHANGED, MOST_CHANGED)
    return factors


def _padded(length: int, bands: int, rate: int) -> int:
    """Return an FFT size at which the bands can be filtered without circular wrap-around."""
    return fft.next_fast_len(length + 8 * int(smoothing_samples(bands, rate).max()), real=True)


def _power(spectrum: NDArray[np.complex128], passed: tuple[int, Array], size: int, count: int) -> Array:
    """Return the mean power of the first `count` blocks of a filtered sound: [count].

    Args:
        passed: the filter of a band, from `_filters`.
        size: the size of the transform.
    """
    first, amplitude = passed
    part = np.zeros_like(spectrum)
    part[first : first + len(amplitude)] = spectrum[first : first + len(amplitude)] * amplitude
    filtered = fft.irfft(part, size)[: count * BLOCK].reshape(-1, BLOCK)
    return np.asarray(np.einsum("ij,ij->i", filtered, filtered) / BLOCK)


@cache
def _filters(bands: int, rate: int, size: int, around: int = 0) -> list[tuple[int, Array]]:
    """Return, for each band, the index of the first nonzero bin of its filter, and the filter's amplitudes.

    The amplitudes are those from the first nonzero bin to the last nonzero bin.

    Args:
        around: number of bands on each side that the filter includes.
    """
    shapes = band_shapes(bands, rate, np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64))
    every = [np.sqrt(shapes[max(0, band - around) : band + around + 1].sum(0)) for band in range(bands)]
    used = [np.flatnonzero(amplitude) for amplitude in every]
    return [(int(bins[0]), each[bins[0] : bins[-1] + 1]) for each, bins in zip(every, used, strict=True)]


class _WideBand(NamedTuple):
    """A narrow band and its neighbours as one band.

    Attributes:
        passed: the filter of the wide band, as in `_filters`.
        response: energy of the impulse response of the narrow band, block by block, with the sum 1.
        early: indices of the knots at which the power of the narrow band is corrected with the wide band.
        window: weights that average the power of the wide band at these knots, [early, blocks].
    """

    passed: tuple[int, Array]
    response: Array
    early: NDArray[np.int64]
    window: Array


@cache
def _wide_bands(bands: int, rate: int, length: int, knots: tuple[int, ...]) -> list[_WideBand]:
    """Return the wide band around each band, for sounds of `length` samples."""
    size, at, apart = _padded(length, bands, rate), np.array(knots), _apart(knots)
    middle, reach = size // 2 // BLOCK, min(RESPONSE, size // 2 // BLOCK - 1)
    impulse = np.zeros(size)
    impulse[size // 2] = 1.0
    spectrum, widths, found = fft.rfft(impulse, size), band_widths_hz(bands, rate), []
    narrow, wide = _filters(bands, rate, size), _filters(bands, rate, size, NEIGHBOURS)
    for band, shortest in enumerate(smoothing_samples(bands, rate)):
        response = _power(spectrum, narrow[band], size, size // BLOCK)[middle - reach : middle + reach + 1]
        early = np.flatnonzero((apart < shortest) & (at < length))
        width = widths[max(0, band - NEIGHBOURS) : band + NEIGHBOURS + 1].sum()
        spread = np.maximum(max(SHORTEST, 0.35 * rate / width), apart[early])
        window = _gaussian(length, at[early], spread)
        found.append(_WideBand(wide[band], response / response.sum(), early, window))
    return found


def _apart(knots: tuple[int, ...]) -> Array:
    """Return the standard deviations of the averaging windows that follow from the knot spacing: [knots]."""
    return np.asarray(SPACING * np.gradient(np.array(knots, np.float64)))


def _gaussian(length: int, at: NDArray[np.int64], spread: Array) -> Array:
    """Return the weights of blocks around samples `at`, with the sum 1: [len(at), blocks]."""
    middle = (np.arange(length // BLOCK) + 0.5) * BLOCK
    window = np.exp(-0.5 * ((middle - at[:, None]) / spread[:, None]) ** 2) + 1e-30
    return np.asarray(window / window.sum(1, keepdims=True))


@cache
def _windows(
    bands: int, rate: int, length: int, knots: tuple[int, ...], even: int
) -> list[tuple[NDArray[np.float32], Array]]:
    """Return, for each band, weights for averaging the power at each knot, and corrections of the log level.

    The power is averaged over a Gaussian window, which is longer where the knots are further apart. For noise
    with n degrees of freedom within the window, the logarithm of this average lies, on average,
    ln(n/2) - ψ(n/2) below the logarithm of the true power. Half of this difference corrects the level. The
    first frames need no correction, because the decoder's noise has nearly constant power there.

    Returns:
        The weights, float32 [knots, blocks], and the correction in nepers, float64 [knots].
    """
    at, apart = np.minimum(np.array(knots), length - 1), _apart(knots)
    found = []
    for shortest, width in zip(smoothing_samples(bands, rate), band_widths_hz(bands, rate), strict=True):
        window = _gaussian(length, at, np.maximum(shortest, apart))
        seconds = BLOCK / rate / (window**2).sum(1)
        half = np.maximum(1.0, width * seconds)
        bias = np.where(np.array(knots) <= even, 0.0, 0.5 * (np.log(half) - special.digamma(half)))
        found.append((window.astype(np.float32), bias))
    return found
