"""A queue of commands, ordered by the device sample (sample of the output) at which each takes effect."""

from __future__ import annotations

import heapq
from itertools import count

from realtime.synth.commands import Command


class CommandQueue:
    """Orders commands by device sample; commands for one sample keep the order of submission."""

    def __init__(self) -> None:
        self._events: list[tuple[int, int, Command]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._events)

    def push(self, command: Command, at_sample: int) -> None:
        """Add a command that is due at device sample `at_sample`."""
        heapq.heappush(self._events, (at_sample, next(self._order), command))

    def before(self, until: int) -> int:
        """Return the earlier of `until` and the sample of the first command."""
        return min(until, self._events[0][0]) if self._events else until

    def due(self, position: int) -> bool:
        """Return True if a command is due at device sample `position`."""
        return bool(self._events) and self._events[0][0] <= position

    def pop(self) -> tuple[int, Command]:
        """Remove the first command; return its number in the order of submission, and the command."""
        _, order, command = heapq.heappop(self._events)
        return order, command

    def forget_before(self, order: int) -> None:
        """Drop the commands that were submitted before number `order`."""
        self._events = [event for event in self._events if event[1] > order]
        heapq.heapify(self._events)

    def clear(self) -> None:
        """Drop all commands."""
        self._events.clear()
