"""The schedule of decoding: the device sample by which each latent frame must be decoded."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from realtime.synth.commands import PITCH
from realtime.synth.voices.resampler import Resampler, Varispeed

PITCHES_KEPT = 128  # maximum number of cached paces
PIECE = 256  # lower bound of `Timing.piece`, in device samples


class Timing:
    """The grid of decoding ticks, and the pace (speed) of each pitch.

    Time is divided into frames, which are counted from device sample 0. Each frame is as long as a latent
    frame of a sound at its original pitch. A tick is `chunk_frames` frames. In each tick every voice is
    decoded just far enough to sound until the next tick begins. The schedule depends on the performance
    alone, not on the block size.

    Args:
        frames: latent frames of a complete sound.
        hop_length: model samples in a latent frame.
        chunk_frames: frames in a tick.
        resampler: converts the model's rate to the device's.
    """

    def __init__(self, *, frames: int, hop_length: int, chunk_frames: int, resampler: Resampler) -> None:
        self.frames = frames
        self.hop_length = hop_length
        self.chunk_frames = chunk_frames
        self.resampler = resampler
        self._in, self._out = resampler.rate_in, resampler.rate_out
        self.natural = Pace(self, resampler)
        """Pace of sounds at their original pitch."""
        self.widest = max(resampler.half, Varispeed(self._in, self._out, PITCH.high).half)
        """Maximum number of input samples that any pitch needs on either side of a position."""
        self._pitched = lru_cache(PITCHES_KEPT)(self._make)

    @property
    def samples(self) -> int:
        """Device samples of a complete sound at its original pitch."""
        return self.natural.samples

    def pace(self, semitones: float) -> Pace:
        """Return the pace of sounds transposed by `semitones`; it is cached, because making it is slow."""
        return self._pitched(round(semitones, 3)) if semitones else self.natural

    def _make(self, semitones: float) -> Pace:
        return Pace(self, Varispeed(self._in, self._out, semitones), 2.0 ** (semitones / 12.0))

    @property
    def longest(self) -> int:
        """Device samples of a complete sound at the lowest pitch."""
        return ceil((self.samples + 1) * float(2.0 ** (-PITCH.low / 12.0))) + 1

    def frame(self, sample: int) -> int:
        """Return the frame that contains device sample `sample`."""
        return sample * self._in // (self.hop_length * self._out)

    def frame_start(self, frame: int) -> int:
        """Return the first device sample of a frame."""
        return -(-frame * self.hop_length * self._out // self._in)

    def tick(self, sample: int) -> int:
        """Return the tick that contains device sample `sample`."""
        return self.frame(sample) // self.chunk_frames

    def tick_start(self, tick: int) -> int:
        """Return the first device sample of a tick."""
        return self.frame_start(tick * self.chunk_frames)

    @property
    def piece(self) -> int:
        """Maximum number of device samples mixed at a time; larger pieces need fewer calls."""
        return max(self.tick_start(1) + 1, PIECE)

    @property
    def first_frames(self) -> int:
        """Maximum number of frames that a voice at its original pitch needs for its first sample."""
        return min(self.chunk_frames - (-self.resampler.half // self.hop_length), self.frames)


class Pace:
    """The speed at which a voice advances through its frames, and its resampler."""

    def __init__(self, timing: Timing, resampler: Resampler | Varispeed, speed: float = 1.0) -> None:
        self.resampler = resampler
        self._timing = timing
        length = timing.frames * timing.hop_length
        self.samples = resampler.length(length)
        """Device samples of a complete sound."""
        hop = timing.hop_length * timing.resampler.rate_out / timing.resampler.rate_in / speed
        self.frame_starts: NDArray[np.float64] = np.arange(timing.frames, dtype=np.float64) * hop
        """Device sample, from the start of the voice, at which each latent frame begins."""

    def frames_wanted(self, start: int, end: int) -> int:
        """Return how many frames a voice that starts at `start` needs to sound until frame `end` begins.

        At the original pitch, the number grows by exactly one per frame until the sound ends.
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
        """Return how many device samples the first `frames` latent frames determine."""
        if frames == self._timing.frames:
            return self.samples
        return min(self.resampler.ready(frames * self._timing.hop_length), self.samples)
