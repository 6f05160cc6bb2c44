"""One hit: its stretch of the decoder's stream, at the device rate, and how it starts and ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.glide import Glide
from realtime.resampler import Resampler, Samples


class Timing:
    """The model's clock against the device's: which latent frames must be decoded by when. In whole numbers.

    Time is cut into ticks of `chunk_frames` latent frames, counted from device sample 0. In each tick every
    voice is decoded just far enough to sound until the next one begins. So all voices ask for the same
    number of frames at the same sample, and what is decoded when depends on the performance alone, not on
    the size of the blocks it is rendered in.
    """

    def __init__(self, *, frames: int, hop_length: int, chunk_frames: int, resampler: Resampler) -> None:
        self.frames = frames
        self.hop_length = hop_length
        self.chunk_frames = chunk_frames
        self.resampler = resampler
        self.samples = resampler.length(frames * hop_length)
        """Device samples of a whole sound."""
        self._in, self._out = resampler.rate_in, resampler.rate_out
        self.frame_starts: NDArray[np.float64] = np.arange(frames, dtype=np.float64) * (
            hop_length * self._out / self._in
        )
        """Device sample, counted from the start of its voice, at which each latent frame begins."""

    def tick(self, sample: int) -> int:
        """The tick that device sample `sample` lies in."""
        return sample * self._in // (self.chunk_frames * self.hop_length * self._out)

    def tick_start(self, tick: int) -> int:
        """The first device sample of a tick."""
        return -(-tick * self.chunk_frames * self.hop_length * self._out // self._in)

    def frames_wanted(self, start: int, tick: int) -> int:
        """Frames that a voice begun at device sample `start` needs to sound until the end of `tick`.

        Grows by `chunk_frames` a tick, exactly, until the sound ends.
        """
        ahead = self.resampler.half * self._out - start * self._in
        wanted = (tick + 1) * self.chunk_frames - (-ahead // (self.hop_length * self._out))
        return min(wanted, self.frames)

    @property
    def first_frames(self) -> int:
        """The most frames that a voice needs before its first sample can be heard."""
        return min(self.chunk_frames - (-self.resampler.half // self.hop_length), self.frames)

    def settled(self, frames: int) -> int:
        """Device samples that the first `frames` latent frames settle."""
        if frames == self.frames:
            return self.samples
        return self.resampler.ready(frames * self.hop_length)


class Voice:
    """A hit in three steps: `begin` it, `push` audio as it is decoded, `add_to` the bus until its `end`.

    Voices are pooled: all memory is taken here, once. A voice keeps its sound from the start, so that its
    level can be looked at and nothing is shifted along.
    """

    def __init__(self, timing: Timing) -> None:
        half, length = timing.resampler.half, timing.frames * timing.hop_length
        self._timing = timing
        self._decoded: Samples = np.zeros(half + length + half, np.float32)
        self._sound: Samples = np.zeros(timing.samples, np.float32)
        self._scratch: Samples = np.zeros(timing.tick_start(1) + 1, np.float32)
        self.begin(0, 1.0, None)

    def begin(self, start: int, velocity: float, glide: Glide | None) -> None:
        """Become a new hit at device sample `start`, on a path of z of its own, or the mixer's if None."""
        self.start = start
        self.velocity = velocity
        self.glide = glide
        self.frames = 0
        """Latent frames decoded so far."""
        self._settled = 0
        self._fade_start = 0
        self._fade_samples = 0
        self._fade_level = 1.0

    def frames_missing(self, tick: int) -> int:
        """Frames to decode now, so that the voice sounds until the end of `tick`."""
        return self._timing.frames_wanted(self.start, tick) - self.frames

    @property
    def decoded(self) -> bool:
        """Whether the whole sound is there."""
        return self.frames == self._timing.frames

    def frame_samples(self, count: int) -> NDArray[np.float64]:
        """Where the next `count` latent frames begin, in device samples: float64 [count]."""
        return np.add(self._timing.frame_starts[self.frames : self.frames + count], self.start)

    def push(self, audio: Samples) -> None:
        """Take the next decoded audio: float32 [frames * hop_length] at the model's rate."""
        timing = self._timing
        at = timing.resampler.half + self.frames * timing.hop_length
        self._decoded[at : at + len(audio)] = audio
        self.frames += len(audio) // timing.hop_length
        settled = timing.settled(self.frames)
        timing.resampler.run(self._decoded, self._sound, self._settled, settled)
        self._settled = settled

    def add_to(self, bus: Samples, position: int) -> None:
        """Add the voice's samples from device sample `position` on to `bus` [T], T at most a tick long."""
        at = position - self.start
        sound = self._sound[at : at + len(bus)]
        heard = self._scratch[: len(sound)]
        if self._fade_samples:
            passed = np.arange(position - self._fade_start + 1, position - self._fade_start + 1 + len(sound))
            ramp = np.maximum(1.0 - passed / self._fade_samples, 0.0) * (self._fade_level * self.velocity)
            np.multiply(sound, ramp.astype(np.float32), out=heard)
        else:
            np.multiply(sound, np.float32(self.velocity), out=heard)
        bus[: len(sound)] += heard

    @property
    def fading(self) -> bool:
        """Whether the voice has been told to end."""
        return self._fade_samples > 0

    def fade(self, position: int, samples: int) -> None:
        """End within `samples` device samples from `position`; a fade that ends sooner anyway goes on."""
        if self.fading:
            if self.end <= position + samples:
                return
            passed = (position - self._fade_start) / self._fade_samples
            self._fade_level *= 1.0 - passed
        self._fade_start = position
        self._fade_samples = samples

    @property
    def end(self) -> int:
        """The device sample after the last that can be heard."""
        end = self.start + self._timing.samples
        return min(end, self._fade_start + self._fade_samples) if self.fading else end

    def level(self, position: int, samples: int) -> float:
        """Peak of the last `samples` device samples before `position`, at the voice's velocity."""
        at = position - self.start
        heard = self._sound[max(0, at - samples) : at]
        return float(np.abs(heard).max(initial=0.0)) * self.velocity
