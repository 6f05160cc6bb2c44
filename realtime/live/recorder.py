"""Records the output: the render thread queues blocks, and another thread writes them to a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.util.errors import RealtimeError
from realtime.util.recordings import Recording

QUEUE_S = 5.0  # longest stall of the disk without loss
PERIOD_S = 0.05
HEADER_S = 1.0  # interval between updates of the file's header


class Recorder:
    """Writes blocks of `block_size` samples to a WAV, FLAC or Ogg file without delaying the render thread.

    If the program dies, `recordings.recover` completes the file at the next start.

    Args:
        path: output file; it may exist only if `force` is set.
        sample_rate: in Hz.
        channels: number of channels.
        block_size: device samples [T] in a block.
        say: receives a line if the recording stops early, has gaps, or is stored under another path.

    Raises:
        FileError: the file cannot be created.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        channels: int,
        block_size: int,
        *,
        force: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self._path = path
        self._file = Recording(path, sample_rate, channels, force)
        self._say = say
        self._queue = np.zeros(
            (max(2, round(QUEUE_S * sample_rate / block_size)), block_size, channels), np.float32
        )
        self._delivered = 0
        self._written = 0
        self._lost = 0
        self._failed = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def write(self, block: NDArray[np.float32]) -> None:
        """Queue a copy of `block` [T, C]. Never waits: if the queue is full, the block is lost."""
        if self._delivered - self._written >= len(self._queue):
            self._lost += 1
            return
        np.copyto(self._queue[self._delivered % len(self._queue)], block)
        self._delivered += 1

    def close(self) -> None:
        """Write the queued blocks and move the file into place."""
        self._closing.set()
        self._thread.join()
        try:
            self._file.commit()
        except RealtimeError as error:
            self._say(str(error))
        if self._file.path != self._path:
            self._say(f"{self._path} exists now; the recording is in {self._file.path} instead")
        if self._lost:
            self._say(f"{self._file.path}: the disk was too slow; {self._lost} blocks are missing")

    def _run(self) -> None:
        due_s = 0.0
        while not self._closing.wait(PERIOD_S):
            self._drain()
            if time.monotonic() >= due_s:
                self._file.update_header()
                due_s = time.monotonic() + HEADER_S
        self._drain()

    def _drain(self) -> None:
        while self._written < self._delivered:
            if not self._failed:
                try:
                    self._file.write(self._queue[self._written % len(self._queue)])
                except RealtimeError as error:
                    self._failed = True
                    self._say(f"recording stopped, playing continues: {error}")
            self._written += 1
