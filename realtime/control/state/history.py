"""Undo and redo of gestures, which are series of changes in quick succession."""

from __future__ import annotations

from typing import Generic, TypeVar

MAX_UNDO = 200  # maximum number of gestures that can be undone
GESTURE_S = 0.5  # changes less than this apart belong to the same gesture

State = TypeVar("State")


class History(Generic[State]):
    """The states before each gesture, for undo, and after each undone gesture, for redo."""

    def __init__(self) -> None:
        self._before: list[State] = []
        self._after: list[State] = []
        self._moved_s = float("-inf")

    def begins(self, now: float) -> bool:
        """Record a change at monotonic time `now`, in seconds; return True if the change begins a gesture.

        In that case, the caller must call `keep`.
        """
        fresh = now - self._moved_s >= GESTURE_S
        self._moved_s = now
        return fresh

    @property
    def undoable(self) -> bool:
        return bool(self._before)

    @property
    def redoable(self) -> bool:
        return bool(self._after)

    def keep(self, state: State) -> None:
        """Store the state before a new gesture; clear the redo history."""
        self._before = [*self._before[1 - MAX_UNDO :], state]
        self._after.clear()

    def undo(self, state: State) -> State | None:
        """Return the state before the latest gesture, or None; store the current `state` for `redo`."""
        return self._step(state, self._before, self._after)

    def redo(self, state: State) -> State | None:
        """Return the state before the latest undo, or None; store the current `state` for `undo`."""
        return self._step(state, self._after, self._before)

    def _step(self, state: State, source: list[State], other: list[State]) -> State | None:
        if not source:
            return None
        other.append(state)
        self._moved_s = float("-inf")  # the next change begins a new gesture
        return source.pop()
