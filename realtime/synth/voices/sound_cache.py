"""The sound cache: sounds decoded in advance. A hit at a resting point then needs no decoder call.

The cache stores each sound as far as it is decoded, and the decoder's state at some latent frames. When z
(the position in the latent space that a voice follows) moves, a voice that plays the sound continues from a
saved state, with a decoder slot of its own. `work` decodes and may run on a separate thread. Call `complete`
on the thread of `work`, and all other methods on the thread of the mixer.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from realtime.model.decoder import Decoder, Floats, StreamState

CHUNK_FRAMES = 8  # frames decoded per call of `work`; a thread can stop after each call
BUDGET_BYTES = 256 * 2**20  # maximum memory for all sounds with their saved states
STATE_BYTES = 24 * 2**20  # for the saved states of a sound; with more states, voices follow a moving z sooner
PASSING = 8  # maximum number of sounds kept for points at which z only rested (`CachedSound.passing`)
WAITING = 256  # maximum points in the queue; adding to a full queue drops the point at the other end

Z = tuple[float, ...]


class CachedSound:
    """The sound of one point, as far as it has been decoded."""

    def __init__(self, z: Floats, frames: int, hop_length: int) -> None:
        self.z = z
        self._frames = frames
        self.frames = 0
        """Number of decoded frames; `audio` [length] is valid up to their end."""
        self.audio: Floats = np.zeros(frames * hop_length, np.float32)
        self.states: list[StreamState] = []
        self.used = 0
        self.passing = False
        """True if z only rested at the sound's point: no `Prepare` or hit has requested the sound."""

    @property
    def whole(self) -> bool:
        """Return True if the sound is decoded to its end."""
        return self.frames == self._frames

    def state_before(self, frame: int) -> StreamState | None:
        """Return the latest saved state up to `frame`, or None for the beginning of the sound."""
        return max((s for s in self.states if s.frame <= frame), key=lambda s: s.frame, default=None)

    @property
    def nbytes(self) -> int:
        """Memory used by the sound and its states, in bytes."""
        return self.audio.nbytes + sum(state.nbytes for state in self.states)


class SoundCache:
    """Holds the decoded sounds of one decoder, and a queue of points to decode.

    When the sounds exceed `budget_bytes`, the least recently used sounds are dropped.
    """

    def __init__(self, decoder: Decoder, budget_bytes: int = BUDGET_BYTES) -> None:
        self._decoder = decoder.sibling(1, CHUNK_FRAMES)
        self._budget = budget_bytes
        state = decoder.sibling(1, 1).save(0).nbytes
        frames, self._hop = decoder.info.frames, decoder.info.hop_length
        kept = max(1, STATE_BYTES // max(state, 1))
        self.stride = max(CHUNK_FRAMES, -(-frames // kept // CHUNK_FRAMES) * CHUNK_FRAMES)
        """Number of frames from one saved state of a sound to the next."""
        self._sounds: dict[bytes, CachedSound] = {}
        self._wanted: deque[Floats] = deque(maxlen=WAITING)
        self._current: Floats | None = None
        self._at_work: CachedSound | None = None
        self._clock = 0

    def get(self, z: Floats) -> CachedSound | None:
        """Return the sound at `z` float32 [D], complete or in part, or None if it is not cached."""
        found = self._sounds.get(z.tobytes())
        if found is not None:
            self._clock += 1
            found.used = self._clock
        return found

    def want(self, z: Z | Floats, *, first: bool = False) -> None:
        """Queue the sound at z [D] for decoding.

        `first` is for a point at which z rests: the sound there is decoded before all others, and only the
        latest `PASSING` sounds of such points are kept.
        """
        point = np.array(z, np.float32)
        if first:
            self._current = point
        else:
            self._wanted.append(point)

    def want_now(self, z: Z) -> None:
        """Put the sound at z [D] at the head of the queue, because a hit is waiting for it."""
        self._wanted.appendleft(np.array(z, np.float32))

    def forget(self) -> None:
        """Empty the queue."""
        self._wanted.clear()
        self._current = None

    def work(self) -> bool:
        """Decode the next frames of a queued sound; return False if there is none. For one thread only."""
        current, self._current = self._current, None
        if current is not None:
            self._begin(current, passing=True)
        while self._at_work is None:
            if not self._wanted:
                return False
            self._begin(self._wanted.popleft())
        self._advance()
        return True

    def complete(self, z: Z | Floats) -> CachedSound | None:
        """Decode and return the complete sound at z [D], or None if a sample is not finite.

        Call it on the thread of `work`.
        """
        point = np.array(z, np.float32)
        self._begin(point)
        while self._at_work is not None:
            self._advance()
        return self._sounds.get(point.tobytes())

    def _advance(self) -> None:
        sound, decoder = self._at_work, self._decoder
        assert sound is not None
        if sound.frames % self.stride == 0:
            self._save_state(sound)
        frames = min(CHUNK_FRAMES, decoder.info.frames - sound.frames)
        audio = decoder.step(np.broadcast_to(sound.z, (1, frames, len(sound.z))))[0]
        if not np.isfinite(audio).all():  # a voice that plays the sound decodes and mutes it itself
            del self._sounds[sound.z.tobytes()]
            self._at_work = None
            return
        sound.audio[sound.frames * self._hop : (sound.frames + frames) * self._hop] = audio
        sound.frames += frames  # publishes the frames to the mixer's thread
        if sound.whole:
            self._at_work = None

    def _save_state(self, sound: CachedSound) -> None:
        """Save the decoder's state if the sound has begun and this state is not saved yet."""
        if sound.frames > (sound.states[-1].frame if sound.states else 0):
            sound.states.append(self._decoder.save(0))

    def _begin(self, z: Floats, passing: bool = False) -> None:
        """Start to decode the sound at z if it is incomplete; resume where decoding was interrupted."""
        key = z.tobytes()
        found = self._sounds.get(key)
        if found is not None:
            found.passing = found.passing and passing
            if found is self._at_work or found.whole:
                return
        self._interrupt()
        self._at_work = found or self._new_sound(z, passing)
        if self._at_work.states:
            self._decoder.load(0, self._at_work.states[-1])
        else:
            self._decoder.reset(0)

    def _interrupt(self) -> None:
        """Suspend the sound that is being decoded; put it at the head of the queue if it is not `passing`."""
        sound, self._at_work = self._at_work, None
        if sound is not None:
            self._save_state(sound)
            if not sound.passing:
                self._wanted.appendleft(sound.z)

    def _new_sound(self, z: Floats, passing: bool) -> CachedSound:
        self._make_room()
        self._clock += 1
        sound = CachedSound(z, self._decoder.info.frames, self._hop)
        sound.used, sound.passing = self._clock, passing
        self._sounds[z.tobytes()] = sound
        return sound

    def _make_room(self) -> None:
        sounds = sorted(self._sounds.items(), key=lambda item: item[1].used)
        dispensable = [key for key, sound in sounds if sound.passing][:-PASSING]
        size = sum(sound.nbytes for _, sound in sounds) + STATE_BYTES
        for key, sound in sounds:
            if size > self._budget or key in dispensable:
                size -= sound.nbytes
                del self._sounds[key]
