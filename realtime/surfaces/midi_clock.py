"""Converts an external sequencer's MIDI clock to messages for our sequencer, without a port or a clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import mido
import numpy as np

from realtime.control.protocol import Message
from realtime.synth.quantities import TEMPO_BPM

TICKS_PER_BEAT = 24
TICKS_PER_POSITION = 6  # ticks in a unit of MIDI's song position
AGAIN_TICKS = 6  # ticks from one report of the beat to the next
FITTED = 24  # number of ticks to which the line (see `MidiClock`) is fitted
STRAY_S = 0.002  # a stray is a tick that is farther from the line than this,
STRAY = 3.0  # and farther than this multiple of the other ticks' root mean square (RMS) distance
SURE = 6  # ticks that a line needs before another tick can be a stray
STRAYS, STEADY_S = 3, 0.0007  # number of successive strays that begin a new line; their maximum RMS distance
MOST_STRAYS = 12  # a new line begins after this many ticks without two in a row on the line
MOST_LOST = 8  # maximum number of ticks that count as lost in a gap
UNEVEN = 0.1  # ticks were lost if a gap is a whole number of periods, to within this fraction of a period
CERTAIN_TICKS = 12  # ticks that a line needs before its tempo is certain
PERIOD_TOLERANCE = 0.02  # largest difference between two equal periods, in periods
COUNT_TOLERANCE = 0.05  # largest distance of a shift from a whole number of periods, in periods
ROUGH = 1.5  # a performer's changes of tempo keep the ratio of neighbouring gaps below this
DISORDER_S = 3.0  # after a longer disorder, the line before the disorder is ignored
PAUSE_S = 0.5  # gap after which a new line begins; the slowest clock sends a tick every 125 ms


class MidiClock:
    """Estimates beat and tempo from clock messages, which are called ticks.

    A straight line, fitted to the times of the latest ticks, smooths jitter. A tick off the line is either
    late or on a new line; the ticks that follow it show which. If two ticks in a row are on the old line, the
    ticks before these two were late. If three ticks in a row are on a new line, that line shows what
    happened: if it is the old line delayed by a whole number of ticks, ticks were lost; otherwise, the tempo
    or the position has changed. At a change of tempo, ticks were lost if exactly one gap is longer than a
    tick at either tempo, and lasts a whole number of ticks at a tempo between the two. After a longer
    disorder, such as a stall of the computer, ticks were lost if the clock continues at its previous tempo,
    delayed by a whole number of ticks.

    Ticks have no effect before a start or continue message, because many controllers send ticks all the time.
    """

    def __init__(self) -> None:
        self._running = self._starting = False
        self._tick = -1  # number of the latest tick; tick 0 is beat 0
        self._times: deque[tuple[int, float]] = deque(maxlen=FITTED)
        self._near = True  # the latest tick is on the line
        self._strays: list[tuple[int, float]] = []  # the ticks since two in a row were on the line
        self._left: tuple[int, float, float] | None = None  # latest certain line: tick, time, period
        self._latest_s, self._gap_s = -math.inf, 0.0  # the latest tick's time, and the gap before it
        self._rough_s = -math.inf  # latest time at which neighbouring gaps differed a lot

    def feed(self, message: mido.Message, at: float) -> tuple[Message, ...]:
        """Return the sequencer messages for a MIDI message.

        Args:
            message: of any type; types other than those of the clock have no effect.
            at: arrival time in seconds, by the same clock for all messages.
        """
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
        """Renumber the ticks, to give the latest tick the number `tick`."""
        moved = tick - self._tick
        self._times = deque(((number + moved, time) for number, time in self._times), FITTED)
        self._strays = [(number + moved, time) for number, time in self._strays]
        if self._left is not None:
            number, time, period = self._left
            self._left = number + moved, time, period
        self._tick = tick

    def _count(self, at: float) -> None:
        self._tick += 1
        gap_s, self._latest_s = at - self._latest_s, at
        if gap_s * ROUGH < self._gap_s or gap_s > ROUGH * self._gap_s:
            self._rough_s = at
        self._gap_s = gap_s
        if gap_s > PAUSE_S:
            self._begin([])
            self._left = None
        before, self._near = self._near, self._is_near(at)
        self._strays.append((self._tick, at))
        if before and self._near:
            self._times.extend(self._strays[-2:])
            self._strays.clear()
            if len(self._times) == SURE:
                self._fill()
            if self._left is not None and len(self._times) >= CERTAIN_TICKS:
                self._rejoin(self._left)
            return
        latest = self._strays[-STRAYS:]
        period, time, distance = _line(latest, self._tick)
        steady = len(latest) == STRAYS and distance <= STEADY_S and TEMPO_BPM.accepts(_bpm(period))
        if steady and not self._near:
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
        """Count the ticks that are missing among the first ticks of a line, based on the gaps."""
        numbers, times = np.array(self._times).T
        gaps = np.diff(times) / max(float(np.median(np.diff(times))), 1e-6)
        whole = np.rint(gaps)
        extra = np.where((whole <= MOST_LOST) & (np.abs(gaps - whole) < UNEVEN), whole - 1, 0)
        lost = np.maximum(np.cumsum([0, *extra]), 0)  # -1 for no gap: the tick before was late
        self._times = deque(zip((numbers + lost).astype(int).tolist(), times.tolist(), strict=True), FITTED)
        self._tick += int(lost[-1])

    def _renew(self, latest: list[tuple[int, float]], period: float, time: float) -> None:
        """Continue with a new line through the latest ticks, or with the old line if ticks were lost."""
        before, expected, _ = _line(self._times, self._tick)
        shift = (time - expected) / max(before, 1e-6)
        lost = round(shift)
        whole = 1 <= lost <= MOST_LOST and abs(shift - lost) < UNEVEN
        same = whole and abs(before - period) < UNEVEN * period
        if not same:
            lost = self._lost_at_change(before, period)
        latest = [(number + lost, at) for number, at in latest]
        self._tick += lost
        if same:
            latest = [*self._times, *latest]
        self._begin(latest)

    def _lost_at_change(self, before: float, after: float) -> int:
        """Return the number of ticks lost at a change of tempo if exactly one gap is too long, or 0.

        Args:
            before: seconds from tick to tick until the change.
            after: seconds from tick to tick after the change.
        """
        _, last, _ = _line(self._times, self._times[-1][0])
        gaps = np.diff([last, *(at for _, at in self._strays[: 1 - STRAYS])])
        least, most = sorted((before, after))
        ticks = [_ticks(gap, least, most) for gap in gaps]
        long = [count for count in ticks if count != 1]
        return long[0] - 1 if len(ticks) <= STRAYS and len(long) == 1 and long[0] else 0

    def _rejoin(self, left: tuple[int, float, float]) -> None:
        """Count the ticks lost since the last certain line (`left`), if the latest ticks are steady again."""
        number, time, before = left
        after, at, distance = _line(list(self._times)[-CERTAIN_TICKS:], self._tick)
        shift = (at - time) / before - (self._tick - number)
        lost = round(shift)
        steady = distance <= STEADY_S
        if at - time > DISORDER_S or (steady and abs(after - before) > PERIOD_TOLERANCE * before):
            self._left = None
        elif steady and lost and abs(shift - lost) < COUNT_TOLERANCE and self._rough_s > time:
            self._number(self._tick + lost)
            self._left = left

    def _begin(self, ticks: Sequence[tuple[int, float]]) -> None:
        if len(self._times) >= CERTAIN_TICKS:
            self._left = _sure_line(self._times) or self._left
        self._times, self._strays, self._near = deque(ticks, FITTED), [], True

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


def _ticks(gap: float, least: float, most: float) -> int:
    """Return the number of ticks, each of `least` to `most` seconds, that fits a gap; 0 if no number fits."""
    counts = range(1, MOST_LOST + 2)
    return next((n for n in counts if (n - UNEVEN) * least <= gap <= (n + UNEVEN) * most), 0)


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


def _sure_line(ticks: Sequence[tuple[int, float]]) -> tuple[int, float, float] | None:
    """Return the number of the latest tick, its time, and the period, in seconds.

    Time and period are estimated by medians, which a few late ticks do not change.

    Returns:
        None if the median distance of the ticks from this line is `STEADY_S` or more.
    """
    numbers, times = np.array(ticks).T
    half = len(ticks) // 2
    period = float(np.median((times[half:] - times[:-half]) / (numbers[half:] - numbers[:-half])))
    rest = times - period * numbers
    middle = float(np.median(rest))
    if float(np.median(np.abs(rest - middle))) >= STEADY_S:
        return None
    return int(numbers[-1]), middle + period * float(numbers[-1]), period
