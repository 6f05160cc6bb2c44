"""The queue of finished blocks from the render thread to the audio callback, and signals between the two."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]
"""Device samples [T, C]."""


class Signal:
    """Lets other threads wake one thread. `set` never blocks; only one thread may call `wait`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake the waiting thread. Real-time safe."""
        if self._lock.locked():
            with suppress(RuntimeError):  # another thread has released the lock first
                self._lock.release()

    def wait(self, timeout_s: float) -> bool:
        """Wait until `set` has been called since the last wait; return False on timeout."""
        return self._lock.acquire(timeout=timeout_s)


class Ring:
    """Lock-free queue of blocks [T, C] for one writer and one reader. Allocates memory only when created."""

    def __init__(self, blocks: int, block_size: int, channels: int) -> None:
        self._blocks = np.zeros((blocks, block_size, channels), np.float32)
        self._requested_s = [0.0] * blocks
        self.written = 0
        self.read = 0

    @property
    def full(self) -> bool:
        return self.written - self.read >= len(self._blocks)

    @property
    def empty(self) -> bool:
        return self.written == self.read

    def slot(self) -> Block:
        """Return the slot in which to write the next block; `commit` then passes the block to the reader."""
        slot: Block = self._blocks[self.written % len(self._blocks)]
        return slot

    def commit(self, requested_s: float = 0.0) -> None:
        """Pass the block to the reader; `requested_s` is the arrival time of its first command, or 0."""
        self._requested_s[self.written % len(self._blocks)] = requested_s
        self.written += 1

    def take(self, out: Block) -> float:
        """Copy the oldest block to `out` and return its `requested_s`. Real-time safe."""
        slot = self.read % len(self._blocks)
        np.copyto(out, self._blocks[slot])
        requested_s = self._requested_s[slot]
        self.read += 1
        return requested_s
