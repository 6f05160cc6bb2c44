"""The last step before the card: gain without jumps, nothing beyond full scale, nothing but numbers."""

from __future__ import annotations

import numpy as np

from realtime.resampler import Samples

THRESHOLD = 0.9  # below it (in magnitude) samples pass unchanged, to the bit
RAMP_MS = 5.0
GAIN_RANGE_DB = (-120.0, 24.0)


class Output:
    """DC block, gain in dB with a linear ramp of `RAMP_MS`, then a soft knee from `THRESHOLD` to 1."""

    def __init__(self, sample_rate: int, gain_db: float = 0.0, dc_block_hz: float = 0.0) -> None:
        self.gain_db = gain_db
        self.peak = np.zeros(2)
        """Peak of left and right lately: falls by 20 dB a second."""
        self._fall_per_sample = 0.1 ** (1.0 / sample_rate)
        self._dc = DcBlock(dc_block_hz, sample_rate) if dc_block_hz else None
        self.muted = 0
        """Stretches silenced because they were not finite."""
        self._ramp_samples = max(1, round(sample_rate * RAMP_MS / 1000))
        self._ramp_start = -self._ramp_samples
        self._from = self._to = amplitude(gain_db)

    @property
    def ringing(self) -> bool:
        """Whether silence would not come out as silence yet."""
        return self._dc is not None and self._dc.ringing

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
        """Bring `bus` [2, T], which begins at device sample `position`, into shape in place."""
        if not np.isfinite(bus).all():
            bus[:] = 0.0
            self.muted += 1
        if self._dc is not None:
            self._dc.process(bus)
        if position < self._ramp_start + self._ramp_samples:
            passed = np.arange(position - self._ramp_start, position - self._ramp_start + bus.shape[1])
            passed = np.minimum(passed / self._ramp_samples, 1.0)
            bus *= (self._from * (1.0 - passed) + self._to * passed).astype(np.float32)
        elif self._to != 1.0:
            bus *= np.float32(self._to)
        peak = np.maximum(bus.max(axis=1), -bus.min(axis=1))
        if peak.max() > THRESHOLD:
            limit(bus)
        np.maximum(self.peak * self._fall_per_sample ** bus.shape[1], peak, out=self.peak)


class DcBlock:
    """What a mean that follows the sound slowly leaves of it: a high-pass of first order, 6 dB an octave."""

    def __init__(self, corner_hz: float, sample_rate: int) -> None:
        self._keep = float(np.exp(-2.0 * np.pi * corner_hz / sample_rate))
        self._mean = np.zeros(2)

    @property
    def ringing(self) -> bool:
        """Whether the mean is still to be heard."""
        return bool(np.abs(self._mean).max() > 1e-6)

    def process(self, bus: Samples) -> None:
        """In place: [2, T], T at most some thousand samples."""
        steps = np.arange(1, bus.shape[1] + 1)
        decay = self._keep**steps
        mean = decay * (self._mean[:, np.newaxis] + (1.0 - self._keep) * np.cumsum(bus / decay, axis=1))
        self._mean = mean[:, -1].copy()
        if not self.ringing:
            self._mean[:] = 0.0
        bus -= mean.astype(np.float32)


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
