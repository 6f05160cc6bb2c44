"""Tracks the point, which is the position in the latent space that the performer moves.

The tracked point includes moves that the engine has not carried out yet. Moves can be undone.
"""

from __future__ import annotations

from collections.abc import Callable

from realtime.control.state.history import History
from realtime.control.state.schedule import Schedule
from realtime.synth.commands import SetAxis, SetDimension, Z
from realtime.util.errors import ControlError

MAX_SCHEDULED = 4096  # maximum number of scheduled moves
FRESH_S = 0.1  # time for a move to reach the mixer; until then, the move's target counts as the point


class TrackedPoint:
    """The current point, its scheduled moves, and its history for undo.

    Args:
        player_z: returns the point of the engine.

    Attributes:
        level_db: dB to add to the level of hits at the point.
        needs_before: True if the current messages begin a gesture (quick moves that are undone as a whole)
            and the point before the gesture is not stored yet.
    """

    def __init__(self, player_z: Callable[[], Z]) -> None:
        self._player_z = player_z
        self._history: History[Z] = History()
        self._target: tuple[Z, float] | None = None  # target and time of the latest immediate move
        self._scheduled: Schedule[Z | None] = Schedule(MAX_SCHEDULED)  # targets of scheduled moves
        self._alone = False
        self.level_db = 0.0
        self.needs_before = False

    def at(self, now: float, due: float | None = None) -> Z:
        """Return the point now, or at `due` (monotonic, in seconds). A move just submitted counts as done."""
        if due is not None and (ahead := self._scheduled.until(due)):
            return ahead[-1] or self._player_z()
        if self._target and now - self._target[1] < FRESH_S:
            return self._target[0]
        return self._player_z()

    def pass_time(self, now: float) -> None:
        """Apply the scheduled moves that are due."""
        for due, z in self._scheduled.take(now):
            self._target = None if z is None else (z, due)

    def forget_scheduled(self) -> None:
        """Drop the scheduled moves."""
        self._scheduled.forget()

    def expect(self, *, alone: bool) -> None:
        """Prepare for messages that are handled together; `alone` is True if there is only one message."""
        self._alone, self.needs_before = alone, False

    def note_move(self, z: Z | None, due: float | None, now: float) -> None:
        """Record a move at monotonic time `due`: a jump to `z`, or a glide if `z` is None.

        If the move begins a gesture, store the point before the gesture. But if the message came alone, only
        set `needs_before`; the caller then passes the point that the engine returns, which is more recent, to
        `keep_before`.
        """
        self.level_db = 0.0
        if self._history.begins(now):
            if self._alone:
                self.needs_before = True
            else:
                self._history.keep(self.at(now))
        self._set_target(z, due, now)

    def keep_before(self, z: Z) -> None:
        """Store the point before the gesture that has begun."""
        self._history.keep(z)

    def undo(self, again: bool, due: float | None, now: float) -> Z:
        """Return the point to which undo moves the engine (if `again`: redo), and record this move.

        Raises:
            ControlError: there is nothing to undo or redo.
        """
        here = self.at(now)
        z = self._history.redo(here) if again else self._history.undo(here)
        if z is None:
            raise ControlError(f"nothing to {'redo' if again else 'undo'}")
        self._set_target(z, due, now)
        self.level_db = 0.0
        return z

    def _set_target(self, z: Z | None, due: float | None, now: float) -> None:
        if due is not None and due > now:
            self._scheduled.add(due, z)
        else:
            self._target = None if z is None else (z, now)


def moved(z: Z, command: SetDimension | SetAxis) -> Z:
    """Return the point to which the command moves `z`."""
    if isinstance(command, SetDimension):
        return (*z[: command.index], command.value, *z[command.index + 1 :])
    along = sum((x - o) * a for x, o, a in zip(z, command.origin, command.axis, strict=True))
    return tuple(x + (command.value - along) * a for x, a in zip(z, command.axis, strict=True))
