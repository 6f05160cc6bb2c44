"""The latest second of the output, for scopes and spectrograms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEPT_S = 1.0
FULL_SCALE = 32767.0


class Monitor:
    """Keeps the latest blocks; one thread writes, another reads. Allocates memory only when created.

    A device sample is a sample at the device's rate, counted from the first block.

    Args:
        sample_rate: in Hz.
        channels: number of channels.
        block_size: device samples [T] in a block.
    """

    def __init__(self, sample_rate: int, channels: int, block_size: int) -> None:
        blocks = max(4, round(KEPT_S * sample_rate / block_size))
        self._blocks = np.zeros((blocks, block_size, channels), np.float32)
        self._written = 0  # number of blocks

    def write(self, block: NDArray[np.float32]) -> None:
        """Keep a copy of `block` [T, C]. Real-time safe."""
        np.copyto(self._blocks[self._written % len(self._blocks)], block)
        self._written += 1

    def since(self, sample: int) -> tuple[int, bytes]:
        """Return the kept blocks that begin at or after device sample `sample`.

        Returns:
            The index of the first device sample, and the mean of left and right as little-endian int16.
        """
        count, size = self._blocks.shape[:2]
        end = self._written
        kept = end - count + 2  # leave out the two oldest blocks, which may be overwritten meanwhile
        begin = min(max(-(-sample // size), kept, 0), end)
        sides = self._blocks[np.arange(begin, end) % count][:, :, :2]
        mean = sides.mean(axis=2).reshape(-1)
        return begin * size, (FULL_SCALE * np.clip(mean, -1.0, 1.0)).astype("<i2").tobytes()
