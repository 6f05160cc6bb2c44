"""MIDI clock: start, stop and place of a sequencer elsewhere, as messages for ours. No port, no clock."""

from __future__ import annotations

from collections import deque

import mido
import numpy as np

from realtime.control.protocol import Message
from realtime.synth.quantities import TEMPO_BPM

TICKS_PER_BEAT = 24
TICKS_PER_POSITION = 6  # of a song position
AGAIN_TICKS = 6  # from one report of the beat to the next
FITTED = 24  # ticks that the tempo is estimated from
STRAY_S = 0.002  # distance of a tick from the line through the earlier ones that jitter explains


class MidiClock:
    """Estimates beat and tempo from clock messages; a line through the latest ticks smooths their jitter.

    A clock that was not started moves nothing: many controllers send one all the time.
    """

    def __init__(self) -> None:
        self._running = self._starting = False
        self._tick = -1  # number of the latest tick; tick 0 is beat 0
        self._times: deque[tuple[int, float]] = deque(maxlen=FITTED)
        self._strayed = 0  # ticks in a row off the line

    def feed(self, message: mido.Message, at: float) -> tuple[Message, ...]:
        """Return what a message means for our sequencer at monotonic time `at`, when it came."""
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
        self._tick = tick

    def _count(self, at: float) -> None:
        self._tick += 1
        if len(self._times) >= 3:
            self._strayed = self._strayed + 1 if abs(at - self._line()[1]) > STRAY_S else 0
            if self._strayed >= 2:  # a new tempo, not jitter
                self._times = deque(list(self._times)[-1:], FITTED)
                self._strayed = 0
        self._times.append((self._tick, at))

    def _line(self) -> tuple[float, float]:
        """Return the seconds of a tick, and the time of the latest tick, by the line through all."""
        numbers, times = np.array(self._times).T
        period, time = np.polyfit(numbers - self._tick, times - times[-1], 1)
        return float(period), float(time + times[-1])

    def _report(self, at: float) -> tuple[Message, ...]:
        if len(self._times) < 2:
            return ()
        period, time = self._line()
        bpm = 60.0 / (TICKS_PER_BEAT * max(period, 1e-6))
        if not TEMPO_BPM.accepts(bpm):
            return ()
        beat = (self._tick + (at - time) / period) / TICKS_PER_BEAT
        start = (Message("/morph/seq/start"),) if self._starting else ()
        self._starting = False
        return (Message("/morph/seq/beat", (beat, bpm)), *start)
