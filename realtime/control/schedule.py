"""What messages for the future have brought, until its time has come."""

from __future__ import annotations

from bisect import insort
from itertools import count
from typing import Generic, TypeVar

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
