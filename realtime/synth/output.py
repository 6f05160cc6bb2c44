"""The output stage: DC block, gain ramp, limiter, knee and meters.

The knee compresses samples above 0.9 of full scale, to keep the output within full scale. A block with a
sample that is not finite is silenced.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.synth.limiter import Limiter
from realtime.synth.voices.resampler import Samples

Levels = NDArray[np.float64]
"""Levels of left and right: [2]."""

THRESHOLD = 0.9  # the knee passes samples below this magnitude unchanged, bit for bit
RAMP_MS = 5.0  # length of a gain ramp
RMS_MS = 300.0  # time constant of the RMS meters


@dataclass(frozen=True)
class Finish:
    """The output stage's treatment of the sound, apart from gain: `--headroom`, `--limiter`, `--dc-block`.

    Attributes:
        dc_block_hz: corner frequency in Hz of a first-order high-pass filter; 0 means no filter.
        headroom_db: attenuation in dB that leaves room for sounds that play together.
        limiter: True if a limiter looks ahead for peaks above `THRESHOLD`.
    """

    dc_block_hz: float = 0.0
    headroom_db: float = 0.0
    limiter: bool = False


class Output:
    """Applies a DC block, a gain with linear ramps of `RAMP_MS`, a limiter, and a knee above `THRESHOLD`."""

    def __init__(self, sample_rate: int, gain_db: float = 0.0, finish: Finish = Finish()) -> None:
        self.gain_db = gain_db
        self._headroom_db = finish.headroom_db
        self._peak_decay = 0.1 ** (1.0 / sample_rate)
        self._rms_decay = float(np.exp(-1000.0 / (RMS_MS * sample_rate)))
        self._metered = 0  # sample, counted by the device, up to which the meters have read the sound
        self._peak, self._power = np.zeros(2), np.zeros(2)
        self._dc = DcBlock(finish.dc_block_hz, sample_rate) if finish.dc_block_hz else None
        self._limiter = Limiter(sample_rate, THRESHOLD) if finish.limiter else None
        self.muted = 0
        """Number of blocks silenced because they were not finite."""
        self._ramp_samples = max(1, round(sample_rate * RAMP_MS / 1000))
        self._ramp_start = -self._ramp_samples
        self._from = self._to = amplitude(gain_db - self._headroom_db)

    @property
    def delay(self) -> int:
        """Samples by which the limiter delays the sound."""
        return self._limiter.delay if self._limiter is not None else 0

    @property
    def ringing(self) -> bool:
        """Return True if the output is not yet silent after the input has become silent."""
        parts = self._dc, self._limiter
        return any(part is not None and part.ringing for part in parts)

    def peak(self, position: int) -> Levels:
        """Return the peaks before the limiter at device sample `position`; they fall by 20 dB a second."""
        peak: Levels = self._peak * self._peak_decay ** max(position - self._metered, 0)
        return peak

    def rms(self, position: int) -> Levels:
        """Return the RMS levels at device sample `position`, averaged with time constant `RMS_MS`."""
        rms: Levels = np.sqrt(self._power * self._rms_decay ** max(position - self._metered, 0))
        return rms

    def set_gain(self, db: float, position: int) -> None:
        """Start a ramp to the gain `db` at device sample `position`."""
        self._from = self._gain_at(position)
        self._to = amplitude(db - self._headroom_db)
        self._ramp_start = position
        self.gain_db = db

    def _gain_at(self, position: int) -> float:
        passed = min((position - self._ramp_start) / self._ramp_samples, 1.0)
        return self._from * (1.0 - passed) + self._to * passed

    def process(self, bus: Samples, position: int) -> None:
        """Process `bus` [2, T], which begins at device sample `position`, in place."""
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
        if self._limiter is not None:
            self._limiter.process(bus)
        if peak.max() > THRESHOLD:
            limit(bus)
        self._meter(bus, peak, position + bus.shape[1])

    def _meter(self, bus: Samples, peak: Levels, until: int) -> None:
        self._peak = np.maximum(self.peak(until), peak)
        kept = self._rms_decay ** bus.shape[1]
        before = self._power * self._rms_decay ** (until - self._metered)
        self._power = before + (1.0 - kept) / bus.shape[1] * np.einsum("ct,ct->c", bus, bus)
        self._metered = until


class DcBlock:
    """First-order high-pass filter, 6 dB per octave: subtracts a slowly moving mean."""

    def __init__(self, corner_hz: float, sample_rate: int) -> None:
        self._keep = float(np.exp(-2.0 * np.pi * corner_hz / sample_rate))
        self._mean = np.zeros(2)

    @property
    def ringing(self) -> bool:
        """Return True if removing the mean still changes the sound audibly."""
        return bool(np.abs(self._mean).max() > 1e-6)

    def process(self, bus: Samples) -> None:
        """Filter `bus` [2, T] in place; T is at most a few thousand samples."""
        steps = np.arange(1, bus.shape[1] + 1)
        decay = self._keep**steps
        mean = decay * (self._mean[:, np.newaxis] + (1.0 - self._keep) * np.cumsum(bus / decay, axis=1))
        self._mean = mean[:, -1].copy()
        if not self.ringing:
            self._mean[:] = 0.0
        bus -= mean.astype(np.float32)


def amplitude(db: float) -> float:
    """Convert dB to a factor; exactly 1.0 at 0 dB."""
    return float(10.0 ** (db / 20.0))


def limit(bus: Samples) -> None:
    """Limit samples to ±1 in place, with a tanh knee above `THRESHOLD`."""
    over = np.abs(bus) > THRESHOLD
    loud = bus[over]
    room = 1.0 - THRESHOLD
    above = np.minimum(np.abs(loud), 10.0) - THRESHOLD  # tanh saturates far below 10
    bus[over] = np.copysign(np.minimum(THRESHOLD + room * np.tanh(above / room), 1.0), loud)
