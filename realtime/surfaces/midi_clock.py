"""Converts the MIDI clock of an external sequencer to messages for our sequencer. Has no port or clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import mido
import numpy as np

from realtime.control.protocol import Message
from realtime.synth.quantities import TEMPO_BPM

TICKS_PER_BEAT = 24
TICKS_PER_POSITION = 6  # in a unit of the song position
AGAIN_TICKS = 6  # from one report of the beat to the next
FITTED = 24  # ticks from which the tempo is estimated
STRAY_S = 0.002  # a tick is a stray if it is further from the line (see `MidiClock`), in seconds,
STRAY = 3.0  # and further than this multiple of the root mean square distance of the other ticks
SURE = 6  # ticks that a line needs before another tick can be a stray
STRAYS, STEADY_S = 3, 0.0007  # ticks in a row off the line; largest RMS distance from a line of their own
MOST_STRAYS = 12  # after so many ticks without two in a row on the line, only these count
MOST_LOST = 8  # ticks that may be missing in a row,
UNEVEN = 0.1  # if the gap is a whole number of periods to within this share of one
MANY = 12  # ticks that a line needs before its tempo is certain
SAME, WHOLE = 0.02, 0.05  # tolerance of equal periods and of whole multiples, as shares of a period
ROUGH = 1.5  # a performer's changes of tempo keep the ratio of neighbouring gaps below this
DISORDER_S = 3.0  # a line older than this no longer counts as the line before the disorder
PAUSE_S = 0.5  # gap after which a new line begins; the slowest clock has a tick every 125 ms


class MidiClock:
    """Estimates beat and tempo from clock messages (ticks); a line through the latest ticks smooths jitter.

    A tick off the line is late or begins another line; the ticks after it show which. If two in a row are on
    the line, those before were late. If three in a row are on a line of their own, that line shows what
    happened: ticks were lost if it is the old line shifted by whole ticks; otherwise the tempo or the place
    has changed. Ticks were also lost at a change of tempo if one gap there is longer than a tick at either
    tempo and lasts a whole number of ticks at a tempo between them. After a longer disorder, such as a stall
    of the computer, ticks were lost if the clock continues at its previous tempo, shifted by whole ticks.
    A clock has no effect until it is started, because many controllers send a clock all the time.
    """

    def __init__(self) -> None:
        self._running = self._starting = False
        self._tick = -1  # number of the latest tick; tick 0 is beat 0
        self._times: deque[tuple[int, float]] = deque(maxlen=FITTED)
        self._near = True  # the latest tick is on the line
        self._strays: list[tuple[int, float]] = []  # from a tick off the line on, until two are on it
        self._left: tuple[int, float, float] | None = None  # tick, time and period of the last sure line
        self._latest_s, self._gap_s = -math.inf, 0.0  # the latest tick's time, and the gap before it
        self._rough_s = -math.inf  # latest time at which neighbouring gaps differed much

    def feed(self, message: mido.Message, at: float) -> tuple[Message, ...]:
        """Return the sequencer messages for a MIDI message.

        Args:
            message: of any type; types other than those of the clock have no effect.
            at: time of its arrival in seconds, always by the same clock.
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
        """Number the ticks so that the latest one is `tick`."""
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
            if self._left is not None and len(self._times) >= MANY:
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
        """Count the ticks that are missing among the first ones, by the gaps between them."""
        numbers, times = np.array(self._times).T
        gaps = np.diff(times) / max(float(np.median(np.diff(times))), 1e-6)
        whole = np.rint(gaps)
        extra = np.where((whole <= MOST_LOST) & (np.abs(gaps - whole) < UNEVEN), whole - 1, 0)
        lost = np.maximum(np.cumsum([0, *extra]), 0)  # -1 for no gap: the tick before was late
        self._times = deque(zip((numbers + lost).astype(int).tolist(), times.tolist(), strict=True), FITTED)
        self._tick += int(lost[-1])

    def _renew(self, latest: list[tuple[int, float]], period: float, time: float) -> None:
        """Continue with another line: through the latest ticks, or the old one after lost ticks."""
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
        """Return the number of ticks lost at a change of tempo; 0 unless exactly one gap there is too long.

        Args:
            before: seconds from tick to tick until the change.
            after: the same from then on.
        """
        _, last, _ = _line(self._times, self._times[-1][0])
        gaps = np.diff([last, *(at for _, at in self._strays[: 1 - STRAYS])])
        least, most = sorted((before, after))
        ticks = [_ticks(gap, least, most) for gap in gaps]
        long = [count for count in ticks if count != 1]
        return long[0] - 1 if len(ticks) <= STRAYS and len(long) == 1 and long[0] else 0

    def _rejoin(self, left: tuple[int, float, float]) -> None:
        """Count the ticks lost since the last sure line, if the latest ticks are on a steady line again."""
        number, time, before = left
        after, at, distance = _line(list(self._times)[-MANY:], self._tick)
        shift = (at - time) / before - (self._tick - number)
        lost = round(shift)
        steady = distance <= STEADY_S
        if at - time > DISORDER_S or (steady and abs(after - before) > SAME * before):
            self._left = None
        elif steady and lost and abs(shift - lost) < WHOLE and self._rough_s > time:
            self._number(self._tick + lost)
            self._left = left

    def _begin(self, ticks: Sequence[tuple[int, float]]) -> None:
        if len(self._times) >= MANY:
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
    """Return how many ticks of between `least` and `most` seconds a gap lasts; 0 if no whole number fits."""
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
    """Return the latest tick, its time and the period by medians, which a few late ticks do not move.

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
