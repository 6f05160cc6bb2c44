"""The state that messages depend on: settings of new hits, the default glide, and the undo history."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, replace
from functools import reduce
from itertools import count
from typing import Generic, TypeVar

from realtime.control.requests import ChangeSetting, Hit, Move
from realtime.synth.commands import PITCH, PLAIN, Command, Goto, SetZ, Trigger
from realtime.synth.quantities import TRAVEL_MS

MAX_LATER = 1024  # scheduled settings
MAX_UNDO = 200  # gestures
GESTURE_S = 0.5  # moves closer together than this belong to one gesture

State = TypeVar("State")


Item = TypeVar("Item")


class Schedule(Generic[Item]):
    """Items sorted by due time, then by arrival.

    Args:
        limit: largest number of items.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: list[tuple[float, int, Item]] = []
        self._order = count()

    def add(self, due: float, item: Item) -> bool:
        """Add an item due at a monotonic time; return False if the schedule is full."""
        if len(self._items) >= self._limit:
            return False
        insort(self._items, (due, next(self._order), item))
        return True

    def take(self, now: float) -> list[tuple[float, Item]]:
        """Remove and return the items due by `now`, each with its time."""
        taken = 0
        while taken < len(self._items) and self._items[taken][0] <= now:
            taken += 1
        come, self._items = self._items[:taken], self._items[taken:]
        return [(due, item) for due, _, item in come]

    def until(self, due: float) -> list[Item]:
        """Return the items due by `due`."""
        return [item for at, _, item in self._items if at <= due]

    def forget(self) -> None:
        """Drop all items."""
        self._items.clear()


@dataclass(frozen=True)
class Travel:
    """The duration of glides to a new place: `length` in milliseconds, or in beats if `in_beats`."""

    length: float = 0.0
    curve: str = "linear"
    path: str = "linear"
    in_beats: bool = False

    def ms(self, bpm: float) -> float:
        """Return the duration at a tempo."""
        return duration_ms(self.length, bpm) if self.in_beats else self.length

    @property
    def beats(self) -> float:
        """The duration in beats; 0 if it is one in milliseconds."""
        return self.length if self.in_beats else 0.0


def duration_ms(beats: float, bpm: float) -> float:
    """Return the duration of a number of beats, at most the longest of a glide."""
    return TRAVEL_MS.clip(60_000.0 * beats / bpm)


@dataclass(frozen=True)
class Settings:
    """Settings of new hits, and the default glide.

    Attributes:
        hit: a hit with the settings.
        travel: the glide.
    """

    hit: Trigger = PLAIN
    travel: Travel = Travel()

    def changed(self, change: ChangeSetting) -> Settings:
        """Return a copy with one setting changed."""
        if change.name == "travel":
            return replace(self, travel=change.value)
        return replace(self, hit=self.hit.with_settings({change.name: change.value}))

    def trigger(self, hit: Hit) -> Trigger:
        """Return the command for a hit."""
        pitch = PITCH.clip(self.hit.pitch + hit.semitones)
        choke = hit.choke or self.hit.choke
        return replace(self.hit, velocity=hit.velocity, z=hit.z, touch=hit.touch, pitch=pitch, choke=choke)

    def move(self, move: Move, bpm: float) -> Command:
        """Return the command for a move at a tempo."""
        ms = self.travel.ms(bpm)
        if ms == 0.0:
            return SetZ(move.z, move.touch)
        return Goto(move.z, ms, self.travel.curve, path=self.travel.path, touch=move.touch)


class SettingsSchedule:
    """The current settings and scheduled changes to them."""

    def __init__(self) -> None:
        self._now = Settings()
        self._later: Schedule[ChangeSetting] = Schedule(MAX_LATER)

    def set(self, setting: ChangeSetting, due: float | None) -> bool:
        """Set a setting from monotonic time `due` on, or now; return False if the schedule is full."""
        if due is None:
            self._now = self._now.changed(setting)
            return True
        return self._later.add(due, setting)

    def at(self, due: float | None, now: float) -> Settings:
        """Return the settings in force at `due` (None: now), in monotonic time."""
        for _, setting in self._later.take(now):
            self.set(setting, None)
        later = [] if due is None else self._later.until(due)
        return reduce(Settings.changed, later, self._now)

    def forget(self) -> None:
        """Drop the scheduled settings."""
        self._later.forget()


class History(Generic[State]):
    """Undo history: the states before each gesture, a series of changes less than `GESTURE_S` apart."""

    def __init__(self) -> None:
        self._before: list[State] = []
        self._after: list[State] = []
        self._moved_s = float("-inf")

    def begins(self, now: float) -> bool:
        """Note a change at monotonic time `now`; return True if it begins a gesture: then call `keep`."""
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
        """Return the state before the latest gesture, or None; `state` is the current one, for redo."""
        return self._step(state, self._before, self._after)

    def redo(self, state: State) -> State | None:
        """Return the state before the latest undo, or None; `state` is the current one, for undo."""
        return self._step(state, self._after, self._before)

    def _step(self, state: State, source: list[State], other: list[State]) -> State | None:
        if not source:
            return None
        other.append(state)
        self._moved_s = float("-inf")  # the next change begins a new gesture
        return source.pop()
