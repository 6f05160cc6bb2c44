"""A schedule: items that become due at given times."""

from __future__ import annotations

from bisect import insort
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Schedule(Generic[Item]):
    """Items sorted by due time, then by arrival.

    Args:
        limit: maximum number of items.
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
        """Remove and return the items due by `now`, each with its due time."""
        taken = 0
        while taken < len(self._items) and self._items[taken][0] <= now:
            taken += 1
        come, self._items = self._items[:taken], self._items[taken:]
        return [(due, item) for due, _, item in come]

    def until(self, due: float) -> list[Item]:
        """Return the items due by `due`, without removing them."""
        return [item for at, _, item in self._items if at <= due]

    def forget(self) -> None:
        """Drop all items."""
        self._items.clear()
