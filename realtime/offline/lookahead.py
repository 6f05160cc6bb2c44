"""Decodes the sounds of a score (timed commands) on all cores before the mixer needs the sounds.

Each sound is decoded once, completely, and stored in a temporary file, to keep memory use independent of the
number of sounds.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from realtime.model.decoder import Decoder, Floats
from realtime.synth.commands import Command, Trigger
from realtime.synth.voices.sound_cache import CachedSound, SoundCache, Z

BATCH = 4  # sounds per decoder call; more are not faster
LOOK_AHEAD = 64  # number of hits by which decoding is ahead of the mixer


def cores() -> int:
    """Return the number of cores available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Lookahead(SoundCache):
    """A sound cache for a mixer that plays a score. `follow` passes the score on and plans its sounds.

    Args:
        decoder: the decoder; several threads call `decode` at once.
        jobs: number of threads.

    Attributes:
        decoded: number of sounds decoded so far.
    """

    def __init__(self, decoder: Decoder, jobs: int) -> None:
        super().__init__(decoder)
        self.decoded = 0
        self._whole = decoder
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="decode")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._lock = threading.Lock()
        self._places: dict[bytes, int] = {}
        self._coming: dict[bytes, Future[None]] = {}
        self._batch: list[Floats] = []
        self._recent: tuple[bytes, CachedSound] | None = None

    def follow(self, score: Iterable[tuple[int, Command]]) -> Iterator[tuple[int, Command]]:
        """Yield the score unchanged, and plan its sounds `LOOK_AHEAD` hits before they are due."""
        waiting: deque[tuple[int, Command]] = deque()
        hits = 0
        for sample, command in score:
            waiting.append((sample, command))
            if isinstance(command, Trigger):
                hits += 1
                if (z := command.point or command.z) is not None:
                    self.plan(z if command.offset is None else tuple(np.add(z, command.offset).tolist()))
            while hits > LOOK_AHEAD:
                hits -= isinstance(waiting[0][1], Trigger)
                yield waiting.popleft()
        yield from waiting

    def plan(self, z: Z) -> None:
        """Schedule the decoding of the sound at z [D], once."""
        point = np.array(z, np.float32)
        key = point.tobytes()
        if key not in self._places:
            self._places[key] = len(self._places)
            self._batch.append(point)
            if len(self._batch) == BATCH:
                self._submit()

    def _submit(self) -> None:
        batch, self._batch = self._batch, []
        future = self._pool.submit(self._decode, batch)
        for point in batch:
            self._coming[point.tobytes()] = future

    def _decode(self, batch: list[Floats]) -> None:
        sounds = self._whole.decode(np.stack(batch))
        with self._lock:
            for point, sound in zip(batch, sounds, strict=True):
                self._file.seek(self._places[point.tobytes()] * sound.nbytes)
                self._file.write(sound.tobytes())
            self.decoded += len(batch)

    def get(self, z: Floats) -> CachedSound | None:
        """Wait for the complete sound at `z` (float32 [D]); None if it is not planned or not finite."""
        key = z.tobytes()
        if self._recent is not None and self._recent[0] == key:
            return self._recent[1]
        if key not in self._places:
            return None
        if any(point.tobytes() == key for point in self._batch):
            self._submit()
        if (future := self._coming.pop(key, None)) is not None:
            future.result()
        info = self._whole.info
        sound = CachedSound(z, 0, info.hop_length)
        size = 4 * info.frames * info.hop_length
        with self._lock:
            self._file.seek(self._places[key] * size)
            sound.audio = np.frombuffer(self._file.read(size), np.float32)
        if not np.isfinite(sound.audio).all():  # the mixer decodes the sound again and counts it as muted
            return None
        sound.frames = info.frames
        self._recent = key, sound
        return sound

    def want(self, z: Z | Floats, *, first: bool = False) -> None:
        """Do nothing: all sounds of a score are planned."""

    def work(self) -> bool:
        """Return False: the threads do the work."""
        return False

    def close(self) -> None:
        """Stop the threads and delete the temporary file."""
        self._pool.shutdown(cancel_futures=True)
        self._file.close()
