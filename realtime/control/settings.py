"""How messages are to be understood now: the settings of the hits to come, the glide in force, and undo."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Generic, TypeVar

from realtime.control.requests import ChangeSetting, Hit, Move
from realtime.synth.commands import Command, Goto, SetZ, Trigger
from realtime.synth.quantities import PITCH

MAX_LATER = 1024  # settings that wait for their time
MAX_UNDO = 200  # gestures that can be taken back
GESTURE_S = 0.5  # moves closer together than this are one gesture

State = TypeVar("State")


Item = TypeVar("Item")


class Schedule(Generic[Item]):
    """Items in the order of their times, and of their coming where those are equal.

    Args:
        limit: items that may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: list[tuple[float, int, Item]] = []
        self._order = count()

    def add(self, due: float, item: Item) -> bool:
        """Keep an item for monotonic time `due`; False if too many wait."""
        if len(self._items) >= self._limit:
            return False
        insort(self._items, (due, next(self._order), item))
        return True

    def take(self, now: float) -> list[tuple[float, Item]]:
        """Remove and return the items whose time has come, each with its time."""
        taken = 0
        while taken < len(self._items) and self._items[taken][0] <= now:
            taken += 1
        come, self._items = self._items[:taken], self._items[taken:]
        return [(due, item) for due, _, item in come]

    def until(self, due: float) -> list[Item]:
        """Return the items whose time will have come at `due`."""
        return [item for at, _, item in self._items if at <= due]

    def forget(self) -> None:
        """Drop all items."""
        self._items.clear()


@dataclass(frozen=True)
class Settings:
    """What `/morph/pitch`, `/morph/glide` and their like have said."""

    pitch: float = 0.0
    pan: float = 0.0
    decay_ms: float = 0.0
    reverse: int = 0
    choke: int = 0
    travel: tuple[float, str, str] = (0.0, "linear", "linear")

    def trigger(self, hit: Hit) -> Trigger:
        """The command for a hit."""
        pitch = PITCH.clip(self.pitch + hit.semitones)
        return Trigger(
            velocity=hit.velocity,
            z=hit.z,
            touch=hit.touch,
            pitch=pitch,
            pan=self.pan,
            decay_ms=self.decay_ms or None,
            reverse=bool(self.reverse),
            choke=self.choke,
        )

    def move(self, move: Move) -> Command:
        """The command for a move."""
        ms, curve, path = self.travel
        if ms == 0.0:
            return SetZ(move.z, move.touch)
        return Goto(move.z, ms, curve, path=path, touch=move.touch)


class SettingsSchedule:
    """The settings at any time: those in force, and those that messages for the future have brought."""

    def __init__(self) -> None:
        self._now = Settings()
        self._later: Schedule[ChangeSetting] = Schedule(MAX_LATER)

    def set(self, setting: ChangeSetting, due: float | None) -> bool:
        """Have a setting hold from monotonic time `due` on, or from now on; False if too many wait."""
        if due is None:
            self._now = replace(self._now, **{setting.name: setting.value})
            return True
        return self._later.add(due, setting)

    def at(self, due: float | None, now: float) -> Settings:
        """The settings that hold at `due`; monotonic times, `due` None is now."""
        for _, setting in self._later.take(now):
            self.set(setting, None)
        later = [] if due is None else self._later.until(due)
        ahead: dict[str, Any] = {setting.name: setting.value for setting in later}
        return replace(self._now, **ahead) if ahead else self._now

    def forget(self) -> None:
        """Drop the settings that wait for their time."""
        self._later.forget()


class History(Generic[State]):
    """What was before each gesture, such as the place of the point: changes less than `GESTURE_S` apart."""

    def __init__(self) -> None:
        self._before: list[State] = []
        self._after: list[State] = []
        self._moved_s = float("-inf")

    def begins(self, now: float) -> bool:
        """Tell of a change at monotonic time `now`: whether it begins a gesture, so that `keep` is wanted."""
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
        """Note what was before the gesture that begins; what was undone is gone."""
        self._before = [*self._before[1 - MAX_UNDO :], state]
        self._after.clear()

    def undo(self, state: State) -> State | None:
        """What was before the latest gesture, if it is `state` now; None if nothing is left."""
        return self._step(state, self._before, self._after)

    def redo(self, state: State) -> State | None:
        """What the latest undo took back, if it is `state` now; None if nothing is left."""
        return self._step(state, self._after, self._before)

    def _step(self, state: State, source: list[State], other: list[State]) -> State | None:
        if not source:
            return None
        other.append(state)
        self._moved_s = float("-inf")  # the next change is a gesture of its own
        return source.pop()
