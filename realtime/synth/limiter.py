"""A limiter that looks ahead: it turns the sound down before a peak instead of distorting the peak.

The gain reduction is counted in whole millionths of a dB, to make the result independent of block sizes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.synth.quantities import LOOK_AHEAD_MS
from realtime.synth.voices.resampler import Samples

RELEASE_DB_S = 60.0  # maximum fall of the reduction, in dB per second
MOST_DB = 60.0  # maximum reduction; a peak that needs more is an error, and must not silence later sound
UNITS = 1_000_000  # units of gain reduction per dB


class Limiter:
    """Keeps peaks at or below a ceiling; sound that stays below passes unchanged, `delay` samples later.

    Both channels get the same gain reduction: the largest that a peak within the next `LOOK_AHEAD_MS` needs,
    at most `MOST_DB`. After the peak, the reduction falls at the rate `RELEASE_DB_S`. A moving average over
    `LOOK_AHEAD_MS` smooths the reduction.

    Args:
        sample_rate: device sample rate in Hz.
        ceiling: largest magnitude of a sample at the output.
    """

    def __init__(self, sample_rate: int, ceiling: float) -> None:
        self._ceiling = ceiling
        self._window = max(2, round(sample_rate * LOOK_AHEAD_MS / 1000))
        self._step = round(UNITS * RELEASE_DB_S / sample_rate)
        past = self.delay = self._window - 1
        self._sound: Samples = np.zeros((2, past), np.float32)
        self._wanted = np.zeros(past, np.int64)  # reductions that peaks need
        self._held = np.zeros(past, np.int64)  # reductions after hold and release

    @property
    def ringing(self) -> bool:
        """Return True if silent input would still give sound, or if later sound would be turned down."""
        return bool(self._sound.any() or self._held.any() or self._wanted.any())

    def process(self, bus: Samples) -> None:
        """Limit `bus` [2, T] in place."""
        count, window = bus.shape[1], self._window
        peak = np.abs(bus).max(axis=0).astype(np.float64)
        over = np.clip(peak / self._ceiling, 1.0, 10.0 ** (MOST_DB / 20))
        wanted = np.concatenate((self._wanted, np.ceil(20 * UNITS * np.log10(over)).astype(np.int64)))
        sound = np.concatenate((self._sound, bus), axis=1)
        self._wanted, self._sound = wanted[count:], sound[:, count:].copy()
        if wanted.any() or self._held.any():
            ahead = np.lib.stride_tricks.sliding_window_view(wanted, window).max(axis=1)
            held = np.concatenate((self._held, self._released(ahead)))
            self._held = held[count:]
            total = np.concatenate(([0], np.cumsum(held)))
            reduction = (total[window:] - total[:-window]) // window
            sound[:, :count] *= (10.0 ** (-reduction / (20 * UNITS))).astype(np.float32)
        bus[:] = sound[:, :count]

    def _released(self, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the `wanted` reductions [T] with a release: they fall by at most `_step` per sample."""
        fallen = self._step * np.arange(1, len(wanted) + 1)
        before = np.maximum.accumulate(np.concatenate((self._held[-1:], wanted + fallen)))[1:]
        released: NDArray[np.int64] = np.maximum(before - fallen, 0)
        return released
