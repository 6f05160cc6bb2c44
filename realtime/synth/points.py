"""The paths of the points that voices follow.

*The point* here means the position z in the latent space that the performer moves; z is a list of D numbers.
A touch, such as a finger or a track, has a point of its own.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from realtime.synth.commands import Goto, SetAxis, SetDimension, SetZ, Trigger, Z
from realtime.synth.glide import Glide, Point

SETTLED_MS = 30.0  # when the point has rested for this long, its sound is decoded in advance


class Points:
    """Moves the point and the points of touches.

    Args:
        start: z [D] at the beginning.
        sample_rate: device sample rate in Hz.

    Attributes:
        glide: path of the point; immutable, so another thread may evaluate it.
        arrived: tickets (`Goto.ticket`) of the glides of the point that have ended.
    """

    def __init__(self, start: Z, sample_rate: int) -> None:
        self.glide = Glide.at_rest(start)
        self.arrived: deque[int] = deque(maxlen=1024)
        self._rate = sample_rate
        self._touches: dict[int, Glide] = {}
        self._settles_at: int | None = 0
        self._ticket: tuple[int, Glide] | None = None

    def of(self, touch: int | None) -> Glide:
        """Return the path of a touch, or the path of the point if the touch has no path."""
        return self.glide if touch is None else self._touches.get(touch, self.glide)

    def begin(self, touch: int | None) -> Glide:
        """Return the path for a new voice of a touch; a new touch starts on the path of the point."""
        return self.glide if touch is None else self._touches.setdefault(touch, self.glide)

    def place(self, trigger: Trigger, position: int) -> Point:
        """Return the z [D] at which the voice of a hit starts, at device sample `position`."""
        fixed = trigger.point
        z = self.begin(trigger.touch).at(position) if fixed is None else np.array(fixed)
        return z if trigger.offset is None else z + np.array(trigger.offset)

    def standing(self, position: int) -> list[SetZ | Goto]:
        """Return the commands that give another mixer these points at device sample `position`.

        The rest of a glide becomes a straight glide.
        """
        moves: list[SetZ | Goto] = []
        paths: list[tuple[int | None, Glide]] = [(None, self.glide), *self._touches.items()]
        for touch, glide in paths:
            moves.append(SetZ(tuple(float(x) for x in glide.at(position)), touch))
            if not glide.rests_at(position):
                ms = 1000.0 * (glide.end - position) / self._rate
                moves.append(Goto(tuple(float(x) for x in glide.target), ms, touch=touch))
        return moves

    def go(self, goto: Goto, position: int) -> None:
        """Start a glide at device sample `position`."""
        samples = round(goto.ms * self._rate / 1000)
        route = goto.z, position, samples, goto.curve, goto.path, goto.through
        if goto.touch is not None:
            self._touches[goto.touch] = self.of(goto.touch).towards(*route)
            return
        self.glide = self.glide.towards(*route)
        self._unsettle(position)
        self._ticket = (goto.ticket, self.glide) if goto.ticket else None

    def move(self, command: SetZ | SetDimension | SetAxis | Goto, position: int) -> None:
        """Execute a command that moves the point, or the point of a touch, at device sample `position`."""
        match command:
            case SetZ(z, touch):
                self.go(Goto(z, 0.0, touch=touch), position)
            case SetDimension(index, value):
                self.bend(self.glide.with_dimension(index, value), position)
            case SetAxis(axis, origin, value):
                self.bend(self.glide.with_axis(axis, origin, value), position)
            case Goto():
                self.go(command, position)

    def bend(self, glide: Glide, position: int) -> None:
        """Replace the path of the point with `glide`, which ends at the same time."""
        self.glide = glide
        self._unsettle(position)
        if self._ticket:
            self._ticket = self._ticket[0], glide

    def announce(self, position: int) -> None:
        """Record the ticket of a glide that has ended by device sample `position`."""
        if self._ticket and position >= self._ticket[1].end:
            self.arrived.append(self._ticket[0])
            self._ticket = None

    def settled(self, position: int) -> Point | None:
        """Return the point at the first call after it has rested for `SETTLED_MS`; otherwise None."""
        if self._settles_at is None or position < self._settles_at:
            return None
        self._settles_at = None
        return self.glide.target

    def _unsettle(self, position: int) -> None:
        rest = max(1, round(SETTLED_MS * self._rate / 1000))
        self._settles_at = max(self.glide.end, position) + rest
