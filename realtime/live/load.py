"""How much of the time rendering takes, and what is done where that is too much.

First more is decoded at a time: calls are fewer, and a move of the point is heard later. Where that does not
help, voices are let go, one after another, before a block is late; the mixer then lets hits take the place of
voices for a while, as they would be too many again at once.
"""

from __future__ import annotations

from math import ceil

from realtime.synth.mixer import STEAL_MS

AT_ONCE = (1, 2, 4)  # ticks that are decoded at a time: the first is usual
HIGH, LOW = 0.5, 0.15  # of the time: then more is decoded at a time, or less again
SETTLE_S = 0.1  # until the load tells what a change has done
CALM_S = 2.0  # that the load has been low before less is decoded at a time
MEAN_S, RECENT_S = 0.05, 0.01  # over which means go
OUTLIER = 3.0  # blocks' time, for each tick decoded at a time; beyond, it is a pause of the machine
FORGET_S = 0.2  # of decoding, until half of a peak is forgotten
CAREFUL = 2.0  # blocks: the peak that is reckoned with at the start, when all is done for the first time


class Load:
    """Of one render thread.

    Args:
        block_s: duration of a block.

    Attributes:
        mean: part of the time that rendering has taken lately.
        peak_s: the longest that a block with decoding has taken lately.
        fading: blocks until a voice that is let go takes no time any more.
    """

    def __init__(self, block_s: float) -> None:
        self.mean = 0.0
        self.peak_s = CAREFUL * block_s
        self.fading = 1 + ceil(STEAL_MS / 1000.0 / block_s)
        self._block_s = block_s
        self._recent_s = 0.0
        self._gain, self._recent_gain = min(block_s / MEAN_S, 1.0), min(block_s / RECENT_S, 1.0)
        self._forget = 0.5 ** (block_s / FORGET_S)
        self._step = 0  # of AT_ONCE
        self._changed_s = 0.0
        self._not_low_s = 0.0

    def took(self, seconds: float, decoding: bool, now: float) -> None:
        """Take note of how long a block has taken.

        Args:
            decoding: whether voices are being decoded.
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
        """How many ticks are to be decoded at a time."""
        return AT_ONCE[self._step]

    def too_high(self, left_s: float) -> bool:
        """Whether blocks will be late before a voice that is let go now has faded.

        Args:
            left_s: until the device takes the block that is to be rendered next.
        """
        more_s = self._recent_s - self._block_s  # what each block takes off what is left
        return more_s > 0.0 and left_s < self._recent_s + self.fading * more_s
