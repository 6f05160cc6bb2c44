"""The mixer turns commands into blocks of sound with a decoder, for live playing and for files.

It has no threads and no clock. Time is a count of device samples, the samples of the output. The same
commands at the same samples give the same sound, bit for bit, at any block size. A voice plays the sound of
one hit; it usually follows *the point*, the position z in the latent space that the performer moves. A voice
may belong to a touch, which is a finger or a track with its own point.

The decoder works in latent frames; a tick is a group of frames. `render` splits a block into pieces at each
command. For each tick that begins in a piece (`voices.timing`), batched decoder calls, usually one, advance
all voices that lack frames (`voices.slots`). A voice whose sound is cached (`voices.sound_cache`) needs no
call; the cached sound differs from the decoded sound only by rounding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from realtime.model.decoder import Decoder
from realtime.model.expression import Expression
from realtime.synth.command_queue import CommandQueue
from realtime.synth.commands import (
    MODES,
    POINT_MOVES,
    Command,
    Gain,
    Goto,
    Mode,
    Panic,
    Prepare,
    Press,
    SetAxis,
    SetDimension,
    SetZ,
    Shed,
    Stop,
    Ticks,
    Trigger,
)
from realtime.synth.glide import Glide, Point
from realtime.synth.output import Finish, Output
from realtime.synth.outs import MAIN, Outs
from realtime.synth.points import Points
from realtime.synth.voices.polyphony import Polyphony
from realtime.synth.voices.resampler import Resampler, Samples
from realtime.synth.voices.slots import Slots
from realtime.synth.voices.sound_cache import CachedSound, SoundCache
from realtime.synth.voices.timing import Timing
from realtime.synth.voices.voice import Tails, Voice

STEAL_MS = 5.0  # fade-out of a voice that is stopped, replaced (stolen), or ended by its choke group
PANIC_MS = 2.0  # fade-out of all voices on a panic
# A reversed hit waits until its sound is cached, but at most this long. Then the mixer itself decodes the
# sound, at most one such sound within this time.
PATIENCE_MS = 1000.0


def slots_for(voices: int) -> int:
    """Return the number of slots for `voices` voices: twice as many, because replaced voices fade out."""
    return 2 * voices


@dataclass(frozen=True)
class Cost:
    """The cost of decoding on this machine (`realtime.live.warm_up` measures it).

    Attributes:
        first_chunk_s: time to decode the frames that a sound needs to begin, in seconds.
        sustained_voices: number of voices that the decoder can decode continuously in real time.
        chunk_s: time to decode a tick of one voice, of two voices, …, in seconds.
        tick_s: duration of a tick in seconds.
        moved: cost of a move of the point under a voice that plays a cached sound, as a multiple of
            `first_chunk_s`.
    """

    first_chunk_s: float
    sustained_voices: int
    chunk_s: tuple[float, ...]
    tick_s: float
    moved: int = 1


class Mixer:
    """Plays several sounds of a decoder at the same time.

    Args:
        decoder: a decoder with at least `slots_for(voices)` slots, which only this mixer uses.
        sample_rate: device sample rate in Hz.
        voices: maximum number of voices that sound at once; a further hit replaces the quietest voice.
        channels: number of output channels, two for each pair of outputs. A single channel carries the mean
            of left and right; channels after the last pair are silent.
        chunk_frames: latent frames in a tick; fewer make a moving z audible sooner, but take more CPU time.
        gain_db: initial output gain.
        finish: treatment of the output, such as headroom and limiter.
        outs: names of further pairs of outputs (`outs.Outs`), each with an output stage like the main pair's.

    Raises:
        ValueError: a count is below 1, the decoder has too few slots, or `outs` need more channels.
        RateError: the model's sample rate cannot be converted to the device's.
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
        finish: Finish = Finish(),  # noqa: B008  immutable
        outs: Sequence[str] = (),
    ) -> None:
        for name, value in (("voices", voices), ("channels", channels), ("chunk_frames", chunk_frames)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if decoder.capacity < slots_for(voices):
            wanted = slots_for(voices)
            raise ValueError(f"{voices} voices need {wanted} decoder slots, got {decoder.capacity}")
        if outs and channels < 2 * (1 + len(outs)):
            raise ValueError(f"{len(outs)} outs need {2 * (1 + len(outs))} channels, got {channels}")
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
        self.at_once = 1
        """Number of ticks decoded per decoder call."""
        self.position = 0
        """Index of the next device sample to render."""
        self.mode = MODES[0]
        self._points = Points(info.classes[0].centroid if info.classes else info.latent.mean, sample_rate)
        self._outs = Outs(outs, info)
        self._outputs = [Output(sample_rate, gain_db, finish) for _ in range(self._outs.pairs)]
        self.output = self._outputs[MAIN]
        self.hits = 0
        self.stolen = 0
        self.shed = 0
        self.prepared_hits = 0
        """Number of hits, except reversed hits, that began with an at least partly cached sound."""
        self.tap: Callable[[int, Command], None] | None = None
        """Called with (device sample, command) for each command that takes effect. Must not block."""
        self.live = False
        """True if another thread fills the sound cache; reversed hits then wait for their sounds."""
        self.sound_cache = SoundCache(decoder)
        self.cost: Cost | None = None
        """Cost measured on this machine, or None."""

        self._decoder = decoder
        self._expression = Expression(info)
        self._expressed = 0  # number of hits whose offset was drawn
        self._commands = CommandQueue()
        self._polyphony = Polyphony(voices, sample_rate)
        self._waiting: deque[tuple[int, Trigger]] = deque()  # deadline, and the waiting hit
        self._patient_until = 0  # until this sample, no waiting hit starts without its cached sound
        self._free = [Voice(self.timing) for _ in range(slots_for(voices))]
        self._playing: list[Voice] = []  # in order of start
        self._slots = Slots(decoder, self._frames_of)
        self._tails = [Tails(self._samples(STEAL_MS)) for _ in self._outputs]
        self._covered = 0  # all voices are decoded up to this sample
        self._bus: Samples = np.zeros((2 * self._outs.pairs, self.timing.piece), np.float32)

    @property
    def glide(self) -> Glide:
        """Path of the point; immutable, so another thread may evaluate it."""
        return self._points.glide

    @property
    def arrived(self) -> deque[int]:
        """Tickets of the glides that have ended."""
        return self._points.arrived

    @property
    def muted(self) -> int:
        """Number of decoded pieces and output blocks silenced because they were not finite."""
        return self._slots.muted + sum(output.muted for output in self._outputs)

    @property
    def sounding(self) -> int:
        """Number of audible voices, including voices that are fading out."""
        return len(self._playing)

    def streams_begun(self, commands: Iterable[Command] = ()) -> int:
        """Estimate how many voices will begin to need the decoder in the next blocks, given these commands.

        A voice that plays a cached sound begins to need the decoder when its point moves. The decoder must
        then catch up with the voice, so such a voice may count several times (`Cost.moved`).
        """
        begun, moves = 0, False
        moved = 1 if self.cost is None else self.cost.moved
        for command in commands:
            if isinstance(command, Trigger):
                given = command.z if command.point is None else command.point
                z = self.glide.at(self.position) if given is None else np.array(given)
                varies = command.vary > 0.0 and self._is_expressive(command)
                begun += (
                    varies or self.sound_cache.get(self._displaced(z, command).astype(np.float32)) is None
                )
            moves = moves or isinstance(command, POINT_MOVES)
        for voice in self._playing:
            if voice.cached is not None and not (voice.decoded or voice.silent):
                target = voice.moved(self._path(voice).target)
                begun += moved * (moves or not np.array_equal(target.astype(np.float32), voice.cached.z))
        return begun

    @property
    def streaming(self) -> int:
        """Number of voices with a decoder slot."""
        return len(self._slots)

    @property
    def scheduled(self) -> int:
        """Number of commands that are waiting for their sample."""
        return len(self._commands)

    @property
    def max_frames(self) -> int:
        """Maximum number of latent frames per decoder call."""
        return self._decoder.max_frames

    @property
    def stride(self) -> int:
        """Number of frames from one saved decoder state of a cached sound to the next."""
        return self.sound_cache.stride

    def rehearse(self, voices: int, frames: int) -> None:
        """Decode `frames` frames of `voices` voices and discard the sound."""
        decoder = self._decoder
        decoder.frame[:voices] = 0
        left = frames
        while left:
            some = min(left, decoder.max_frames)
            decoder.step(np.zeros((voices, some, decoder.info.latent_dim), np.float32))
            left -= some
        for slot in range(voices):
            decoder.reset(slot)

    def rehearse_resume(self, frames: int) -> None:
        """Decode `frames` frames as for a voice that leaves its cached sound, and discard the sound."""
        self._slots.rehearse_resume(frames)

    def check_follows(self, other: Mixer) -> None:
        """Check that this mixer can take over from another mixer.

        Raises:
            ValueError: the sample rates or numbers of channels differ.
        """
        if (other.sample_rate, other.channels) != (self.sample_rate, self.channels):
            raise ValueError(
                f"a mixer of {self.channels} channels at {self.sample_rate} Hz cannot take over from a mixer "
                f"of {other.channels} channels at {other.sample_rate} Hz"
            )

    def take_over(self, other: Mixer) -> None:
        """Continue at another mixer's sample, with its gain, mode, ticks per call, tap and counts.

        Call it before the first `render`. The other mixer executes the commands that are due, drops later
        commands and fades out.
        """
        other._execute_due()
        other._commands.clear()
        self.position = other.position
        self._set_gain(other.output.gain_db, self.position - self.sample_rate)
        self.mode, self.at_once = other.mode, other.at_once
        self.tap, other.tap = other.tap, None
        self.hits, self.prepared_hits = other.hits, other.prepared_hits
        self.stolen, self.shed, self._slots.muted = other.stolen, other.shed, other.muted
        other.submit(Stop())

    @property
    def silent(self) -> bool:
        """Return True if the output is silent: no voice is playing, and no tail or filter is ringing."""
        return not self._playing and not self._ringing

    @property
    def _ringing(self) -> bool:
        return self.ringing or any(tails.ringing for tails in self._tails)

    @property
    def ringing(self) -> bool:
        """Return True if an output is still sounding without any voice."""
        return any(output.ringing for output in self._outputs)

    def standing(self) -> list[Command]:
        """Return the commands that give a new mixer the points, mode and ticks per call of this mixer."""
        return [*self._points.standing(self.position), Mode(self.mode), Ticks(self.at_once)]

    def submit(self, command: Command, at_sample: int = 0) -> None:
        """Queue `command` for device sample `at_sample`, or for the next sample if `at_sample` has passed.

        Commands for the same sample take effect in the order of submission.
        """
        self._commands.push(command, max(at_sample, self.position))

    def render(self, out: NDArray[np.float32]) -> None:
        """Write the next T samples: float32 [T, channels], within ±1."""
        done = 0
        while done < len(out):
            self._execute_due()
            until = self._commands.before(self.position + len(out) - done)
            if self._playing or self._ringing:
                until = min(until, self.position + self.timing.piece)
            block = out[done : done + until - self.position]
            if self._playing:
                self._decode_until(until)
            if self._playing or self._ringing:
                self._mix(block)
            else:
                block[:] = 0.0
            done += len(block)
            self.position += len(block)
            self._retire()
            self._points.announce(self.position)
            if (rest := self._points.settled(self.position)) is not None:
                self.sound_cache.want(rest.astype(np.float32), first=True)
            self._start_waiting()

    def _mix(self, block: NDArray[np.float32]) -> None:
        bus = self._bus[:, : len(block)]
        bus[:] = 0.0
        pairs = np.split(bus, self._outs.pairs)
        for voice in self._playing:
            voice.add_to(pairs[voice.out], self.position)
        for pair, tails, output in zip(pairs, self._tails, self._outputs, strict=True):
            tails.add_to(pair)
            output.process(pair, self.position)
        if self.channels == 1:
            np.add(bus[0], bus[1], out=block[:, 0])
            block *= np.float32(0.5)
        else:
            block[:, : len(bus)] = bus.T
            block[:, len(bus) :] = 0.0

    # ---- commands

    def _execute_due(self) -> None:
        while self._commands.due(self.position):
            order, command = self._commands.pop()
            if isinstance(command, Panic):
                self._commands.forget_before(order)
            if isinstance(command, Trigger) and self._is_expressive(command):
                command = self._with_offset(command)
            if not (self.live and isinstance(command, Trigger) and self._must_wait(command)):
                self._perform(command)

    def _is_expressive(self, trigger: Trigger) -> bool:
        """Return True if a hit needs an offset and has none yet."""
        known = self._expression
        moves = (trigger.dynamics and known.knows_velocity) or (trigger.vary and known.knows_takes)
        return bool(moves) and trigger.offset is None

    def _with_offset(self, trigger: Trigger) -> Trigger:
        """Return a hit with its offset, as the log records it."""
        given = trigger.z if trigger.point is None else trigger.point
        z = self._points.of(trigger.touch).at(self.position) if given is None else np.array(given)
        self._expressed += 1
        settings = trigger.velocity, trigger.dynamics, trigger.vary
        return replace(trigger, offset=self._expression.offset(z, *settings, [self._expressed]))

    def _displaced(self, z: Point, trigger: Trigger) -> Point:
        """Return z [D] plus the offset of a hit there; leave out random variation that is not drawn yet."""
        offset = trigger.offset
        if offset is None and self._is_expressive(trigger):
            offset = self._expression.offset(z, trigger.velocity, trigger.dynamics, 0.0, ())
        return z if offset is None else np.add(z, offset)

    def _perform(self, command: Command) -> None:
        done = self._execute(command)
        if self.tap is not None:
            self.tap(self.position, done)

    def _must_wait(self, trigger: Trigger) -> bool:
        """Return True if the hit must wait: it needs the complete sound, which is not cached yet.

        A hit that must wait is queued.
        """
        if not trigger.reverse:
            return False
        given = trigger.z or trigger.point
        if given is None:  # not `begin`: a touch gets its point only when its hit starts, as in a replay
            target = self._points.of(trigger.touch).at(self.position)
        else:
            target = np.array(given, np.float64)
        if trigger.offset is not None:
            target = target + np.array(trigger.offset)
        if self._is_whole(target):
            return False
        if trigger.z is not None:
            self._perform(SetZ(trigger.z, trigger.touch))
        point = tuple(float(x) for x in target)
        self.sound_cache.want_now(point)
        found = replace(trigger, z=None, point=point, dynamics=0.0, vary=0.0, offset=None)
        if len(self._waiting) >= self.voices:  # its voice would be stolen as soon as it began
            self._waiting.popleft()
            self.stolen += 1
        self._waiting.append((self.position + self._samples(PATIENCE_MS), found))
        return True

    def _start_waiting(self) -> None:
        """Start the waiting hits whose sounds are cached.

        A hit past its deadline also starts. Its sound is then decoded at once. Therefore, at most one such
        hit starts in `PATIENCE_MS`.
        """
        while self._waiting:
            latest, trigger = self._waiting[0]
            if not self._is_whole(self._points.place(trigger, self.position)):
                if self.position < max(latest, self._patient_until):
                    return
                self._patient_until = self.position + self._samples(PATIENCE_MS)
            self._waiting.popleft()
            self._perform(trigger)

    def _is_whole(self, z: Point) -> bool:
        sound = self.sound_cache.get(z.astype(np.float32))
        return sound is not None and sound.whole

    def _execute(self, command: Command) -> Command:
        """Execute a command; return the command as the log records it."""
        match command:
            case SetZ() | SetDimension() | SetAxis() | Goto():
                self._points.move(command, self.position)
            case Trigger(z=z, touch=touch):
                if z is not None:
                    self._points.go(Goto(z, 0.0, touch=touch), self.position)
                return self._start(command)
            case Stop(touch):
                self._waiting = deque(w for w in self._waiting if touch not in (None, w[1].touch))
                self._fade([v for v in self._playing if touch is None or v.touch == touch], STEAL_MS)
            case Press(touch, velocity):
                self._press([v for v in self._playing if v.touch == touch and v.glide is None], velocity)
            case Panic():
                self._waiting.clear()
                self._fade(self._playing, PANIC_MS)
            case Gain(db):
                self._set_gain(db, self.position)
            case Mode(mode):
                self.mode = mode
            case Prepare(points):
                for z in points:
                    self.sound_cache.want(z)
            case Ticks(at_once):
                self.at_once = at_once
            case Shed():
                held = self._held()
                if len(held) > 1:
                    self._steal(held)
                    self.shed += 1
                    self._polyphony.shed(len(held) - 1, self.position)
        return command

    def _press(self, voices: list[Voice], velocity: float) -> None:
        """Move voices along the model's directions of velocity in z, from their velocities to `velocity`."""
        for voice in voices:
            if voice.dynamics:
                z = self._path(voice).at(self.position)
                before, after = (
                    np.array(self._expression.offset(z, each, voice.dynamics, 0.0, ()))
                    for each in (voice.velocity, velocity)
                )
                voice.offset = after - before if voice.offset is None else voice.offset + (after - before)
                voice.velocity = velocity

    def _set_gain(self, db: float, position: int) -> None:
        for output in self._outputs:
            output.set_gain(db, position)

    # ---- voices

    def _samples(self, ms: float) -> int:
        return max(1, round(ms * self.sample_rate / 1000))

    def _start(self, trigger: Trigger) -> Trigger:
        if trigger.choke:
            self._fade([v for v in self._playing if v.choke == trigger.choke], STEAL_MS)
        held = self._held()
        if self._polyphony.full(len(held), self.position):
            self._steal(held)
            self.stolen += 1
        if not self._free:  # all voices play or fade out: cut the voice nearest its end
            self._cut(min(self._playing, key=lambda voice: voice.end))
        voice = self._free.pop()
        z = self._points.place(trigger, self.position)
        stays = trigger.reverse or trigger.point is not None or self.mode == "latch"
        fixed = Glide.at_rest(z) if stays else None
        rests = (fixed or self._points.begin(trigger.touch)).rests_at(self.position)
        sound = self.sound_cache.get(z.astype(np.float32)) if rests else None
        whole = sound is not None and sound.whole
        if self.live:
            trigger = replace(trigger, ahead=whole and fixed is None)
        elif trigger.ahead and rests and not whole:
            sound = self.sound_cache.complete(z.astype(np.float32))
        voice.begin(self.position, trigger, fixed, sound)
        if trigger.offset is not None and fixed is None:
            voice.offset = np.array(trigger.offset)
        voice.out = self._outs.of(trigger, z)
        self._playing.append(voice)
        self._covered = 0
        self.hits += 1
        if trigger.reverse:
            voice.push(self._whole(z, sound)[::-1])
        elif sound is None:
            self._slots.add(voice)
        else:
            self.prepared_hits += 1
        return trigger

    def _whole(self, z: Point, sound: CachedSound | None) -> Samples:
        """Return the complete sound at z [D]; decode it now if it is not cached."""
        if sound is not None and sound.whole:
            return sound.audio
        audio: Samples = self._decoder.decode(z[np.newaxis].astype(np.float32))[0]
        if np.isfinite(audio).all():
            return audio
        self._slots.muted += 1
        return np.zeros_like(audio)

    def _held(self) -> list[Voice]:
        """Return the voices that are not fading out."""
        return [voice for voice in self._playing if not voice.fading]

    def _steal(self, held: list[Voice]) -> None:
        """Fade out the quietest voice."""
        victim = self._polyphony.victim(held, self.position)
        if victim.start == self.position:  # not heard yet
            self._release(victim)
        else:
            victim.fade(self.position, self._samples(STEAL_MS))

    def _fade(self, voices: list[Voice], ms: float) -> None:
        for voice in list(voices):
            if voice.start == self.position:
                self._release(voice)
            else:
                voice.fade(self.position, self._samples(ms))

    def _cut(self, voice: Voice) -> None:
        """End a voice now, with a linear ramp to silence in place of its remaining sound."""
        if voice.start < self.position:
            last = self._bus[:2, :1]
            last[:] = 0.0
            voice.add_to(last, self.position - 1)
            self._tails[voice.out].add(last[:, 0])
        self._release(voice)

    def _retire(self) -> None:
        for voice in [voice for voice in self._playing if voice.over(self.position)]:
            self._release(voice)

    def _release(self, voice: Voice) -> None:
        self._playing.remove(voice)
        self._free.append(voice)
        self._slots.discard(voice)

    # ---- decoding

    def _frames_of(self, voice: Voice, frames: int) -> Point:
        """Return z of a voice's next frames: [frames, D], or [D] if it is constant."""
        path = self._path(voice)
        return voice.moved(path.target if path.still else path.at(voice.frame_samples(frames)))

    def _path(self, voice: Voice) -> Glide:
        return self._points.of(voice.touch) if voice.glide is None else voice.glide

    def _decode_until(self, until: int) -> None:
        """Decode all voices tick by tick, or copy cached sounds, up to device sample `until`."""
        timing, begin = self.timing, self.position
        while begin < until:
            end = self._end_of_ticks(begin)
            stop = min(until, self._covered if self._covered > begin else timing.frame_start(end))
            for voice in self._playing:
                if voice.silent or voice.end <= begin:  # nothing is left to decode; `_retire` frees it later
                    self._slots.discard(voice)
                elif voice.cached is not None and not voice.decoded:
                    self._play_cached(voice, voice.cached, timing.frame(stop - 1) + 1, end)
            if self._covered <= begin:
                self._slots.advance(end)
                self._covered = timing.frame_start(end)
            begin = stop

    def _end_of_ticks(self, begin: int) -> int:
        """Return the end frame of the group of ticks around device sample `begin` that one call decodes."""
        tick = self.timing.tick(begin)
        return (tick + self.at_once - tick % self.at_once) * self.timing.chunk_frames

    def _play_cached(self, voice: Voice, sound: CachedSound, needed: int, end: int) -> None:
        """Give a voice its cached sound, or a slot if z has moved or the cached sound is too short.

        Args:
            needed: frame up to which the voice must sound.
            end: frame up to which slots are decoded.
        """
        missing = voice.frames_missing(needed if voice.ahead else end)
        if missing <= 0:
            return
        glide, hop = self._path(voice), self.timing.hop_length
        rests = glide.rests_at(voice.frame_samples(1)[0])
        matches = rests and np.array_equal(voice.moved(glide.target).astype(np.float32), sound.z)
        if matches and sound.frames >= voice.frames + missing:
            voice.push(sound.audio[voice.frames * hop : (voice.frames + missing) * hop])
            return
        voice.cached = None
        self._slots.resume(voice, sound, voice.frames_missing(end))
        self._covered = 0
