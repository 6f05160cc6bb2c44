"""The render thread: takes commands, renders blocks, and passes the blocks to the device and the recorders.

A block is the number of samples that the device takes at a time. A device sample is a sample at the device's
rate, counted from the start of the engine. "The point" here means the position in the model's latent space
that the performer moves. A voice that is being decoded is called a stream. A tick is a fixed number of latent
frames that are decoded together. To shed a voice is to fade it out early.

control ──commands──► [inbox] ──► render thread: mixer ──blocks──► [ring] ──► audio callback: copies
                                                 └──► recorder
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from realtime.live import latency
from realtime.live.load import Load
from realtime.live.monitor import Monitor
from realtime.live.pacing import CAREFUL_S, TARDY_S, Pacing
from realtime.live.ring import Block, Ring, Signal
from realtime.synth.commands import POINT_MOVES, Command, Panic, Prepare, Shed, Swap, Ticks, Trigger, Tweak
from realtime.synth.crossfade import Change, Crossfade, Effects
from realtime.synth.mixer import Mixer
from realtime.util import clocks, priority, timeouts

MOVES = (*POINT_MOVES, Prepare, Tweak)  # commands that may be dropped when too many are waiting
STREAMING = (*POINT_MOVES, Trigger)  # commands that may begin a stream
AHEAD, PACED_AHEAD = 3, 8  # maximum number of blocks in the queue; with pacing, fewer if possible
PATIENCE = 3  # maximum number of blocks by which commands are delayed while the queue is lengthened
MAX_WAITING = 4096  # maximum number of commands in the inbox; for scheduled commands, in inbox and mixer
DELAYS = 1000  # number of latest delays from which the 99th percentile is computed
PREPARE_S = 0.01  # pause between checks for a sound to decode in advance
MAX_FADE_S = 0.3  # time limit of each wait in `stop`, whatever the device


def _decibels(peak: float) -> float:
    """Return the level in dBFS, at least -120."""
    return float(20.0 * np.log10(max(peak, 1e-6)))


class Sink(Protocol):
    """A receiver of every block, such as a recorder; `write` copies the block and never waits."""

    def write(self, block: Block) -> None: ...


class Recording(Protocol):
    """A take (recording of a part of a performance), which receives every block between `begin` and `end`.

    The methods are called on the render thread and must not wait.

    Attributes:
        first: device sample at which the recording begins; None before `begin` is called.
    """

    first: int | None

    def begin(self, mixer: Mixer) -> None: ...

    def write(self, block: Block) -> None: ...

    def end(self, mixer: Mixer) -> None: ...


class Engine:
    """Renders blocks shortly before the device needs them, and hands the blocks over.

    Args:
        mixer: used by the engine's render thread only.
        block_size: device samples [T] in a block.
        ahead: number of finished blocks in the queue (if `paced`, the maximum): a safety margin that adds
            latency. None means 3, or 8 if `paced`.
        synchronous: make the device wait for a late block instead of playing silence. This gives exact
            captures from a JACK server that waits for its clients; do not use it for live playing.
        paced: render each block as late as is safe (`pacing`), for a device that takes blocks regularly;
            otherwise keep the queue full.
        pulled: render in `hand_over`, on the device's own thread and for any number of samples; there is no
            queue. Use it for a plugin host, which decides when samples are rendered.
        sink: receives every rendered block, after the effects.
        effects: plugins that process every block after the mixer.

    Attributes:
        late_blocks: number of dropouts, for which the device played silence because no block was finished in
            time. Late blocks during silence are not counted; they only delay the next sound by a block.
        xruns: number of interruptions reported by the device.
        failure: exception that ended rendering, or None. `Worker` also sets an exception when a plugin hangs.
        latency_s: device latency in seconds, subtracted from the time of scheduled commands.
    """

    def __init__(
        self,
        mixer: Mixer,
        *,
        block_size: int = 128,
        ahead: int | None = None,
        synchronous: bool = False,
        paced: bool = False,
        pulled: bool = False,
        sink: Sink | None = None,
        effects: Effects | None = None,
    ) -> None:
        self._crossfade = Crossfade(mixer, effects)
        mixer.live = True
        self.block_size = block_size
        self.ahead = ahead or (PACED_AHEAD if paced else AHEAD)
        self.synchronous = synchronous
        self._pulled = pulled
        self._filled = 0  # rendered samples of the block that is being pulled
        self.late_blocks = 0
        self._missed = 0  # late blocks, including those during silence
        self._sounds = False  # True if the latest block is not silent
        self.xruns = 0
        self.dropped = 0
        self.failure: BaseException | None = None
        self.latency_s = 0.0
        self._sink = sink
        self.monitor = Monitor(mixer.sample_rate, mixer.channels, block_size)
        self._take: Recording | None = None
        self._wanted_take: Recording | None = None
        self.effects = effects
        self._inbox: deque[tuple[int, Command | Change]] = deque()
        self._ring = Ring(self.ahead, block_size, mixer.channels)
        self._room, self._ready = Signal(), Signal()
        block_s = block_size / mixer.sample_rate
        self._load = Load(block_s)
        self._pacing = Pacing(block_s, self.ahead) if paced and not synchronous else None
        self._new: list[tuple[int, Command | Change]] = []
        self._hurried = False  # True if the render thread has been woken for the commands of the next block
        self._requested_s = 0.0  # arrival time of the first command not yet in a block
        self._delays = np.zeros(DELAYS)
        self._measured = 0
        self._closing = False
        self._late_before = 0
        self._next_shed = 0  # first block in which another voice may be shed
        self._clock = clocks.DeviceClock(mixer.sample_rate)
        self._thread = threading.Thread(target=self._run, name="render", daemon=True)
        self._preparing = threading.Thread(target=self._prepare, name="prepare", daemon=True)

    @property
    def mixer(self) -> Mixer:
        """The mixer that is playing."""
        return self._crossfade.mixer

    def record(self, take: Recording | None) -> None:
        """Begin a take with the next block; None ends the current take."""
        self._wanted_take = take

    # ---- called by the thread `control` of the worker

    def submit(
        self,
        commands: Sequence[Command],
        due: float | None = None,
        at: int | None = None,
        requested_s: float | None = None,
    ) -> bool:
        """Schedule commands to take effect together, at a given time or as soon as possible.

        Args:
            due: monotonic time in seconds at which the commands are heard; None means as soon as possible.
            at: device sample at which the commands take effect, instead of `due`.
            requested_s: monotonic time of the request, if it came from another process; None means now.

        Returns:
            False if some commands were dropped because too many are waiting. Only commands with `due`, moves
            of the point, requests to decode in advance (`Prepare`) and plugin parameters may be dropped. An
            immediate trigger, stop or panic is never dropped.
        """
        kept: list[Command]
        waiting = len(self._inbox) + (0 if due is None else self.mixer.scheduled)
        if waiting >= MAX_WAITING:
            kept = [c for c in commands if due is None and not isinstance(c, MOVES)]
            self.dropped += len(commands) - len(kept)
        else:
            kept = [*commands]
        if due is None and not self._requested_s:
            self._requested_s = requested_s or time.monotonic()
        sample = (at or 0) if due is None else self.sample_at(due)
        self._inbox.extend([(sample, command) for command in kept])
        if self._pacing is not None and not self._hurried and any(isinstance(c, STREAMING) for c in kept):
            self._hurried = True
            self._room.set()
        return len(kept) == len(commands)

    def submit_from(
        self,
        commands: Sequence[Command],
        due: float | None = None,
        at: int | None = None,
        requested_s: float | None = None,
    ) -> tuple[bool, list[float]]:
        """Submit commands as `submit` does; also return the point [D] before they take effect."""
        z = self.z()
        return self.submit(commands, due, at, requested_s), z

    def swap(self, mixer: Mixer, swap: Swap | None = None, renewed: bool = False) -> None:
        """Switch to another mixer, of any model. Sounding voices fade out; scheduled commands are dropped.

        The switch takes effect after all commands submitted earlier. Gain and mode are kept. If `renewed`,
        the new model is another version of the current model, and the point and the sequencer are kept, too.
        The log of commands records `swap`.

        Raises:
            ValueError: the mixers differ in sample rate or number of channels.
        """
        mixer.check_follows(self.mixer)
        mixer.live = True
        self._inbox.append((0, Change(mixer, swap, renewed)))

    def sample_at(self, due: float) -> int:
        """Return the device sample at which to apply a command that is to be heard at monotonic `due`."""
        later = self.mixer.output.delay + (0 if self.effects is None else self.effects.latency_samples)
        return round(self._clock.sample_at(due - self.latency_s)) - later

    def z(self) -> list[float]:
        """Return the point [D] at the start of the next block."""
        return [float(x) for x in self.mixer.glide.at(self.mixer.position)]

    def output_since(self, sample: int) -> tuple[int, bytes]:
        """Return the latest output, beginning at device sample `sample`; see `Monitor.since`."""
        return self.monitor.since(sample)

    def arrivals(self) -> list[int]:
        """Return the numbers (`Goto.ticket`) of the glides that have finished since the last call."""
        arrived = self.mixer.arrived
        return [arrived.popleft() for _ in range(len(arrived))]

    def status(self) -> dict[str, int | float | str]:
        """Return the state of the engine; counters begin at 0 when the engine starts."""
        mixer = self.mixer
        peak, rms = mixer.output.peak(mixer.position), mixer.output.rms(mixer.position)
        return {
            "voices": mixer.sounding,
            "max_voices": mixer.voices,
            "mode": mixer.mode,
            "gain_db": mixer.output.gain_db,
            "sample_rate": mixer.sample_rate,
            "seconds": mixer.position / mixer.sample_rate,
            "hits": mixer.hits,
            "prepared_hits": mixer.prepared_hits,
            "stolen": mixer.stolen,
            "shed": mixer.shed,
            "scheduled": mixer.scheduled,
            "seq_step": self._crossfade.sequencer.step,
            "dropped": self.dropped,
            "peak_left_db": _decibels(peak[0]),
            "peak_right_db": _decibels(peak[1]),
            "rms_left_db": _decibels(rms[0]),
            "rms_right_db": _decibels(rms[1]),
            "late_blocks": self.late_blocks,
            "load": self._load.mean,
            "p99_ms": self.p99_ms(),
            "xruns": self.xruns,
            "muted": mixer.muted,
            "take_seconds": self._take_seconds(),
        }

    def _take_seconds(self) -> float:
        """Return the length of the take that is being recorded, or -1."""
        take, mixer = self._take, self.mixer
        if take is None or take.first is None:
            return -1.0
        return (mixer.position - take.first) / mixer.sample_rate

    def latency(self) -> dict[str, float]:
        """Return `latency.report` of this engine."""
        return latency.report(self)

    def p99_ms(self) -> float:
        """Return the 99th percentile, in ms, of the latest delays from `submit` to sound."""
        measured = self._delays[: min(self._measured, len(self._delays))]
        if not len(measured):
            return 0.0
        return 1000.0 * (float(np.percentile(measured, 99)) + self.latency_s)

    # ---- called by the device

    @property
    def asked(self) -> int:
        """Number of blocks requested by the device."""
        return self._ring.read + self._missed

    def hand_over(self, out: Block) -> None:
        """Fill `out` [T, C] with the next block, or with silence.

        This is real-time safe, except that a `synchronous` engine waits here, and a `pulled` engine renders
        here.
        """
        if self._pulled:
            self._pull(out)
            return
        while self._ring.empty:
            if not self.synchronous or self._closing or self.failure:
                out.fill(0.0)
                self._missed += 1
                self.late_blocks += self._sounds and not self._closing
                return
            self._ready.wait(0.1)
        now = time.monotonic()
        self._clock.taken = now, self._ring.read * self.block_size
        if requested_s := self._ring.take(out):
            self._delays[self._measured % DELAYS] = now - requested_s
            self._measured += 1
        self._room.set()

    # ---- the render thread

    def start(self) -> None:
        """Start rendering; return when the queue is full and the device can start."""
        self._preparing.start()
        if self._pulled:
            return
        self._thread.start()
        while not self._ring.full and self._thread.is_alive():
            time.sleep(0.001)
        started_s = self._clock.restart()
        if self._pacing is not None:  # begin with a wide margin, as after a late block
            self._pacing.finished(-CAREFUL_S, started_s)

    def stop(self) -> None:
        """Fade out, let the device play the queued blocks, and end the threads."""
        self.submit([Panic()])
        deadline = time.monotonic() + MAX_FADE_S
        while self.running and (self._inbox or not self.mixer.silent) and time.monotonic() < deadline:
            time.sleep(0.001)
        queue_s = (self.ahead + 1) * self.block_size / self.mixer.sample_rate
        time.sleep(min(queue_s + self.latency_s, MAX_FADE_S))
        self.close()

    def close(self) -> None:
        """End the threads at once, in the middle of the sound; `stop` fades out first."""
        self._closing = True
        for thread in (self._thread, self._preparing):  # both must leave the decoder before Python exits
            if thread.is_alive():
                thread.join(timeout=MAX_FADE_S)
            if thread.is_alive():  # a plugin is hanging
                timeouts.abandon(thread)

    @property
    def running(self) -> bool:
        """True while blocks are being rendered."""
        return (self._thread.is_alive() or self._pulled) and not self.failure

    def _run(self) -> None:
        priority.first()
        try:
            while not self._closing:
                wait_s = 0.1 if self._ring.full else self._spare_s()
                if wait_s > 0.0:
                    self._room.wait(min(wait_s, 0.1))
                    continue
                self._clock.follow()
                self.render_next()
        except Exception as error:  # reported by the worker; the device plays silence from here on
            self.failure = error

    def _spare_s(self, begun: int | None = None) -> float:
        """Return the seconds until the next block must be begun; 0 or less means now.

        `begun` is the number of streams that begin in the block; None counts the streams that the waiting
        commands and the sequencer begin.
        """
        if self._pacing is None:
            return 0.0
        if begun is None:
            asked = [c for _, c in tuple(self._inbox) if not isinstance(c, Change)]
            begun = self.mixer.streams_begun([*asked, *self._crossfade.coming(self.block_size)])
        now, mixer = time.monotonic(), self.mixer
        lead_s = self._pacing.lead_s(mixer.cost, mixer.streaming, begun, self._load, now, self._sounds)
        return self._left_s(now) - lead_s

    def _left_s(self, now: float) -> float:
        """Return the seconds until the device takes the next block to be rendered."""
        return self._clock.left_s(self._ring.written * self.block_size, now)

    def lead_s(self, *, streaming: int = 0, begun: int = 0) -> float:
        """Return how long before its deadline a block is begun, in s.

        Args:
            streaming: number of streams that continue.
            begun: number of streams that begin.
        """
        if self._pacing is None:
            return self.ahead * self.block_size / self.mixer.sample_rate
        now, sounds = time.monotonic(), self._sounds or streaming > 0
        return self._pacing.lead_s(self.mixer.cost, streaming, begun, self._load, now, sounds)

    def render_next(self) -> None:
        """Render the next block, with the submitted commands, into the queue; the queue must have room.

        If decoding for these commands takes long, first lengthen the queue by blocks without the commands.
        """
        self._hurried = False
        while self._inbox:
            self._new.append(self._inbox.popleft())
        if self._new and self._pacing is not None:  # lengthen the queue before a long decode
            begun = self.mixer.streams_begun(c for _, c in self._new if not isinstance(c, Change))
            waited = 0
            while (
                begun
                and waited < PATIENCE
                and self._spare_s(begun) < -TARDY_S
                and self._ring.written - self._ring.read < self.ahead - 1
            ):
                self._render_block()
                waited += 1
        for sample, command in self._new:
            self._crossfade.submit(command, sample)
        requested_s = self._requested_s if self._new else 0.0
        if requested_s:
            self._requested_s = 0.0
        self._new.clear()
        self._render_block(requested_s)

    def _pull(self, out: Block) -> None:
        """Render the next samples into `out` [T, C]; after a failure, fill `out` with silence."""
        now = time.monotonic()
        self._clock.taken = now, self.mixer.position
        self._clock.follow()
        done = 0
        try:
            while done < len(out) and not self.failure:
                done += self._pull_piece(out[done:])
        except Exception as error:  # reported by the worker
            self.failure = error
        out[done:] = 0.0

    def _pull_piece(self, out: Block) -> int:
        """Render samples into `out`, at most to the end of the current block; return the number of samples.

        A complete block is passed to sink, take and monitor.
        """
        if self._filled == 0:
            self._note_take()
        if self.xruns > self._late_before:  # the plugin host has missed a block
            self._late_before = self.xruns
            self.mixer.submit(Shed())
        while self._inbox:
            sample, command = self._inbox.popleft()
            self._crossfade.submit(command, sample)
        self._requested_s = 0.0
        block = self._ring.slot()
        piece = block[self._filled : self._filled + len(out)]
        self._crossfade.render(piece)
        if self.effects is not None:
            self.effects.process(piece)
        out[: len(piece)] = piece
        self._filled = (self._filled + len(piece)) % self.block_size
        if self._filled == 0:
            self._pass_on(block)
        return len(piece)

    def _keep_up(self) -> None:
        """Under high load, decode more ticks in each call; if that is not enough, shed a voice."""
        must_shed = self.late_blocks > self._late_before
        if not self.synchronous:
            if self._load.at_once != self.mixer.at_once:
                self.mixer.submit(Ticks(self._load.at_once))
            if self._ring.written >= self._next_shed:
                must_shed |= self._load.too_high(self._left_s(time.monotonic()))
        if must_shed:
            self._late_before = self.late_blocks
            self._next_shed = self._ring.written + self._load.fading
            self.mixer.submit(Shed())

    def _render_block(self, requested_s: float = 0.0) -> None:
        self._keep_up()
        self._note_take()
        begun_s = time.monotonic()
        block = self._ring.slot()
        self._crossfade.render(block)
        if self.effects is not None:
            self.effects.process(block)
        now = time.monotonic()
        self._load.took(now - begun_s, self.mixer.streaming > 0, now)
        self._pass_on(block)
        self._note_spare()
        sounds = bool(block.any())
        self._ring.commit(requested_s)
        self._sounds = sounds
        self._ready.set()

    def _pass_on(self, block: Block) -> None:
        """Pass a finished block to sink, take and monitor."""
        if self._sink is not None:
            self._sink.write(block)
        if self._take is not None:
            self._take.write(block)
        self.monitor.write(block)

    def _note_take(self) -> None:
        if self._take is self._wanted_take:
            return
        before, self._take = self._take, self._wanted_take
        if before is not None:
            before.end(self.mixer)
        if self._take is not None:
            self._take.begin(self.mixer)

    def _note_spare(self) -> None:
        """Report how long before the deadline a block was finished, if a late block would be audible."""
        if self._pacing is not None and self._sounds:
            now = time.monotonic()
            left_s = self._clock.left_since_taken_s(self._ring.written * self.block_size, now)
            if left_s is not None:
                self._pacing.finished(left_s, now)

    def _prepare(self) -> None:
        """Fill the sound cache in advance, with a priority below rendering but above other programs."""
        while not self._closing:
            if not self.mixer.sound_cache.work():
                time.sleep(PREPARE_S)
