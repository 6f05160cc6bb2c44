"""Sounds decoded ahead of time, so that a trigger at a point that rests needs no inference.

A sound is kept as far as it has been decoded, with the stream's state at some frames on the way: a voice that
plays it can go on from there with its own decoding when z moves. `work` decodes and may run in a thread of
its own; everything else is for the thread of the mixer.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from realtime.model.decoder import Decoder, Floats, StreamState

CHUNK_FRAMES = 8  # decoded at a time: a thread that is asked to stop does so within one
BUDGET_BYTES = 256 * 2**20
STATE_BYTES = 24 * 2**20  # of a sound's saved states: the more, the sooner a voice follows when z moves
PASSING = 8  # sounds kept of points that z only rested on
WAITING = 256  # points wanted and not begun; the oldest is forgotten first

Z = tuple[float, ...]


class CachedSound:
    """A sound of one point, as far as it is decoded."""

    def __init__(self, z: Floats, frames: int, hop_length: int) -> None:
        self.z = z
        self._frames = frames
        self.frames = 0
        """Frames decoded; `audio` [length] is there up to them."""
        self.audio: Floats = np.zeros(frames * hop_length, np.float32)
        self.states: list[StreamState] = []
        self.used = 0
        self.passing = False
        """Whether nobody has asked for it by name."""

    @property
    def whole(self) -> bool:
        """Whether it is decoded to its end."""
        return self.frames == self._frames

    def state_before(self, frame: int) -> StreamState | None:
        """The saved state nearest before `frame`; None is the beginning."""
        return max((s for s in self.states if s.frame <= frame), key=lambda s: s.frame, default=None)

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self.audio.nbytes + sum(state.nbytes for state in self.states)


class SoundCache:
    """The sounds that are ready, or wanted, of one decoder; those least recently used make room."""

    def __init__(self, decoder: Decoder, budget_bytes: int = BUDGET_BYTES) -> None:
        self._decoder = decoder.sibling(1, CHUNK_FRAMES)
        self._budget = budget_bytes
        state = decoder.sibling(1, 1).save(0).nbytes
        frames, self._hop = decoder.info.frames, decoder.info.hop_length
        kept = max(1, STATE_BYTES // max(state, 1))
        self.stride = max(CHUNK_FRAMES, -(-frames // kept // CHUNK_FRAMES) * CHUNK_FRAMES)
        """Frames from one saved state of a sound to the next."""
        self._sounds: dict[bytes, CachedSound] = {}
        self._wanted: deque[Floats] = deque(maxlen=WAITING)
        self._current: Floats | None = None
        self._at_work: CachedSound | None = None
        self._clock = 0

    def get(self, z: Floats) -> CachedSound | None:
        """What there is of the sound at `z` float32 [D]: whole, begun, or None."""
        found = self._sounds.get(z.tobytes())
        if found is not None:
            self._clock += 1
            found.used = self._clock
        return found

    def want(self, z: Z | Floats, *, first: bool = False) -> None:
        """Have the sound at z [D] decoded when there is time.

        With `first`, z rests there: before all others, and only the latest few of those are kept.
        """
        point = np.array(z, np.float32)
        if first:
            self._current = point
        else:
            self._wanted.append(point)

    def want_now(self, z: Z) -> None:
        """Have the sound at z [D], which somebody waits for, decoded next."""
        self._wanted.appendleft(np.array(z, np.float32))

    def forget(self) -> None:
        """Let go of what is not begun."""
        self._wanted.clear()
        self._current = None

    def work(self) -> bool:
        """Decode the next few frames of what is wanted; False where nothing is. For one thread."""
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
        """The whole sound at z [D], now; None if it is not finite. For the thread that works."""
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
        if not np.isfinite(audio).all():  # a voice decodes it again, and reports it
            del self._sounds[sound.z.tobytes()]
            self._at_work = None
            return
        sound.audio[sound.frames * self._hop : (sound.frames + frames) * self._hop] = audio
        sound.frames += frames  # only now may a voice look
        if sound.whole:
            self._at_work = None

    def _save_state(self, sound: CachedSound) -> None:
        """Keep the state of the sound being decoded, unless it is at its beginning or kept already."""
        if sound.frames > (sound.states[-1].frame if sound.states else 0):
            sound.states.append(self._decoder.save(0))

    def _begin(self, z: Floats, passing: bool = False) -> None:
        """Decode the sound at z from now on, unless it is whole; go on where it was interrupted."""
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
        """Put off the sound being decoded; queue it first, unless the point only passed there."""
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
