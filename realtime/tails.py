"""What is left of voices that had to go at once: their last sample, falling to nothing."""

from __future__ import annotations

import numpy as np

from realtime.resampler import Samples


class Tails:
    """Takes the jump out of a sound that is cut: a straight line of `samples` device samples to 0.

    Needs no voice and no decoding, however many are cut. Real-time safe.
    """

    def __init__(self, samples: int) -> None:
        self._ramp = (1.0 - np.arange(1, samples + 1) / samples).astype(np.float32)
        self._sum: Samples = np.zeros((2, samples), np.float32)
        self._left = 0

    @property
    def ringing(self) -> bool:
        """Whether any of it is still to be heard."""
        return self._left > 0

    def add(self, last: Samples) -> None:
        """Go on from `last` [2], the sample of left and right that was heard last."""
        self._sum += np.outer(last, self._ramp)
        self._left = len(self._ramp)

    def add_to(self, bus: Samples) -> None:
        """Add the next samples to `bus` [2, T]."""
        count = min(bus.shape[1], self._left)
        if count == 0:
            return
        bus[:, :count] += self._sum[:, :count]
        self._sum[:, :-count] = self._sum[:, count:]
        self._sum[:, -count:] = 0.0
        self._left -= count
