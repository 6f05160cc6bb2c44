"""The commands that bring a restarted engine to the point, gain and mode of the previous engine.

"The point" here means the position in the latent space that the performer moves. The mode determines whether
a new hit follows the point or keeps the point at which the hit started.
"""

from __future__ import annotations

from realtime.control.state.point import moved
from realtime.control.state.schedule import Schedule
from realtime.synth.commands import Command, Gain, Goto, Mode, SetAxis, SetDimension, SetZ, Trigger, Z

MAX_SCHEDULED = 4096  # maximum number of scheduled commands


class StandingCommands:
    """Keeps the latest commands that set point, gain and mode. Call `adopt` first."""

    def __init__(self) -> None:
        self._home: Z = ()
        self._standing: dict[type[Command], Command] = {}
        self._scheduled: Schedule[Command] = Schedule(MAX_SCHEDULED)

    def adopt(self, home: Z) -> None:
        """Switch to another model, whose initial point is `home` [D]; keep gain and mode."""
        self._home = home
        self._standing.pop(SetZ, None)
        self.forget_scheduled()

    def forget_scheduled(self) -> None:
        """Drop the scheduled commands."""
        self._scheduled.forget()

    def pass_time(self, now: float) -> None:
        """Record the scheduled commands that are due."""
        for _, command in self._scheduled.take(now):
            self.note(command)

    def note(self, command: Command, due: float | None = None) -> None:
        """Record a command that takes effect at monotonic time `due`, or now."""
        if due is not None:
            self._scheduled.add(due, command)
            return
        match command:
            case SetZ(touch=None) | Gain() | Mode():
                self._standing[type(command)] = command
            case Goto(z, touch=None) | Trigger(z=tuple(z), touch=None):
                self._standing[SetZ] = SetZ(z)
            case SetDimension() | SetAxis():
                before = self._standing.get(SetZ)
                z = before.z if isinstance(before, SetZ) else self._home
                self._standing[SetZ] = SetZ(moved(z, command))

    def commands(self) -> list[Command]:
        """Return the commands for a restarted engine."""
        return list(self._standing.values())
