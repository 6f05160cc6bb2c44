"""Commands and a decoder in, blocks of sound out: the one mixer that plays live and renders files.

No threads, no clock: time is a count of device samples, and the same commands at the same samples give the
same sound, bit for bit, whatever the size of the blocks. `render` splits a block where a command is due and
where a tick of decoding begins (`voice.Timing`); all voices that lack frames then advance in one batched
decoder call.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from realtime.commands import Command, Gain, Goto, Mode, Panic, SetDimension, SetZ, Shed, Stop, Trigger, Z
from realtime.decoder import Decoder
from realtime.glide import Glide
from realtime.output import Output
from realtime.resampler import Resampler, Samples
from realtime.voice import Timing, Voice

STEAL_MS = 5.0  # fade of a voice that is stolen or stopped
PANIC_MS = 2.0
WARM_UP_RUNS = 3
BUDGET = 0.8  # of the time that a chunk sounds, for decoding it
LEVEL_MS = 10.0  # how far back a voice is listened to when one must go
MODES = ("live", "latch")


def slots_for(voices: int) -> int:
    """Decoder slots that `voices` voices need: as many again may be fading out after a steal."""
    return 2 * voices


@dataclass(frozen=True)
class Cost:
    """What decoding costs here: seconds for the first chunk of a sound, and how many voices keep up."""

    first_chunk_s: float
    sustained_voices: int


class Mixer:
    """Plays a decoder polyphonically.

    Args:
        decoder: with at least `slots_for(voices)` slots; the mixer is its only user.
        sample_rate: of the device, in Hz.
        voices: sounding at once; one more trigger steals the quietest.
        channels: of the output; all carry the same sound.
        chunk_frames: latent frames decoded at a time: how soon a moving z is heard, against processor time.
        gain_db: of the output at the start.

    Raises:
        ValueError: a count below 1, or too few decoder slots.
        RateError: a device rate that the model's cannot be turned into.
    """

    def __init__(
        self,
        decoder: Decoder,
        sample_rate: int,
        *,
        voices: int = 8,
        channels: int = 2,
        chunk_frames: int = 4,
        gain_db: float = 0.0,
    ) -> None:
        for name, value in (("voices", voices), ("channels", channels), ("chunk_frames", chunk_frames)):
            if value < 1:
                raise ValueError(f"{name} is at least 1, got {value}")
        if decoder.capacity < slots_for(voices):
            wanted = slots_for(voices)
            raise ValueError(f"{voices} voices need {wanted} decoder slots, got {decoder.capacity}")
        info = decoder.info
        self.sample_rate = sample_rate
        self.channels = channels
        self.voices = voices
        self.timing = Timing(
            frames=info.frames,
            hop_length=info.hop_length,
            chunk_frames=chunk_frames,
            resampler=Resampler(info.sample_rate, sample_rate),
        )
        self.position = 0
        """The next device sample to be rendered."""
        self.mode = MODES[0]
        self.glide = Glide.still(info.classes[0].centroid if info.classes else info.latent.mean)
        """The path of z; replaced, never changed, so another thread may evaluate it."""
        self.arrived: deque[int] = deque(maxlen=1024)
        """Tickets of the glides that have come to their end."""
        self.output = Output(sample_rate, gain_db)
        self.hits = 0
        self.stolen = 0
        self.shed = 0
        self.muted = 0
        """Decoded chunks silenced because they were not finite."""

        self._decoder = decoder
        self._events: list[tuple[int, int, Command]] = []
        self._order = count()
        self._free = [Voice(self.timing) for _ in range(slots_for(voices))]
        self._playing: list[Voice] = []  # in order of their starts
        self._slots: list[Voice] = []  # the voices still being decoded; index = decoder slot
        self._covered = 0  # until this sample all voices are decoded
        self._ticket: tuple[int, Glide] | None = None
        self._bus: Samples = np.zeros(self.timing.tick_start(1) + 1, np.float32)
        self._z = np.zeros(slots_for(voices) * decoder.max_frames * info.latent_dim, np.float32)

    @property
    def sounding(self) -> int:
        """Voices that can be heard, those fading out included."""
        return len(self._playing)

    @property
    def scheduled(self) -> int:
        """Commands waiting for their sample."""
        return len(self._events)

    def warm_up(self) -> Cost:
        """Run every shape of decoding that is usual, so that none on stage is the first, and time them."""
        decoder, timing = self._decoder, self.timing
        for frames in range(1, min(timing.first_frames, decoder.max_frames) + 1):
            self._rehearse(1, frames)
        first_s = self._rehearse(1, timing.first_frames)
        budget_s = BUDGET * timing.tick_start(1) / self.sample_rate
        costs = [self._rehearse(voices, timing.chunk_frames) for voices in range(1, self.voices + 1)]
        return Cost(first_s, sum(cost < budget_s for cost in costs))

    def _rehearse(self, voices: int, frames: int) -> float:
        """Seconds that decoding takes, the median of a few runs."""
        times = []
        for _ in range(WARM_UP_RUNS):
            for slot in range(voices):
                self._decoder.reset(slot)
            begun = time.perf_counter()
            left = frames
            while left:
                some = min(left, self._decoder.max_frames)
                self._decoder.step(np.zeros((voices, some, self._decoder.info.latent_dim), np.float32))
                left -= some
            times.append(time.perf_counter() - begun)
        return sorted(times)[len(times) // 2]

    def submit(self, command: Command, at_sample: int = 0) -> None:
        """Have `command` carried out just before device sample `at_sample`, or now if that has been rendered.

        Commands for the same sample are carried out in the order they were submitted.
        """
        heapq.heappush(self._events, (max(at_sample, self.position), next(self._order), command))

    def render(self, out: NDArray[np.float32]) -> None:
        """Write the next T samples: float32 [T, channels], within ±1."""
        done = 0
        while done < len(out):
            self._carry_out_due()
            until = self.position + len(out) - done
            if self._events:
                until = min(until, self._events[0][0])
            if self._playing:
                self._decode_due()
                until = min(until, self._covered)
            block = out[done : done + until - self.position]
            if self._playing:
                self._mix(block)
            else:
                block[:] = 0.0
            done += len(block)
            self.position = until
            self._retire()
            self._announce()

    def _mix(self, block: NDArray[np.float32]) -> None:
        bus = self._bus[: len(block)]
        bus[:] = 0.0
        for voice in self._playing:
            voice.add_to(bus, self.position)
        self.output.process(bus, self.position)
        block[:] = bus[:, np.newaxis]

    # ---- commands

    def _carry_out_due(self) -> None:
        while self._events and self._events[0][0] <= self.position:
            _, order, command = heapq.heappop(self._events)
            if isinstance(command, Panic):
                self._forget_before(order)
            self._carry_out(command)

    def _forget_before(self, order: int) -> None:
        """Drop what was submitted earlier for later."""
        self._events = [event for event in self._events if event[1] > order]
        heapq.heapify(self._events)

    def _carry_out(self, command: Command) -> None:
        match command:
            case SetZ(z):
                self._go(z)
            case SetDimension(index, value):
                self.glide = self.glide.with_dimension(index, value)
                if self._ticket:
                    self._ticket = self._ticket[0], self.glide
            case Goto(z, ms, curve, ticket):
                self._go(z, round(ms * self.sample_rate / 1000), curve, ticket)
            case Trigger(velocity, z):
                if z is not None:
                    self._go(z)
                self._start(velocity)
            case Stop():
                self._fade_all(STEAL_MS)
            case Panic():
                self._fade_all(PANIC_MS)
            case Gain(db):
                self.output.set_gain(db, self.position)
            case Mode(mode):
                self.mode = mode
            case Shed():
                held = self._held()
                if len(held) > 1:
                    self._steal(held)
                    self.shed += 1

    def _go(self, z: Z, samples: int = 0, curve: str = "linear", ticket: int = 0) -> None:
        self.glide = self.glide.towards(z, self.position, samples, curve)
        self._ticket = (ticket, self.glide) if ticket else None

    def _announce(self) -> None:
        """Tell of a glide that has arrived."""
        if self._ticket and self.position >= self._ticket[1].end:
            self.arrived.append(self._ticket[0])
            self._ticket = None

    # ---- voices

    def _samples(self, ms: float) -> int:
        return max(1, round(ms * self.sample_rate / 1000))

    def _start(self, velocity: float) -> None:
        held = self._held()
        if len(held) >= self.voices:
            self._steal(held)
            self.stolen += 1
        if not self._free:  # as many fading as there are voices: the one nearest its end goes now
            self._release(min(self._playing, key=lambda voice: voice.end))
        voice = self._free.pop()
        glide = Glide.still(self.glide.at(self.position)) if self.mode == "latch" else None
        voice.begin(self.position, velocity, glide)
        self._playing.append(voice)
        self._slots.append(voice)
        self._covered = 0
        self.hits += 1

    def _held(self) -> list[Voice]:
        """The voices that nothing has told to end."""
        return [voice for voice in self._playing if not voice.fading]

    def _steal(self, held: list[Voice]) -> None:
        """End the quietest voice; one that has only just begun goes last, of equals the oldest goes first."""
        window = self._samples(LEVEL_MS)
        victim = min(
            held,
            key=lambda v: (self.position - v.start < window, v.level(self.position, window), v.start),
        )
        if victim.start == self.position:  # not a sample of it has been heard
            self._release(victim)
        else:
            victim.fade(self.position, self._samples(STEAL_MS))

    def _fade_all(self, ms: float) -> None:
        for voice in list(self._playing):
            if voice.start == self.position:
                self._release(voice)
            else:
                voice.fade(self.position, self._samples(ms))

    def _retire(self) -> None:
        for voice in [voice for voice in self._playing if voice.end <= self.position]:
            self._release(voice)

    def _release(self, voice: Voice) -> None:
        self._playing.remove(voice)
        self._free.append(voice)
        if voice in self._slots:
            self._vacate(voice)

    # ---- decoding

    def _decode_due(self) -> None:
        """Decode all voices far enough to sound until the next tick begins."""
        if self.position < self._covered:
            return
        tick = self.timing.tick(self.position)
        self._newest_first()
        while True:
            lacking = [voice for voice in self._slots if voice.frames_missing(tick) > 0]
            if not lacking:
                break
            assert lacking == self._slots[: len(lacking)]
            self._step(lacking, min(voice.frames_missing(tick) for voice in lacking))
        self._covered = self.timing.tick_start(tick + 1)

    def _newest_first(self) -> None:
        """Bring voices that have no stream yet to the first slots: they may advance without the others."""
        for slot, voice in enumerate([voice for voice in self._slots if voice.frames == 0]):
            other = self._slots.index(voice)
            if other != slot:
                self._decoder.move(slot, other)
                self._slots[slot], self._slots[other] = voice, self._slots[slot]
            self._decoder.reset(slot)

    def _step(self, voices: list[Voice], frames: int) -> None:
        """Advance the voices in the first slots by `frames`, or by as many as the decoder takes at a time."""
        frames = min(frames, self._decoder.max_frames)
        shape = len(voices), frames, self._decoder.info.latent_dim
        z = self._z[: shape[0] * shape[1] * shape[2]].reshape(shape)
        for row, voice in zip(z, voices, strict=True):
            row[:] = (voice.glide or self.glide).at(voice.frame_samples(frames))
        audio = self._decoder.step(z)
        if not np.isfinite(audio).all():
            self.muted += int(np.count_nonzero(~np.isfinite(audio).all(axis=1)))
            audio = np.where(np.isfinite(audio).all(axis=1, keepdims=True), audio, np.float32(0.0))
        for row, voice in zip(audio, voices, strict=True):
            voice.push(row)
        for voice in voices:
            if voice.decoded:
                self._vacate(voice)

    def _vacate(self, voice: Voice) -> None:
        """Give a voice's decoder slot back; the last slot's stream takes its place."""
        slot = self._slots.index(voice)
        last = self._slots.pop()
        if last is not voice:
            self._slots[slot] = last
            if last.frames:
                self._decoder.move(len(self._slots), slot)
