"""Estimates the time at which a stream of samples began, from observations that jitter."""

from __future__ import annotations

import time

JUMP_S = 0.02  # a larger deviation is corrected at once, a smaller one gradually
GAIN = 0.05  # fraction of a smaller deviation that each observation corrects


def corrected(estimate_s: float, observed_s: float) -> float:
    """Return the estimate, corrected by one more observation.

    Args:
        estimate_s: the estimate so far, in seconds.
        observed_s: the observation, in seconds.
    """
    off = observed_s - estimate_s
    return observed_s if abs(off) > JUMP_S else estimate_s + GAIN * off


class DeviceClock:
    """Relates the samples of a device to monotonic time, from the times at which the device took blocks.

    Args:
        rate_hz: sample rate of the device.

    Attributes:
        origin_s: estimated monotonic time at which sample 0 was taken.
        taken: monotonic time at which the device took the latest block, and index of its first sample.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.origin_s = time.monotonic()
        self.taken = self.origin_s, 0

    def restart(self) -> float:
        """Set the origin to the current monotonic time; return this time."""
        self.origin_s = time.monotonic()
        return self.origin_s

    def follow(self) -> None:
        """Correct the origin as `corrected` does, from the time of the latest block."""
        at_s, sample = self.taken
        if sample:
            self.origin_s = corrected(self.origin_s, at_s - sample / self.rate_hz)

    def sample_at(self, time_s: float) -> float:
        """Return the index of the sample that is taken at a monotonic time; the index may be fractional."""
        return (time_s - self.origin_s) * self.rate_hz

    def left_s(self, sample: int, now: float) -> float:
        """Return the estimated seconds from monotonic time `now` until a sample is taken."""
        return self.origin_s + sample / self.rate_hz - now

    def left_since_taken_s(self, sample: int, now: float) -> float | None:
        """Return `left_s`, calculated from the latest block alone; None if no block was taken recently."""
        at_s, first = self.taken
        if not first or now - at_s >= JUMP_S:
            return None
        return at_s + (sample - first) / self.rate_hz - now
