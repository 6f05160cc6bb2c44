"""The voices that are being decoded: which slot each has, and one batched call for all that lack frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from realtime.model.decoder import Decoder, Floats
from realtime.synth.glide import Point
from realtime.synth.sound_cache import CachedSound
from realtime.synth.voice import Voice

Points = Callable[[Voice, int], Point]
"""z of the next frames of a voice: float [frames, D], or [D] where it is the same for all."""


class Slots:
    """Advances voices through a decoder; for one thread.

    Args:
        points: tells z of a voice's next frames.
    """

    def __init__(self, decoder: Decoder, points: Points) -> None:
        self._decoder = decoder
        self._catcher = decoder.sibling(1)
        self._points = points
        self._voices: list[Voice] = []  # index = slot
        self._z = np.zeros(decoder.capacity * decoder.max_frames * decoder.info.latent_dim, np.float32)
        self.muted = 0
        """Chunks silenced because they were not finite."""

    def __len__(self) -> int:
        return len(self._voices)

    def add(self, voice: Voice) -> None:
        """Take in a voice that begins."""
        self._decoder.reset(len(self._voices))
        self._voices.append(voice)

    def resume(self, voice: Voice, cached: CachedSound, missing: int) -> None:
        """Take in a voice that has played a cached sound up to where it is, and go on from there.

        Its next frames, `missing` if the decoder takes so many at a time, are decoded in one call with those
        between the nearest saved state and where it is.
        """
        catcher, state = self._catcher, cached.state_before(voice.frames)
        if state is None:
            catcher.reset(0)
        else:
            catcher.load(0, state)
        most = catcher.max_frames
        while (behind := voice.frames - int(catcher.frame[0])) >= most:
            catcher.step(np.broadcast_to(cached.z, (1, most, len(cached.z))))
        frames = min(behind + missing, most)
        z = self._z[: frames * len(cached.z)].reshape(1, frames, len(cached.z))
        z[0, :behind] = cached.z
        z[0, behind:] = self._points(voice, frames - behind)
        (audio,) = self._finite(catcher.step(z))
        voice.push(audio[behind * catcher.info.hop_length :])
        if not voice.decoded:
            self._decoder.take(len(self._voices), catcher, 0)
            self._voices.append(voice)

    def rehearse_resume(self, frames: int) -> None:
        """Decode what `resume` does for a voice that is behind and lacks so many frames together."""
        self._catcher.reset(0)
        frames = min(frames, self._catcher.max_frames, self._catcher.info.frames)
        self._catcher.step(np.zeros((1, frames, self._catcher.info.latent_dim), np.float32))

    def discard(self, voice: Voice) -> None:
        """Give the slot back that a voice may have; the last slot's stream takes its place."""
        if voice not in self._voices:
            return
        slot = self._voices.index(voice)
        last = self._voices.pop()
        if last is not voice:
            self._voices[slot] = last
            self._decoder.move(len(self._voices), slot)

    def advance(self, end: int) -> None:
        """Decode all voices far enough to sound until frame `end` of the timing begins."""
        wanted = {id(voice): voice.frames + voice.frames_missing(end) for voice in self._voices}
        while lacking := [voice for voice in self._voices if voice.frames < wanted[id(voice)]]:
            self._bring_first(lacking)
            self._step(len(lacking), min(wanted[id(voice)] - voice.frames for voice in lacking))

    def _bring_first(self, lacking: list[Voice]) -> None:
        """Have the voices that must advance in the first slots: they do so without the others."""
        count = len(lacking)
        later = [slot for slot in range(count, len(self._voices)) if self._voices[slot] in lacking]
        for slot in range(count):
            if self._voices[slot] not in lacking:
                other = later.pop()
                if self._voices[other].frames == 0:  # nothing to keep
                    self._decoder.move(slot, other)
                    self._decoder.reset(slot)
                else:
                    self._decoder.swap(slot, other)
                self._voices[slot], self._voices[other] = self._voices[other], self._voices[slot]

    def _step(self, count: int, frames: int) -> None:
        """Advance the voices in the first slots by `frames`, or by as many as the decoder takes at a time."""
        voices = self._voices[:count]
        frames = min(frames, self._decoder.max_frames)
        shape = count, frames, self._decoder.info.latent_dim
        z = self._z[: shape[0] * shape[1] * shape[2]].reshape(shape)
        for row, voice in zip(z, voices, strict=True):
            row[:] = self._points(voice, frames)
        for row, voice in zip(self._finite(self._decoder.step(z)), voices, strict=True):
            voice.push(row)
        for voice in voices:
            if voice.decoded:
                self.discard(voice)

    def _finite(self, audio: Floats) -> Floats:
        if np.isfinite(audio).all():
            return audio
        fine = np.isfinite(audio).all(axis=1, keepdims=True)
        self.muted += int(np.count_nonzero(~fine))
        return np.where(fine, audio, np.float32(0.0))
