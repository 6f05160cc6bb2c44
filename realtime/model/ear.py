"""The mel distance of two sounds: the mean absolute difference between their levels in mel bands, in dB."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BANDS, WINDOW, HOP = 64, 1024, 256
SMOOTHED = 3  # number of windows over which power is averaged; recordings of the same noise then differ less
RANGE_DB = 70.0  # levels more than this below the loudest level of the real sound count as silence


class Ear:
    """Measures the mel distance of sounds from a real sound, such as a recording.

    Args:
        real: the real sound, float [samples], not silent.
        sample_rate: rate of all sounds, in Hz.
    """

    def __init__(self, real: npt.ArrayLike, sample_rate: int) -> None:
        self._rate = sample_rate
        found = power(np.asarray(real, np.float32), sample_rate)
        self._floor = found.max() * np.float32(10 ** (-RANGE_DB / 10))
        self._level = np.log10(found + self._floor)

    def distance(self, sound: npt.ArrayLike) -> float:
        """Return the mel distance of a sound [samples] of the same length from the real sound, in dB."""
        return float(np.abs(self.difference(sound)).mean())

    def difference(self, sound: npt.ArrayLike) -> Floats:
        """Return the mel levels of a sound [samples] minus those of `real`, in dB: [windows, bands]."""
        level = np.log10(power(np.asarray(sound, np.float32), self._rate) + self._floor)
        return np.asarray(10 * (level - self._level), np.float32)


def power(sound: Floats, sample_rate: int) -> Floats:
    """Return the smoothed power in mel bands, in windows centred on every 256th sample: [windows, bands]."""
    padded = np.pad(sound, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * _window()
    bands = np.square(np.abs(np.fft.rfft(frames))).astype(np.float32) @ _mel(sample_rate).T
    around = np.pad(bands, ((SMOOTHED // 2, SMOOTHED // 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(around, SMOOTHED, axis=0).mean(-1), np.float32)


@cache
def _window() -> Floats:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _mel(sample_rate: int) -> Floats:
    """Return triangular filters of unit area on Slaney's mel scale, 0 Hz to half the rate: [bands, bins]."""
    edges = _hz(np.linspace(0.0, _mels(sample_rate / 2), BANDS + 2))
    bins = np.linspace(0.0, sample_rate / 2, WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)).clip(min=0.0)
    return (triangles * (2.0 / (high - low))).astype(np.float32)


def _mels(hz: float) -> float:
    """Convert Hz to Slaney's mel: linear up to 1 kHz, which is 15 mel; then 27 mel for a factor of 6.4."""
    return 3 * hz / 200 if hz < 1000 else float(15 + 27 * np.log(hz / 1000) / np.log(6.4))


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))
