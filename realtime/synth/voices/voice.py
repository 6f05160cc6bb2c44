"""A voice: the sound of one hit at the device rate, with its envelope and pan."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from realtime.synth.commands import Trigger
from realtime.synth.glide import Glide, Point
from realtime.synth.voices.resampler import Samples
from realtime.synth.voices.sound_cache import CachedSound
from realtime.synth.voices.timing import Pace, Timing

DECAY_DB = 60.0  # fall of the level within a hit's decay time
INAUDIBLE_DB = 120.0  # fall at which a decaying voice ends
SILENCE_MS = 50.0  # a sound ends where at least this duration of exact zeros begins
EDGE = 0.25  # fraction of full scale; a sound that starts or ends with a larger step is faded in or out
EDGE_MS = 1.0  # duration of this fade


class Voice:
    """Plays a hit: `begin` starts the hit, `push` takes decoded audio, `add_to` mixes the sound until `end`.

    Voices are reused and allocate all memory on construction. A voice keeps all samples of its sound. The
    level can therefore be measured, and no samples need to be moved.

    z is a position in the latent space, with D dimensions. "The point" is the position that the performer
    moves; a touch, such as a finger, has a point of its own.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        length = timing.frames * timing.hop_length
        self._memory: Samples = np.zeros(timing.widest + length + timing.widest, np.float32)
        self._sound: Samples = np.zeros(timing.longest, np.float32)
        self._scratch: Samples = np.zeros(timing.piece, np.float32)
        edge = max(1, round(timing.resampler.rate_out * EDGE_MS / 1000))
        self._edge: Samples = (np.arange(edge) / edge).astype(np.float32)
        silence = max(round(timing.resampler.rate_in * SILENCE_MS / 1000), 2 * timing.widest)
        self._most_silent = ceil(silence / timing.hop_length)
        self.begin(0, Trigger(), None)

    def begin(
        self, start: int, trigger: Trigger, glide: Glide | None, cached: CachedSound | None = None
    ) -> None:
        """Start a new hit at device sample `start`.

        Args:
            trigger: the command that plays the hit; its `z` is ignored.
            glide: the voice's own path of z, or None to follow the point or the point of its touch.
            cached: a sound decoded in advance, to play until z moves, or None.
        """
        self.start = start
        self.gain = trigger.velocity * 10.0 ** (trigger.level_db / 20.0)
        self.touch = trigger.touch
        self.choke = trigger.choke
        self.glide = glide
        self.cached = cached
        self.offset: Point | None = None
        """Offset of the voice from the point that it follows: float64 [D], or None for no offset."""
        self.velocity, self.dynamics = trigger.velocity, trigger.dynamics
        """Velocity that affects the timbre, and the amount of this effect. Pressure changes `velocity`."""
        self.out = 0
        """Index of the pair of outputs."""
        self.ahead = trigger.ahead
        self.pace: Pace = self._timing.pace(trigger.pitch)
        self.frames = 0
        """Latent frames decoded so far."""
        self.pan = min(1.0, 1.0 - trigger.pan), min(1.0, 1.0 + trigger.pan)
        """Gains of the left and right channels, which are both 1 in the middle."""
        self._rate = 0.0
        self._stop = self.pace.samples
        if trigger.decay_ms:
            samples = trigger.decay_ms * self._timing.resampler.rate_out / 1000
            self._rate = -DECAY_DB / 20 * np.log(10) / samples
            self._stop = min(self._stop, ceil(samples * INAUDIBLE_DB / DECAY_DB))
        self._settled = 0
        self._last_sounding: int | None = None
        self._silent: int | None = None
        self._fade_start = 0
        self._fade_samples = 0
        self._fade_level = 1.0
        margin = self._timing.widest - self.pace.resampler.half
        self._decoded = self._memory[margin : len(self._memory) - margin]

    def moved(self, z: Point) -> Point:
        """Return z [..., D] plus the voice's offset."""
        return z if self.offset is None else z + self.offset

    def frames_missing(self, end: int) -> int:
        """Return how many more frames the voice needs to sound until frame `end` of `Timing` begins."""
        return self.pace.frames_wanted(self.start, end) - self.frames

    @property
    def decoded(self) -> bool:
        """Return True if the complete sound is decoded."""
        return self.frames == self._timing.frames

    def frame_samples(self, count: int) -> NDArray[np.float64]:
        """Return the device samples at which the next `count` latent frames begin: float64 [count]."""
        return np.add(self.pace.frame_starts[self.frames : self.frames + count], self.start)

    def push(self, audio: Samples) -> None:
        """Append decoded audio: float32 [frames * hop_length] at the model's rate."""
        timing, pace = self._timing, self.pace
        at = pace.resampler.half + self.frames * timing.hop_length
        self._decoded[at : at + len(audio)] = audio
        if self._silent is None:
            self._find_silence(audio)
        self.frames += len(audio) // timing.hop_length
        settled = pace.settled(self.frames)
        pace.resampler.run(self._decoded, self._sound, self._settled, settled)
        self._soften(self._sound[self._settled : settled])
        self._settled = settled

    def _find_silence(self, audio: Samples) -> None:
        """Look in new `audio` for the end of the sound: the start of at least `SILENCE_MS` of exact zeros.

        Only complete frames of zeros count. The result therefore does not depend on the number of frames per
        call.
        """
        sounding = np.asarray(audio.reshape(-1, self._timing.hop_length).any(axis=1))
        for frame in (self.frames + np.flatnonzero(sounding)).tolist():
            if self._note_silence(frame):
                return
            self._last_sounding = frame
        self._note_silence(self.frames + len(sounding))

    def _note_silence(self, frame: int) -> bool:
        """Record the end of the sound if the silence before a frame is long enough; return True if it is."""
        if self._last_sounding is None or frame - self._last_sounding <= self._most_silent:
            return False
        self._silent = self.pace.settled(self._last_sounding + 1 + self._most_silent)
        return True

    def _soften(self, new: Samples) -> None:
        """Fade in a sound that starts with a step, and fade out a sound that ends with a step."""
        at, edge = self._settled, self._edge
        if at >= len(edge) and not self.decoded:
            return
        half = self.pace.resampler.half
        if at < len(edge) and abs(self._decoded[half]) > EDGE:
            ramp = edge[at : at + len(new)]
            new[: len(ramp)] *= ramp
        last = self._decoded[len(self._decoded) - half - 1]
        if self.decoded and len(new) and abs(last) > EDGE:
            # fade only samples that the last frame determines, whatever the number of frames per call
            open_ = self.pace.samples - self.pace.settled(self.frames - 1)
            tail = new[-min(len(edge), open_) :]
            tail *= np.arange(len(tail) - 1, -1, -1, dtype=np.float32) / len(tail)

    def add_to(self, bus: Samples, position: int) -> None:
        """Add the samples that begin at device sample `position` to `bus` [2, T]; T ≤ `Timing.piece`."""
        at = position - self.start
        stop = self._stop if self._silent is None else min(self._stop, self._silent)
        sound = self._sound[at : min(at + bus.shape[1], stop)]
        scaled = self._scratch[: len(sound)]
        np.multiply(sound, np.float32(self.gain), out=scaled)
        if self._fade_samples:
            passed = np.arange(position - self._fade_start + 1, position - self._fade_start + 1 + len(sound))
            scaled *= (np.maximum(1.0 - passed / self._fade_samples, 0.0) * self._fade_level).astype(
                np.float32
            )
        if self._rate:
            scaled *= np.exp(self._rate * np.arange(at, at + len(sound))).astype(np.float32)
        if self.pan == (1.0, 1.0):
            bus[:, : len(sound)] += scaled
            return
        for channel, share in zip(bus, self.pan, strict=True):
            channel[: len(sound)] += scaled * np.float32(share)

    @property
    def fading(self) -> bool:
        """Return True if the voice is fading out."""
        return self._fade_samples > 0

    def fade(self, position: int, samples: int) -> None:
        """Fade out over `samples` device samples from `position`, or keep a current fade that ends sooner."""
        if self.fading:
            if self.end <= position + samples:
                return
            passed = (position - self._fade_start) / self._fade_samples
            self._fade_level *= 1.0 - passed
        self._fade_start = position
        self._fade_samples = samples

    @property
    def end(self) -> int:
        """Device sample at which the voice ends, if the sound does not end in silence earlier."""
        end = self.start + self._stop
        return min(end, self._fade_start + self._fade_samples) if self.fading else end

    @property
    def silent(self) -> bool:
        """True if the sound has ended in silence, and therefore needs no more frames."""
        return self._silent is not None

    def over(self, position: int) -> bool:
        """Return True if the voice is silent from device sample `position` onwards.

        This depends on the samples before `position` alone, not on how far the sound is decoded.
        """
        return self.end <= position or (self._silent is not None and self.start + self._silent <= position)

    def level(self, position: int, samples: int) -> float:
        """Return the peak of the `samples` device samples before `position`, after gain and decay."""
        at = position - self.start
        recent = self._sound[max(0, at - samples) : at]
        return float(np.abs(recent).max(initial=0.0) * self.gain * np.exp(self._rate * at))


class Tails:
    """Adds a linear ramp to 0, `samples` device samples long, after each voice that is cut.

    The cost does not depend on the number of voices that are cut. Real-time safe.
    """

    def __init__(self, samples: int) -> None:
        self._ramp = (1.0 - np.arange(1, samples + 1) / samples).astype(np.float32)
        self._sum: Samples = np.zeros((2, samples), np.float32)
        self._left = 0

    @property
    def ringing(self) -> bool:
        """Return True if a ramp is still audible."""
        return self._left > 0

    def add(self, last: Samples) -> None:
        """Start a ramp from `last` [2], the last left sample and the last right sample of a voice."""
        self._sum += np.outer(last, self._ramp)
        self._left = len(self._ramp)

    def add_to(self, bus: Samples) -> None:
        """Mix the next samples into `bus` [2, T]."""
        count = min(bus.shape[1], self._left)
        if count == 0:
            return
        bus[:, :count] += self._sum[:, :count]
        self._sum[:, :-count] = self._sum[:, count:]
        self._sum[:, -count:] = 0.0
        self._left -= count
