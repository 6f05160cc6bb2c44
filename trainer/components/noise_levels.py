"""The levels of the noise of a recorded drum, band by band."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from trainer.components.between import share_between
from trainer.components.layout import QUIET, band_shapes, band_widths_hz, smoothing_samples
from trainer.components.modes import Modes

Array = NDArray[np.float64]

LEAST_NOISE = 0.1
"""Smallest fraction of a band's power that remains after the subtraction of the modes."""
SPACING = 0.4
"""Standard deviation of the window that averages the power at a knot, relative to the distance of knots."""
BLOCK = 16
"""Samples in a block; power is averaged over time block by block."""


def noise_levels(
    sound: Array, modes: Modes, rate: int, knots: NDArray[np.int64], bands: int, even: int
) -> Array:
    """Return log levels of the bands at the knots, [knots, bands], without the power of the modes.

    Args:
        sound: the sound without its free oscillators, [T].
        knots: samples of the knots.
        even: sample up to which the power of the decoder's noise is even.
    """
    size = fft.next_fast_len(len(sound) + 8 * int(smoothing_samples(bands, rate).max()), real=True)
    shapes, windows = (
        _shapes(bands, rate, size),
        _windows(bands, rate, len(sound), tuple(knots.tolist()), even),
    )
    spectrum = fft.rfft(sound, size)
    whole = len(sound) // BLOCK * BLOCK
    power, bias = np.zeros((len(knots), bands)), np.zeros((len(knots), bands))
    for band, (first, amplitude) in enumerate(shapes):
        part = np.zeros_like(spectrum)
        part[first : first + len(amplitude)] = spectrum[first : first + len(amplitude)] * amplitude
        filtered = fft.irfft(part, size)[:whole].reshape(-1, BLOCK)
        window, bias[:, band] = windows[band]
        power[:, band] = window @ (np.einsum("ij,ij->i", filtered, filtered) / BLOCK)
    used = np.flatnonzero(modes.weight)
    taken_hz = np.exp(modes.log_hz[used])
    level = modes.log_level[used] - np.exp(modes.log_decay[used]) * (knots / rate)[:, None]
    tonal = 0.5 * np.exp(2 * level) @ band_shapes(bands, rate, taken_hz).T
    left = np.maximum(power - tonal, LEAST_NOISE * power)
    left = np.minimum(left, power * share_between(sound, taken_hz, rate, knots, bands))
    return np.asarray(0.5 * np.log(left + math.exp(2 * QUIET)) + bias)


@cache
def _shapes(bands: int, rate: int, size: int) -> list[tuple[int, Array]]:
    """Return the first nonzero bin of each band's filter, and its amplitudes up to the last nonzero bin."""
    every = np.sqrt(band_shapes(bands, rate, np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)))
    used = [np.flatnonzero(shape) for shape in every]
    return [(int(bins[0]), shape[bins[0] : bins[-1] + 1]) for shape, bins in zip(every, used, strict=True)]


@cache
def _windows(
    bands: int, rate: int, length: int, knots: tuple[int, ...], even: int
) -> list[tuple[NDArray[np.float32], Array]]:
    """Return, for each band, the weights of the mean power at each knot, and the bias of its logarithm.

    The mean is over a Gaussian window, longer where knots are further apart. For a noise, the logarithm of
    this mean is lower by ln(n/2) - ψ(n/2) on average, with n degrees of freedom within the window. There is
    no such bias in the first frames, where the power of the decoder's noise is even.

    Returns:
        float32 [knots, blocks], weights, and float64 [knots], nepers of amplitude.
    """
    middle = (np.arange(length // BLOCK) + 0.5) * BLOCK
    at = np.minimum(np.array(knots), length - 1)[:, None]
    apart = SPACING * np.gradient(np.array(knots, np.float64))[:, None]
    found = []
    for shortest, width in zip(smoothing_samples(bands, rate), band_widths_hz(bands, rate), strict=True):
        window = np.exp(-0.5 * ((middle - at) / np.maximum(shortest, apart)) ** 2) + 1e-30
        window /= window.sum(1, keepdims=True)
        seconds = BLOCK / rate / (window**2).sum(1)
        half = np.maximum(1.0, width * seconds)
        bias = np.where(np.array(knots) <= even, 0.0, 0.5 * (np.log(half) - special.digamma(half)))
        found.append((window.astype(np.float32), bias))
    return found
