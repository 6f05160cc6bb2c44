"""The model's clock against the device's: which latent frames must be decoded by when. In whole numbers."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from realtime.synth.quantities import PITCH
from realtime.synth.resampler import Resampler, Varispeed

PITCHES_KEPT = 128
PIECE = 256  # device samples


class Timing:
    """Ticks of decoding, and the pace of every pitch.

    Time is cut into frames, as long as a latent frame at its own pitch and counted from device sample 0, and
    those into ticks of `chunk_frames`. In each tick every voice is decoded just far enough to sound until the
    next one begins. What is decoded when depends on the performance alone, not on the size of the blocks it
    is rendered in.
    """

    def __init__(self, *, frames: int, hop_length: int, chunk_frames: int, resampler: Resampler) -> None:
        self.frames = frames
        self.hop_length = hop_length
        self.chunk_frames = chunk_frames
        self.resampler = resampler
        self._in, self._out = resampler.rate_in, resampler.rate_out
        self.natural = Pace(self, resampler)
        """Of sounds at the pitch they were learnt at."""
        self.widest = max(resampler.half, Varispeed(self._in, self._out, PITCH.high).half)
        """Input samples that any pitch needs beyond its own place."""
        self._pitched = lru_cache(PITCHES_KEPT)(self._make)

    @property
    def samples(self) -> int:
        """Device samples of a whole sound at its own pitch."""
        return self.natural.samples

    def pace(self, semitones: float) -> Pace:
        """The pace of sounds played `semitones` higher; kept, as the first of a pitch takes milliseconds."""
        return self._pitched(round(semitones, 3)) if semitones else self.natural

    def _make(self, semitones: float) -> Pace:
        return Pace(self, Varispeed(self._in, self._out, semitones), 2.0 ** (semitones / 12.0))

    @property
    def longest(self) -> int:
        """Device samples of a whole sound at the lowest pitch."""
        return ceil((self.samples + 1) * float(2.0 ** (-PITCH.low / 12.0))) + 1

    def frame(self, sample: int) -> int:
        """The frame that device sample `sample` lies in."""
        return sample * self._in // (self.hop_length * self._out)

    def frame_start(self, frame: int) -> int:
        """The first device sample of a frame."""
        return -(-frame * self.hop_length * self._out // self._in)

    def tick(self, sample: int) -> int:
        """The tick that device sample `sample` lies in."""
        return self.frame(sample) // self.chunk_frames

    def tick_start(self, tick: int) -> int:
        """The first device sample of a tick."""
        return self.frame_start(tick * self.chunk_frames)

    @property
    def piece(self) -> int:
        """The most device samples that are mixed at a time: the fewer pieces, the fewer calls."""
        return max(self.tick_start(1) + 1, PIECE)

    @property
    def first_frames(self) -> int:
        """The most frames that a voice at its own pitch needs before its first sample can be heard."""
        return min(self.chunk_frames - (-self.resampler.half // self.hop_length), self.frames)


class Pace:
    """How fast a voice goes through its frames, and what turns them into device samples."""

    def __init__(self, timing: Timing, resampler: Resampler | Varispeed, speed: float = 1.0) -> None:
        self.resampler = resampler
        self._timing = timing
        length = timing.frames * timing.hop_length
        self.samples = resampler.length(length)
        """Device samples of a whole sound."""
        hop = timing.hop_length * timing.resampler.rate_out / timing.resampler.rate_in / speed
        self.frame_starts: NDArray[np.float64] = np.arange(timing.frames, dtype=np.float64) * hop
        """Device sample, counted from the start of its voice, at which each latent frame begins."""

    def frames_wanted(self, start: int, end: int) -> int:
        """Latent frames that a voice begun at device sample `start` needs to sound until frame `end` begins.

        At a sound's own pitch that is one more for each frame, exactly, until the sound ends.
        """
        timing, resampler = self._timing, self.resampler
        if isinstance(resampler, Resampler):
            ahead = resampler.half * resampler.rate_out - start * resampler.rate_in
            wanted = end - (-ahead // (timing.hop_length * resampler.rate_out))
        else:
            last = timing.frame_start(end) - start - 1
            wanted = ceil((last * resampler.step + resampler.half + 1) / timing.hop_length)
        return min(wanted, timing.frames)

    def settled(self, frames: int) -> int:
        """Device samples that the first `frames` latent frames settle."""
        if frames == self._timing.frames:
            return self.samples
        return min(self.resampler.ready(frames * self._timing.hop_length), self.samples)
