"""The thread that renders, and the queue of finished blocks between it and the sound card.

osc thread ──commands──► [inbox] ──► render thread: mixer ──blocks──► [ring] ──► audio callback: copies
                                                    └──► recorder
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.live import latency
from realtime.live.load import Load
from realtime.live.pacing import CAREFUL_S, TARDY_S, Pacing
from realtime.synth.commands import POINT_MOVES, Command, Panic, Prepare, Shed, Swap, Ticks, Trigger, Tweak
from realtime.synth.crossfade import Change, Crossfade, Effects
from realtime.synth.mixer import Mixer
from realtime.util import priority, timeouts
from realtime.util.errors import HungError

Block = NDArray[np.float32]

MOVES = (*POINT_MOVES, Prepare, Tweak)  # may be dropped when too many commands wait
BEGINNERS = (*POINT_MOVES, Trigger)  # may begin streams of decoding
AHEAD, PACED_AHEAD = 3, 8  # blocks in the queue; the paced one is as full as it must be
PATIENCE = 3  # blocks that commands wait at most, for a longer queue
MAX_WAITING = 4096  # commands in the inbox, and commands scheduled for later
DELAYS = 1000  # of commands that are remembered, for their 99th percentile
PREPARE_S = 0.01  # between two looks for something to decode ahead
CLOCK_JUMP_S = 0.02  # a device clock further off than this is believed at once, a nearer one by and by
CLOCK_GAIN = 0.05
MAX_FADE_S = 0.3  # of waiting at the end, whatever the device


def _decibels(peak: float) -> float:
    """dB of full scale; -120 at the least."""
    return float(20.0 * np.log10(max(peak, 1e-6)))


class Signal:
    """Wakes one thread from others. `set` never waits; `wait` is for one thread only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Real-time safe."""
        if self._lock.locked():
            with suppress(RuntimeError):  # another thread was faster
                self._lock.release()

    def wait(self, timeout_s: float) -> bool:
        """Wait until `set` was called since the last wait; False if that took too long."""
        return self._lock.acquire(timeout=timeout_s)


class Ring:
    """A few finished blocks [T, C] between one writer and one reader. Allocated once; no locks."""

    def __init__(self, blocks: int, block_size: int, channels: int) -> None:
        self._blocks = np.zeros((blocks, block_size, channels), np.float32)
        self._asked_s = [0.0] * blocks
        self.written = 0
        self.read = 0

    @property
    def full(self) -> bool:
        return self.written - self.read >= len(self._blocks)

    @property
    def empty(self) -> bool:
        return self.written == self.read

    def slot(self) -> Block:
        """Where the next block is to be written; it is passed on by `commit`."""
        slot: Block = self._blocks[self.written % len(self._blocks)]
        return slot

    def commit(self, asked_s: float = 0.0) -> None:
        """Pass the block on; `asked_s` is when the first command in it came, or 0."""
        self._asked_s[self.written % len(self._blocks)] = asked_s
        self.written += 1

    def take(self, out: Block) -> float:
        """Copy the oldest block; what `commit` was told of it. Real-time safe."""
        slot = self.read % len(self._blocks)
        np.copyto(out, self._blocks[slot])
        asked_s = self._asked_s[slot]
        self.read += 1
        return asked_s


class Sink(Protocol):
    """What gets a copy of every block, such as a recorder. Must not wait."""

    def write(self, block: Block) -> None: ...


class Engine:
    """Renders blocks a little ahead of the device and hands them to it.

    Args:
        mixer: the engine's render thread is its only user.
        block_size: device samples [T] in a block.
        ahead: finished blocks kept waiting for the device: its safety, and part of the latency; where `paced`
            the most there can be. None is 3, or 8 where `paced`.
        synchronous: let the device wait for a late block instead of playing silence; for exact captures
            from a JACK server that waits in its turn, never for the stage.
        paced: render each block as late as is safe (`pacing`), for a device that takes blocks regularly;
            otherwise the queue is kept full.
        sink: gets every block as it is rendered.
        effects: what every block passes before that.

    Attributes:
        late_blocks: holes in the sound: silences played because no block was finished in time. Amid silence
            none is heard, and none is counted; what begins there begins a block later.
        xruns: interruptions that the device reported.
        failure: what ended the rendering, or None.
        latency_s: of the device; taken off the time of scheduled commands.
    """

    def __init__(
        self,
        mixer: Mixer,
        *,
        block_size: int = 128,
        ahead: int | None = None,
        synchronous: bool = False,
        paced: bool = False,
        sink: Sink | None = None,
        effects: Effects | None = None,
    ) -> None:
        self._crossfade = Crossfade(mixer, effects)
        mixer.live = True
        self.block_size = block_size
        self.ahead = ahead or (PACED_AHEAD if paced else AHEAD)
        self.synchronous = synchronous
        self.late_blocks = 0
        self._missed = 0  # those, and what was not finished in time amid silence
        self._sounds = False  # what was rendered last
        self.xruns = 0
        self.dropped = 0
        self.failure: BaseException | None = None
        self.latency_s = 0.0
        self._sink = sink
        self.effects = effects
        self._inbox: deque[tuple[int, Command | Change]] = deque()
        self._ring = Ring(self.ahead, block_size, mixer.channels)
        self._room, self._ready = Signal(), Signal()
        block_s = block_size / mixer.sample_rate
        self._load = Load(block_s)
        self._pacing = Pacing(block_s, self.ahead) if paced and not synchronous else None
        self._new: list[tuple[int, Command | Change]] = []
        self._hurried = False  # told to look at what has come in since the last block
        self._asked_s = 0.0  # when the first command came that is in no block yet
        self._delays = np.zeros(DELAYS)
        self._measured = 0
        self._closing = False
        self._late_before = 0
        self._next_shed = 0  # the block from which on a voice may be let go
        self._origin_s = time.monotonic()  # when device sample 0 was, or would have been, handed over
        self._handed = self._origin_s, 0  # time and first sample of the latest block handed over
        self._thread = threading.Thread(target=self._run, name="render", daemon=True)
        self._preparing = threading.Thread(target=self._prepare, name="prepare", daemon=True)

    @property
    def mixer(self) -> Mixer:
        """The one that plays."""
        return self._crossfade.mixer

    # ---- for the osc thread

    def submit(
        self, commands: Sequence[Command], due: float | None = None, asked_s: float | None = None
    ) -> bool:
        """Have commands carried out together: heard at monotonic time `due`, or as soon as possible.

        Args:
            asked_s: monotonic time at which they were asked for, in another process; None is now.

        Returns:
            False if so many are waiting that some were dropped: moves of the point, and whatever is due
            later. A trigger, stop or panic for now never is.
        """
        kept: list[Command]
        if len(self._inbox) + self.mixer.scheduled >= MAX_WAITING:
            kept = [c for c in commands if due is None and not isinstance(c, MOVES)]
            self.dropped += len(commands) - len(kept)
        else:
            kept = [*commands]
        if due is None and not self._asked_s:
            self._asked_s = asked_s or time.monotonic()
        sample = 0 if due is None else self.sample_at(due)
        self._inbox.extend([(sample, command) for command in kept])
        if self._pacing is not None and not self._hurried and any(isinstance(c, BEGINNERS) for c in kept):
            self._hurried = True
            self._room.set()
        return len(kept) == len(commands)

    def submit_from(
        self, commands: Sequence[Command], due: float | None = None, asked_s: float | None = None
    ) -> tuple[bool, list[float]]:
        """As `submit`; also where the point was before."""
        z = self.z()
        return self.submit(commands, due, asked_s), z

    def swap(self, mixer: Mixer, swap: Swap | None = None) -> None:
        """Play on with another mixer, of any model: what sounds fades out, what is scheduled is dropped.

        Takes effect after the commands submitted before. Gain and mode are carried over. A log keeps `swap`.

        Raises:
            ValueError: it has another sample rate or number of channels.
        """
        mixer.check_follows(self.mixer)
        mixer.live = True
        self._inbox.append((0, Change(mixer, swap)))

    def sample_at(self, due: float) -> int:
        """The device sample that is heard at monotonic time `due`."""
        later = 0 if self.effects is None else self.effects.latency_samples
        return round((due - self.latency_s - self._origin_s) * self.mixer.sample_rate) - later

    def z(self) -> list[float]:
        """The point, where the next block begins."""
        return [float(x) for x in self.mixer.glide.at(self.mixer.position)]

    def arrivals(self) -> Iterator[int]:
        """Tickets of glides that have come to their end since the last call."""
        while self.mixer.arrived:
            yield self.mixer.arrived.popleft()

    def status(self) -> dict[str, int | float | str]:
        """How the engine is; counts are since the start."""
        mixer = self.mixer
        peak, rms = mixer.output.peak(mixer.position), mixer.output.rms(mixer.position)
        return {
            "voices": mixer.sounding,
            "max_voices": mixer.voices,
            "mode": mixer.mode,
            "gain_db": mixer.output.gain_db,
            "seconds": mixer.position / mixer.sample_rate,
            "hits": mixer.hits,
            "prepared_hits": mixer.prepared_hits,
            "stolen": mixer.stolen,
            "shed": mixer.shed,
            "scheduled": mixer.scheduled,
            "dropped": self.dropped,
            "peak_left_db": _decibels(peak[0]),
            "peak_right_db": _decibels(peak[1]),
            "rms_left_db": _decibels(rms[0]),
            "rms_right_db": _decibels(rms[1]),
            "late_blocks": self.late_blocks,
            "p99_ms": self.p99_ms(),
            "xruns": self.xruns,
            "muted": mixer.muted + mixer.output.muted,
        }

    def latency(self) -> dict[str, float]:
        """As `latency.report`."""
        return latency.report(self)

    def p99_ms(self) -> float:
        """What 99 of 100 of the latest commands have taken from `submit` to their sound at most."""
        measured = self._delays[: min(self._measured, len(self._delays))]
        if not len(measured):
            return 0.0
        return 1000.0 * (float(np.percentile(measured, 99)) + self.latency_s)

    # ---- for the device

    @property
    def asked(self) -> int:
        """Blocks that the device has asked for."""
        return self._ring.read + self._missed

    def hand_over(self, out: Block) -> None:
        """Fill `out` [T, C] with the next block, or with silence. Real-time safe unless `synchronous`."""
        while self._ring.empty:
            if not self.synchronous or self._closing or self.failure:
                out.fill(0.0)
                self._missed += 1
                self.late_blocks += self._sounds and not self._closing
                return
            self._ready.wait(0.1)
        now = time.monotonic()
        self._handed = now, self._ring.read * self.block_size
        if asked_s := self._ring.take(out):
            self._delays[self._measured % DELAYS] = now - asked_s
            self._measured += 1
        self._room.set()

    # ---- the render thread

    def start(self) -> None:
        """Begin to render; returns when the queue is full and the device can be started."""
        self._thread.start()
        self._preparing.start()
        while not self._ring.full and self._thread.is_alive():
            time.sleep(0.001)
        self._origin_s = time.monotonic()
        if self._pacing is not None:  # as after a late block
            self._pacing.finished(-CAREFUL_S, self._origin_s)

    def stop(self) -> None:
        """Fade out, let the device play what is left, and end the render thread."""
        self.submit([Panic()])
        deadline = time.monotonic() + MAX_FADE_S
        while self.running and (self._inbox or not self.mixer.silent) and time.monotonic() < deadline:
            time.sleep(0.001)
        queue_s = (self.ahead + 1) * self.block_size / self.mixer.sample_rate
        time.sleep(min(queue_s + self.latency_s, MAX_FADE_S))
        self._closing = True
        for thread in (self._thread, self._preparing):  # none may be inside the decoder when Python ends
            if thread.is_alive():
                thread.join(timeout=MAX_FADE_S)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def replace_thread(self) -> None:
        """Render on in a new thread, because this one hangs in an effect, which raises should it return."""
        priority.last(self._thread.native_id)
        timeouts.abandon(self._thread)
        self._late_before = self.late_blocks  # the decoder is not to blame
        self._thread = threading.Thread(target=self._run, args=(True,), name="render", daemon=True)
        self._thread.start()

    def _run(self, amid_a_block: bool = False) -> None:
        priority.first()
        try:
            if amid_a_block:  # as it was when the effect hung
                self._pass_on(np.clip(self._ring.slot(), -1.0, 1.0, out=self._ring.slot()))
            while not self._closing:
                wait_s = 0.1 if self._ring.full else self._spare_s()
                if wait_s > 0.0:
                    self._room.wait(min(wait_s, 0.1))
                    continue
                self._follow_clock()
                self._render()
        except HungError:
            return
        except Exception as error:  # told by whoever watches `failure`; the device plays silence from here on
            self.failure = error

    def _spare_s(self, begun: int | None = None) -> float:
        """Seconds until the next block has to be begun, if so many streams begin in it; 0 or less is now.

        None is as many as what has come in begins.
        """
        if self._pacing is None:
            return 0.0
        if begun is None:
            begun = self.mixer.streams_begun(c for _, c in tuple(self._inbox) if not isinstance(c, Change))
        now, mixer = time.monotonic(), self.mixer
        lead_s = self._pacing.lead_s(mixer.cost, mixer.streaming, begun, self._load, now, self._sounds)
        return self._left_s(now) - lead_s

    def _left_s(self, now: float) -> float:
        """Seconds until the device takes the next block to be rendered."""
        return self._origin_s + self._ring.written * self.block_size / self.mixer.sample_rate - now

    def lead_s(self, *, streaming: int = 0, begun: int = 0) -> float:
        """How long before its time a block is begun, in seconds, with so many streams that go on or begin."""
        if self._pacing is None:
            return self.ahead * self.block_size / self.mixer.sample_rate
        now, sounds = time.monotonic(), self._sounds or streaming > 0
        return self._pacing.lead_s(self.mixer.cost, streaming, begun, self._load, now, sounds)

    def _render(self) -> None:
        self._hurried = False
        while self._inbox:
            self._new.append(self._inbox.popleft())
        if self._new and self._pacing is not None:  # what takes long is done behind a longer queue
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
        asked_s = self._asked_s if self._new else 0.0
        if asked_s:
            self._asked_s = 0.0
        self._new.clear()
        self._render_block(asked_s)

    def _keep_up(self) -> None:
        """Decode more at a time where the load is high; better one voice less than all of them torn."""
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

    def _render_block(self, asked_s: float = 0.0) -> None:
        self._keep_up()
        begun_s = time.monotonic()
        block = self._ring.slot()
        self._crossfade.render(block)
        if self.effects is not None:
            self.effects.process(block)
        now = time.monotonic()
        self._load.took(now - begun_s, self.mixer.streaming > 0, now)
        self._pass_on(block, asked_s)

    def _pass_on(self, block: Block, asked_s: float = 0.0) -> None:
        if self._sink is not None:
            self._sink.write(block)
        self._note_spare()
        sounds = bool(block.any())
        self._ring.commit(asked_s)
        self._sounds = sounds
        self._ready.set()

    def _note_spare(self) -> None:
        """Tell the pacing how long before its time a block is finished that would leave a hole."""
        now, (at, sample) = time.monotonic(), self._handed
        if self._pacing is not None and self._sounds and sample and now - at < CLOCK_JUMP_S:
            later_s = (self._ring.written * self.block_size - sample) / self.mixer.sample_rate
            self._pacing.finished(at + later_s - now, now)

    def _prepare(self) -> None:
        """Decode ahead what the mixer wants, beside everything else, but before other programs."""
        while not self._closing:
            if not self.mixer.sound_cache.work():
                time.sleep(PREPARE_S)

    def _follow_clock(self) -> None:
        """Learn from the latest hand-over when device sample 0 was; hand-overs are a little early or late."""
        at, sample = self._handed
        if sample == 0:
            return
        off = at - sample / self.mixer.sample_rate - self._origin_s
        if abs(off) > CLOCK_JUMP_S:
            self._origin_s += off
        else:
            self._origin_s += CLOCK_GAIN * off
