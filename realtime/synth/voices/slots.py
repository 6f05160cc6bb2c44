"""The decoder slots of the voices, and the batched decoder calls for all voices that lack frames.

A slot is the decoder's memory of one voice: its caches and the index of its next latent frame.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from realtime.model.decoder import Decoder, Floats
from realtime.synth.glide import Point
from realtime.synth.voices.sound_cache import CachedSound
from realtime.synth.voices.voice import Voice

Points = Callable[[Voice, int], Point]
"""Returns z, a position in the latent space, for a voice's next frames: [frames, D], or [D] if constant."""


class Slots:
    """Advances voices through a decoder. Use it from one thread only.

    Args:
        decoder: a decoder whose slots belong to this object.
        points: returns z for a voice's next frames.
    """

    def __init__(self, decoder: Decoder, points: Points) -> None:
        self._decoder = decoder
        self._resumer = decoder.sibling(1)
        self._points = points
        self._voices: list[Voice] = []  # index = slot
        self._z = np.zeros(decoder.capacity * decoder.max_frames * decoder.info.latent_dim, np.float32)
        self.muted = 0
        """Number of decoded pieces (a voice's samples in one call) silenced because they were not finite."""

    def __len__(self) -> int:
        return len(self._voices)

    def add(self, voice: Voice) -> None:
        """Give a slot to a voice that begins."""
        self._decoder.reset(len(self._voices))
        self._voices.append(voice)

    def resume(self, voice: Voice, cached: CachedSound, missing: int) -> None:
        """Give a slot to a voice that has played a cached sound so far, and decode its next frames.

        The decoder resumes from the latest saved state at or before the voice's position, and decodes the
        frames from there to this position again. The last of its calls also decodes the voice's next
        `missing` frames, or as many of them as the decoder accepts in a call.
        """
        resumer, state = self._resumer, cached.state_before(voice.frames)
        if state is None:
            resumer.reset(0)
        else:
            resumer.load(0, state)
        most = resumer.max_frames
        while (behind := voice.frames - int(resumer.frame[0])) >= most:
            resumer.step(np.broadcast_to(cached.z, (1, most, len(cached.z))))
        frames = min(behind + missing, most)
        z = self._z[: frames * len(cached.z)].reshape(1, frames, len(cached.z))
        z[0, :behind] = cached.z
        z[0, behind:] = self._points(voice, frames - behind)
        (audio,) = self._finite(resumer.step(z))
        voice.push(audio[behind * resumer.info.hop_length :])
        if not voice.decoded:
            self._decoder.take(len(self._voices), resumer, 0)
            self._voices.append(voice)

    def rehearse_resume(self, frames: int) -> None:
        """Decode `frames` frames as `resume` does, and discard the sound."""
        self._resumer.reset(0)
        frames = min(frames, self._resumer.max_frames, self._resumer.info.frames)
        self._resumer.step(np.zeros((1, frames, self._resumer.info.latent_dim), np.float32))

    def discard(self, voice: Voice) -> None:
        """Free the slot of a voice, if it has one; the stream in the last slot moves to the free slot."""
        if voice not in self._voices:
            return
        slot = self._voices.index(voice)
        last = self._voices.pop()
        if last is not voice:
            self._voices[slot] = last
            self._decoder.move(len(self._voices), slot)

    def advance(self, end: int) -> None:
        """Decode all voices far enough to sound until frame `end` of `Timing` begins."""
        wanted = {id(voice): voice.frames + voice.frames_missing(end) for voice in self._voices}
        while lacking := [voice for voice in self._voices if voice.frames < wanted[id(voice)]]:
            self._bring_first(lacking)
            self._step(len(lacking), min(wanted[id(voice)] - voice.frames for voice in lacking))

    def _bring_first(self, lacking: list[Voice]) -> None:
        """Move the voices that must advance into the first slots, to let a call decode only these voices."""
        count = len(lacking)
        later = [slot for slot in range(count, len(self._voices)) if self._voices[slot] in lacking]
        for slot in range(count):
            if self._voices[slot] not in lacking:
                other = later.pop()
                if self._voices[other].frames == 0:  # the slot has no state to keep
                    self._decoder.move(slot, other)
                    self._decoder.reset(slot)
                else:
                    self._decoder.swap(slot, other)
                self._voices[slot], self._voices[other] = self._voices[other], self._voices[slot]

    def _step(self, count: int, frames: int) -> None:
        """Advance the voices in the first `count` slots by `frames`, or as many as a call accepts."""
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
