"""The drum sequencer: which hits are due between two device samples. No threads, no clock.

Steps lie on a grid that is worked out in whole numbers, so no error adds up. A step of the loop is a quarter
of a beat; swing gives the first step of each pair more of the pair's time. The grid starts anew, at a step
and its sample, where tempo or swing change: the tempo with the next step, the swing with the next pair.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

from realtime.synth.commands import Panic, Sequencing, SetClock, SetStep, StartSteps, StopSteps, Trigger
from realtime.synth.quantities import STEPS, SWING, TEMPO_BPM

SECONDS_A_STEP = 15  # at one beat a minute


@dataclass(frozen=True)
class Grid:
    """Where steps lie, from step `first` at device sample `origin` on.

    Attributes:
        milli_bpm: thousandths of a beat a minute.
        swing: thousandths of a pair of steps that its first one takes.
    """

    sample_rate: int
    milli_bpm: int = round(1000 * TEMPO_BPM.default)
    swing: int = round(10 * SWING.default)
    first: int = 0
    origin: int = 0

    def sample(self, step: int) -> int:
        """Return the device sample of a step, counted from the start of the loop, to the nearest."""
        scaled = (self._place(step) - self._place(self.first)) * SECONDS_A_STEP * self.sample_rate
        return self.origin + (2 * scaled + self.milli_bpm) // (2 * self.milli_bpm)

    def _place(self, step: int) -> int:
        """Return the place of a step in thousandths of a straight step."""
        pair, second = divmod(step, 2)
        return 2 * (1000 * pair + self.swing * second)


class Sequencer:
    """Plays a loop of steps, each of which has hits.

    Args:
        sample_rate: of the device, in Hz.

    Attributes:
        step: of the loop, played last; -1 at rest.
    """

    def __init__(self, sample_rate: int) -> None:
        self.step = -1
        self._hits: dict[int, tuple[Trigger, ...]] = {}
        self._steps = int(STEPS.default)
        self._grid = self._wanted = Grid(sample_rate)
        self._next: tuple[int, int] | None = None  # number and sample of the next step; None at rest
        self._commands: list[tuple[int, int, Sequencing | Panic]] = []
        self._order = count()

    def submit(self, command: Sequencing | Panic, at_sample: int = 0) -> None:
        """Have a command carried out at a device sample, or as soon as possible if that has been taken.

        A panic stops the loop, and drops the commands that were submitted before it for later.
        """
        heapq.heappush(self._commands, (at_sample, next(self._order), command))

    def take(self, begin: int, end: int) -> list[tuple[int, Trigger]]:
        """Return the hits from device sample `begin` to before `end`, each with its sample, in order.

        `begin` is the `end` of the call before; what is returned does not depend on where one call ends.
        """
        taken: list[tuple[int, Trigger]] = []
        while True:
            command_at = max(self._commands[0][0], begin) if self._commands else end
            step_at = end if self._next is None else self._next[1]
            if min(command_at, step_at) >= end:
                return taken
            if command_at <= step_at:
                _, order, command = heapq.heappop(self._commands)
                self._carry_out(command, command_at, order)
            else:
                taken += self._play()

    def coming(self, end: int) -> tuple[Trigger, ...]:
        """Return the hits of the next step, if it lies before device sample `end`."""
        if self._next is None or self._next[1] >= end:
            return ()
        return self._hits.get(self._next[0] % self._steps, ())

    def _play(self) -> list[tuple[int, Trigger]]:
        """Return the hits of the next step, and turn to the one after it."""
        assert self._next is not None
        number, at = self._next
        self.step = number % self._steps
        hits = self._hits.get(self.step, ())
        self._regrid(number, at)
        self._next = number + 1, self._grid.sample(number + 1)
        return [(at, hit) for hit in hits]

    def _regrid(self, number: int, at: int) -> None:
        """Follow tempo and swing as they are wanted now, from step `number` at sample `at` on."""
        grid, wanted = self._grid, self._wanted
        swing = grid.swing if number % 2 else wanted.swing
        if (wanted.milli_bpm, swing) != (grid.milli_bpm, grid.swing):
            self._grid = Grid(grid.sample_rate, wanted.milli_bpm, swing, number, at)

    def _carry_out(self, command: Sequencing | Panic, at: int, order: int) -> None:
        match command:
            case SetStep(index, hits):
                self._hits[index] = hits
            case SetClock(bpm, swing, steps):
                self._steps = steps
                self._wanted = Grid(self._grid.sample_rate, round(1000 * bpm), round(10 * swing))
            case StartSteps():
                wanted = self._wanted
                self._grid = Grid(wanted.sample_rate, wanted.milli_bpm, wanted.swing, 0, at)
                self._next = 0, at
            case StopSteps():
                self._next, self.step = None, -1
            case Panic():
                self._next, self.step = None, -1
                self._commands = [c for c in self._commands if c[1] > order]
                heapq.heapify(self._commands)
