"""The last step before the card: gain without jumps, nothing beyond full scale, nothing but numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.synth.resampler import Samples

Levels = NDArray[np.float64]
"""Left and right: [2]."""

THRESHOLD = 0.9  # below it (in magnitude) samples pass unchanged, to the bit
RAMP_MS = 5.0
RMS_MS = 300.0  # over which the mean of the RMS meters goes, as that of a VU meter


class Output:
    """DC block, gain in dB with a linear ramp of `RAMP_MS`, then a soft knee from `THRESHOLD` to 1."""

    def __init__(self, sample_rate: int, gain_db: float = 0.0, dc_block_hz: float = 0.0) -> None:
        self.gain_db = gain_db
        self._fall_per_sample = 0.1 ** (1.0 / sample_rate)
        self._forget_per_sample = float(np.exp(-1000.0 / (RMS_MS * sample_rate)))
        self._metered = 0  # up to this device sample
        self._peak, self._power = np.zeros(2), np.zeros(2)
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

    def peak(self, position: int) -> Levels:
        """Peak of left and right lately, before the knee: falls by 20 dB a second; until `position`."""
        peak: Levels = self._peak * self._fall_per_sample ** max(position - self._metered, 0)
        return peak

    def rms(self, position: int) -> Levels:
        """Root of the mean square of left and right, the past weighted with `RMS_MS`; until `position`."""
        rms: Levels = np.sqrt(self._power * self._forget_per_sample ** max(position - self._metered, 0))
        return rms

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
        self._meter(bus, peak, position + bus.shape[1])

    def _meter(self, bus: Samples, peak: Levels, until: int) -> None:
        self._peak = np.maximum(self.peak(until), peak)
        kept = self._forget_per_sample ** bus.shape[1]
        before = self._power * self._forget_per_sample ** (until - self._metered)
        self._power = before + (1.0 - kept) / bus.shape[1] * np.einsum("ct,ct->c", bus, bus)
        self._metered = until


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
