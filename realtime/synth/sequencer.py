"""The drum sequencer: returns the hits, and the moves of the point, that are due between two device samples.

The point is the position in the latent space that the performer moves. A device sample is a sample of the
output. The sequencer has no threads and no clock. A step of its loop is a quarter of a beat. Swing lengthens
the first step of each pair and shortens the second step. The grid of steps is calculated in whole numbers;
rounding errors therefore do not accumulate. A change of tempo takes effect with the next step, a change of
swing with the next pair; the grid then restarts at the sample of that step.

`SetBeat` aligns the sequencer with an external beat, such as a MIDI clock: the next step moves to its sample
according to the beat. If that sample is more than half a step in the past, or more than one and a half steps
in the future, the loop jumps. After `FOLLOW_S` without a `SetBeat`, the sequencer no longer follows the
external beat.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from itertools import count
from math import floor

from realtime.synth.commands import (
    Goto,
    Panic,
    Sequencing,
    SetBeat,
    SetClock,
    SetStep,
    SetZ,
    StartSteps,
    StopSteps,
    Trigger,
    Z,
)
from realtime.synth.quantities import STEPS, SWING, TEMPO_BPM

SECONDS_PER_STEP = 15  # at one beat per minute
STEPS_PER_BEAT = 4
FOLLOW_S = 2.0  # after this time without an external beat, the sequencer no longer follows the beat
LATE_S = 0.03  # after a jump, the loop plays a step that is at most this late


@dataclass(frozen=True)
class Grid:
    """The grid of steps; it begins with step `first` at device sample `origin`.

    Attributes:
        sample_rate: device sample rate in Hz.
        milli_bpm: tempo in thousandths of a beat per minute.
        swing: duration of the first step of each pair, in thousandths of the pair's duration.
        first: number of the step with which the grid begins; numbers continue from pass to pass of the loop.
        origin: device sample of that step.
    """

    sample_rate: int
    milli_bpm: int = round(1000 * TEMPO_BPM.default)
    swing: int = round(10 * SWING.default)
    first: int = 0
    origin: int = 0

    def sample(self, step: int) -> int:
        """Return the device sample nearest to the start of a step; numbers continue from pass to pass."""
        scaled = (self._position(step) - self._position(self.first)) * SECONDS_PER_STEP * self.sample_rate
        return self.origin + (2 * scaled + self.milli_bpm) // (2 * self.milli_bpm)

    @property
    def step(self) -> float:
        """Duration of a straight step in device samples."""
        return 1000 * SECONDS_PER_STEP * self.sample_rate / self.milli_bpm

    def _position(self, step: int) -> int:
        """Return the position of a step in thousandths of a straight step."""
        pair, second = divmod(step, 2)
        return 2 * (1000 * pair + self.swing * second)


Played = SetZ | Goto | Trigger


class Sequencer:
    """Plays a loop of steps; each step has any number of hits, and may have a path for the point.

    Args:
        sample_rate: device sample rate in Hz.

    Attributes:
        step: index of the step played last; -1 when stopped.
    """

    def __init__(self, sample_rate: int) -> None:
        self.step = -1
        self._steps_set: dict[int, SetStep] = {}
        self._steps = int(STEPS.default)
        self._grid = self._wanted = Grid(sample_rate)
        self._next: tuple[int, int] | None = None  # number and sample of the next step; None when stopped
        self._beat: tuple[int, SetBeat] | None = None  # sample of the latest external beat, and the beat
        self._commands: list[tuple[int, int, Sequencing | Panic]] = []
        self._order = count()

    def submit(self, command: Sequencing | Panic, at_sample: int = 0) -> None:
        """Queue a command for device sample `at_sample`, or for the next sample if `at_sample` has passed.

        A panic stops the loop and drops the commands submitted before the panic.
        """
        heapq.heappush(self._commands, (at_sample, next(self._order), command))

    def take(self, begin: int, end: int) -> list[tuple[int, Played]]:
        """Return the hits and moves due from device sample `begin` to `end` - 1, in order: (sample, command).

        `begin` must be the `end` of the previous call. The result does not depend on how the time is divided
        into calls.
        """
        taken: list[tuple[int, Played]] = []
        while True:
            command_at = max(self._commands[0][0], begin) if self._commands else end
            step_at = end if self._next is None else self._next[1]
            if min(command_at, step_at) >= end:
                return taken
            if command_at <= step_at:
                asked, order, command = heapq.heappop(self._commands)
                self._execute(command, command_at, order, asked)
            else:
                taken += self._play()

    def coming(self, end: int) -> tuple[Played, ...]:
        """Return the hits and the first move of the next step if it begins before device sample `end`."""
        if self._next is None or self._next[1] >= end:
            return ()
        step = self._step(self._next[0])
        return (*(SetZ(z) for z in step.path[:1]), *step.hits)

    def _step(self, number: int) -> SetStep:
        index = number % self._steps
        return self._steps_set.get(index, SetStep(index, ()))

    def _play(self) -> list[tuple[int, Played]]:
        """Return the moves and hits of the next step, and advance to the following step."""
        assert self._next is not None
        number, at = self._next
        step = self._step(number)
        self.step = step.index
        self._regrid(number, at)
        end = self._grid.sample(number + 1)
        self._next = number + 1, end
        moves = _moves(step.path, 1000.0 * (end - at) / self._grid.sample_rate)
        return [(at, each) for each in (*moves, *step.hits)]

    def _regrid(self, number: int, at: int) -> None:
        """Apply changes of tempo and swing, beginning with step `number` at sample `at`."""
        grid, wanted = self._grid, self._wanted
        swing = grid.swing if number % 2 else wanted.swing
        if (wanted.milli_bpm, swing) != (grid.milli_bpm, grid.swing):
            self._grid = Grid(grid.sample_rate, wanted.milli_bpm, swing, number, at)

    def _execute(self, command: Sequencing | Panic, at: int, order: int, asked: int) -> None:
        """Execute a command at device sample `at`; `asked` is the sample for which it was submitted."""
        match command:
            case SetStep(index):
                self._steps_set[index] = command
            case SetClock(bpm, swing, steps):
                self._steps = steps
                if (external := self._followed(at)) is not None:
                    bpm = external[1].bpm
                self._wanted = Grid(self._grid.sample_rate, round(1000 * bpm), round(10 * swing))
            case SetBeat():
                origin = asked if asked > 0 else at  # a beat that arrives late counts from its own sample
                self._beat = origin, command
                wanted = self._wanted
                self._wanted = Grid(wanted.sample_rate, round(1000 * command.bpm), wanted.swing)
                if self._next is not None:
                    self._align(origin, command, at, self._next[0])
            case StartSteps() if (external := self._followed(at)) is not None:
                self._align(*external, at)
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

    def _followed(self, at: int) -> tuple[int, SetBeat] | None:
        """Return the sample of the external beat, and the beat; None if the beat is too old at `at`."""
        if self._beat is not None and at - self._beat[0] > FOLLOW_S * self._grid.sample_rate:
            self._beat = None
        return self._beat

    def _align(self, origin: int, beat: SetBeat, at: int, number: int | None = None) -> None:
        """Move the next step to its sample, counted from a beat at sample `origin`, but not before `at`.

        `number` is the next step. If it is None, or if its sample is more than half a step before `at` or
        more than one and a half steps after `at`, then the loop jumps to the first step that is not more than
        `LATE_S` late. A late step plays at once.
        """
        grid = replace(self._wanted, first=0, origin=0)
        start = origin - STEPS_PER_BEAT * beat.beat * grid.step  # sample of step 0
        if number is None or not -0.5 <= (start + grid.sample(number) - at) / grid.step <= 1.5:
            earliest = at - LATE_S * grid.sample_rate
            here = floor((earliest - start) / grid.step)
            number = next(n for n in range(here - 1, here + 3) if round(start + grid.sample(n)) >= earliest)
        place = round(start + grid.sample(number))
        self._grid = replace(grid, first=number, origin=place)
        self._next = number, max(place, at)


def _moves(path: tuple[Z, ...], ms: float) -> tuple[SetZ | Goto, ...]:
    """Return the moves that take the point along a path in `ms` milliseconds."""
    if len(path) < 2:
        return tuple(map(SetZ, path))
    return SetZ(path[0]), Goto(path[-1], ms, path="spline", through=path[1:-1])
