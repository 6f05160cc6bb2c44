"""The last step before the card: gain without jumps, nothing beyond full scale, nothing but numbers."""

from __future__ import annotations

import numpy as np

from realtime.resampler import Samples

THRESHOLD = 0.9  # below it (in magnitude) samples pass unchanged, to the bit
RAMP_MS = 5.0
GAIN_RANGE_DB = (-120.0, 24.0)


class Output:
    """Gain in dB with a linear ramp of `RAMP_MS`, then a soft knee from `THRESHOLD` to 1."""

    def __init__(self, sample_rate: int, gain_db: float = 0.0) -> None:
        self.gain_db = gain_db
        self.muted = 0
        """Stretches silenced because they were not finite."""
        self._ramp_samples = max(1, round(sample_rate * RAMP_MS / 1000))
        self._ramp_start = -self._ramp_samples
        self._from = self._to = amplitude(gain_db)

    def set_gain(self, db: float, position: int) -> None:
        """Head for `db` from device sample `position` on."""
        self._from = self._gain_at(position)
        self._to = amplitude(db)
        self._ramp_start = position
        self.gain_db = db

    def _gain_at(self, position: int) -> float:
        passed = min((position - self._ramp_start) / self._ramp_samples, 1.0)
        return self._from * (1.0 - passed) + self._to * passed

    def process(self, bus: Samples, position: int) -> None:
        """Bring `bus` [T], which begins at device sample `position`, into shape in place."""
        if position < self._ramp_start + self._ramp_samples:
            passed = np.arange(position - self._ramp_start, position - self._ramp_start + len(bus))
            passed = np.minimum(passed / self._ramp_samples, 1.0)
            bus *= (self._from * (1.0 - passed) + self._to * passed).astype(np.float32)
        elif self._to != 1.0:
            bus *= np.float32(self._to)
        peak = max(float(bus.max()), -float(bus.min()))  # a NaN anywhere makes both NaN
        if not np.isfinite(peak):
            bus[:] = 0.0
            self.muted += 1
        elif peak > THRESHOLD:
            limit(bus)


def amplitude(db: float) -> float:
    """The factor that `db` stands for; exactly 1.0 at 0 dB."""
    return float(10.0 ** (db / 20.0))


def limit(bus: Samples) -> None:
    """Bend what is above `THRESHOLD` so that it never passes 1: in place, with no corner in the curve."""
    over = np.abs(bus) > THRESHOLD
    loud = bus[over]
    room = 1.0 - THRESHOLD
    above = np.minimum(np.abs(loud), 10.0) - THRESHOLD  # tanh is 1 long before
    bus[over] = np.copysign(np.minimum(THRESHOLD + room * np.tanh(above / room), 1.0), loud)
