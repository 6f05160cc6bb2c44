"""Measures the render load, and chooses the response when the load is too high.

A tick is the stretch of sound that one decoder call normally covers. The first response is to decode more
ticks per call: this saves calls, but a performer's move through the latent space is heard later. If that is
not enough, voices are shed (faded out) one by one before a block is late. For some time after that, each new
hit replaces a sounding voice; otherwise there would soon be too many voices again.
"""

from __future__ import annotations

from math import ceil

from realtime.synth.mixer import STEAL_MS

AT_ONCE = (1, 2, 4)  # ticks decoded per call; the first number is the normal case
HIGH, LOW = 0.5, 0.15  # load above which more ticks are decoded per call, and below which fewer
SETTLE_S = 0.1  # time until the load shows the effect of a change
CALM_S = 2.0  # time of low load before fewer ticks are decoded per call
MEAN_S, RECENT_S = 0.05, 0.01  # time constants of the mean load and of the recent render time
OUTLIER = 3.0  # longest render time that counts, in block durations for each tick that the call decodes
FORGET_S = 0.2  # half-life of the peak, counted only in blocks with decoding
CAREFUL = 2.0  # initial peak in block durations; large, because the first blocks take a long time


class Load:
    """Tracks the load of one render thread.

    Args:
        block_s: block duration in seconds.

    Attributes:
        mean: recent fraction of time spent rendering.
        peak_s: longest recent render time of a block with decoding.
        fading: number of blocks until a voice that is shed has faded out.
    """

    def __init__(self, block_s: float) -> None:
        self.mean = 0.0
        self.peak_s = CAREFUL * block_s
        self.fading = 1 + ceil(STEAL_MS / 1000.0 / block_s)
        self._block_s = block_s
        self._recent_s = 0.0
        self._gain, self._recent_gain = min(block_s / MEAN_S, 1.0), min(block_s / RECENT_S, 1.0)
        self._forget = 0.5 ** (block_s / FORGET_S)
        self._step = 0  # index into AT_ONCE
        self._changed_s = 0.0
        self._not_low_s = 0.0

    def took(self, seconds: float, decoding: bool, now: float) -> None:
        """Record the render time of a block.

        Args:
            seconds: render time.
            decoding: True if voices are being decoded.
            now: monotonic time in seconds.
        """
        seconds = min(seconds, OUTLIER * self.at_once * self._block_s)
        self.mean += self._gain * (seconds / self._block_s - self.mean)
        if decoding:
            self.peak_s = max(seconds, self.peak_s * self._forget)
        self._recent_s += self._recent_gain * (seconds - self._recent_s)
        if self.mean > LOW:
            self._not_low_s = now
        since_s = now - self._changed_s
        if self.mean > HIGH and self._step < len(AT_ONCE) - 1 and since_s > SETTLE_S:
            self._step, self._changed_s = self._step + 1, now
        elif self._step > 0 and now - self._not_low_s > CALM_S < since_s:
            self._step, self._changed_s = self._step - 1, now

    @property
    def at_once(self) -> int:
        """Number of ticks to decode per call."""
        return AT_ONCE[self._step]

    def too_high(self, left_s: float) -> bool:
        """Return True if a block will be late although a voice begins to fade out now.

        Args:
            left_s: seconds until the device needs the block that will be rendered next.
        """
        more_s = self._recent_s - self._block_s  # time lost with each block
        return more_s > 0.0 and left_s < self._recent_s + self.fading * more_s
