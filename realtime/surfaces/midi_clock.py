"""MIDI clock: start, stop and position of an external sequencer, as messages for ours. No port, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import mido
import numpy as np

from realtime.control.protocol import Message
from realtime.synth.quantities import TEMPO_BPM

TICKS_PER_BEAT = 24
TICKS_PER_POSITION = 6  # of a song position
AGAIN_TICKS = 6  # from one report of the beat to the next
FITTED = 24  # ticks that the tempo is estimated from
STRAY_S = 0.002  # distance of a tick from the line that jitter explains, in s,
STRAY = 3.0  # or as a multiple of the root mean square of the others' distances
SURE = 6  # ticks on a line that may call another one a stray
STRAYS, STEADY_S = 3, 0.0007  # ticks in a row off the line, and their distance from a line of their own
MOST_STRAYS = 12  # ticks in a row off the line after which only they count
MOST_LOST = 8  # ticks that may be missing in a row,
UNEVEN = 0.1  # if the gap is a whole number of periods to within this share of one
PAUSE_S = 0.5  # gap after which a clock begins anew; the slowest has a tick every 125 ms


class MidiClock:
    """Estimates beat and tempo from clock messages; a line through the latest ticks smooths their jitter.

    A tick off the line is late or begins another line, and only the ticks after it show which. When three in
    a row are on a line of their own, ticks were lost if that line is the old one shifted by whole ticks;
    otherwise the tempo or the place has changed. A clock that was not started moves nothing: many controllers
    send one all the time.
    """

    def __init__(self) -> None:
        self._running = self._starting = False
        self._tick = -1  # number of the latest tick; tick 0 is beat 0
        self._times: deque[tuple[int, float]] = deque(maxlen=FITTED)
        self._strays: list[tuple[int, float]] = []  # the latest ticks, if off the line

    def feed(self, message: mido.Message, at: float) -> tuple[Message, ...]:
        """Return the sequencer messages that a message received at monotonic time `at` stands for."""
        match message.type:
            case "start":
                self._number(-1)
                self._running = self._starting = True
            case "continue":
                self._running = self._starting = True
            case "songpos":
                self._number(TICKS_PER_POSITION * message.pos - 1)
            case "stop":
                was, self._running = self._running, False
                return (Message("/morph/seq/stop"),) if was else ()
            case "clock":
                self._count(at)
                if self._running and (self._starting or self._tick % AGAIN_TICKS == 0):
                    return self._report(at)
        return ()

    def _number(self, tick: int) -> None:
        """Number the ticks so that the latest one is `tick`."""
        moved = tick - self._tick
        self._times = deque(((number + moved, time) for number, time in self._times), FITTED)
        self._strays = [(number + moved, time) for number, time in self._strays]
        self._tick = tick

    def _count(self, at: float) -> None:
        self._tick += 1
        if at - max((time for _, time in (*self._times, *self._strays)), default=at) > PAUSE_S:
            self._begin([])
        if self._is_near(at):
            self._times.append((self._tick, at))
            self._strays.clear()
            if len(self._times) == SURE:
                self._fill()
            return
        self._strays.append((self._tick, at))
        latest = self._strays[-STRAYS:]
        period, time, distance = _line(latest, self._tick)
        if len(latest) == STRAYS and distance <= STEADY_S and TEMPO_BPM.accepts(_bpm(period)):
            self._renew(latest, period, time)
        elif len(self._strays) == MOST_STRAYS:
            self._begin(self._strays)

    def _is_near(self, at: float) -> bool:
        """Return True if the latest tick is on the line, or if there are too few ticks to tell."""
        if len(self._times) < SURE:
            return True
        _, time, distance = _line(self._times, self._tick)
        return abs(at - time) <= max(STRAY_S, STRAY * distance)

    def _fill(self) -> None:
        """Count the ticks that are missing among the first ones, by the gaps between them."""
        numbers, times = np.array(self._times).T
        gaps = np.diff(times) / max(float(np.median(np.diff(times))), 1e-6)
        whole = np.rint(gaps)
        lost = np.where((whole <= MOST_LOST) & (np.abs(gaps - whole) < UNEVEN), np.maximum(whole - 1, 0), 0)
        moved = numbers + np.concatenate(([0], np.cumsum(lost)))
        self._times = deque(zip(moved.astype(int).tolist(), times.tolist(), strict=True), FITTED)
        self._tick += int(lost.sum())

    def _renew(self, latest: list[tuple[int, float]], period: float, time: float) -> None:
        """Continue with another line: through the latest ticks, or the old one after lost ticks."""
        before, expected, _ = _line(self._times, self._tick)
        shift = (time - expected) / max(before, 1e-6)
        lost = round(shift)
        if 1 <= lost <= MOST_LOST and abs(shift - lost) < UNEVEN and abs(before - period) < UNEVEN * period:
            self._times.extend((number + lost, at) for number, at in latest)
            self._tick += lost
            self._strays.clear()
        else:
            self._begin(latest)

    def _begin(self, ticks: Sequence[tuple[int, float]]) -> None:
        self._times, self._strays = deque(ticks, FITTED), []

    def _report(self, at: float) -> tuple[Message, ...]:
        if len(self._times) < 2:
            return ()
        period, time, _ = _line(self._times, self._tick)
        bpm = _bpm(period)
        if not TEMPO_BPM.accepts(bpm):
            return ()
        beat = (self._tick + (at - time) / period) / TICKS_PER_BEAT
        start = (Message("/morph/seq/start"),) if self._starting else ()
        self._starting = False
        return (Message("/morph/seq/beat", (beat, bpm)), *start)


def _bpm(period: float) -> float:
    return 60.0 / (TICKS_PER_BEAT * max(period, 1e-6))


def _line(ticks: Sequence[tuple[int, float]], number: int) -> tuple[float, float, float]:
    """Fit a line to some ticks, by least squares.

    Returns:
        Seconds from tick to tick, the time of tick `number`, and the root mean square distance of the ticks.
    """
    numbers, times = np.array(ticks).T
    middle, mean = numbers.mean(), times.mean()
    numbers, times = numbers - middle, times - mean
    squares = float(numbers @ numbers)
    period = float(numbers @ times) / squares if squares else 0.0
    distance = float(np.sqrt(np.mean((times - period * numbers) ** 2)))
    return period, float(mean + period * (number - middle)), distance
