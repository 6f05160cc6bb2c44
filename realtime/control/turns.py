"""Work of many senders, done a piece at a time and in turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from realtime.control.dispatcher import Sender

MAX_BYTES = 1 << 20  # of the datagrams of one sender that wait

Work = Iterator[bool]
"""Does a piece of work at each step; yields between two of them whether the next one answers a question."""


@dataclass
class _Queue:
    works: deque[tuple[Work, int]] = field(default_factory=deque)
    size: int = 0
    asks: bool = False  # the next piece answers a question


class Turns:
    """What senders have asked for: in order for each of them, in turns among them. For one thread.

    Answers to questions wait until no sender has anything else to do.
    """

    def __init__(self) -> None:
        self._queues: dict[Sender, _Queue] = {}  # whose turn is next, first; only those with work

    def __bool__(self) -> bool:
        return bool(self._queues)

    def add(self, sender: Sender, work: Work, size: int) -> bool:
        """Let a datagram of `size` bytes wait for its turn; return False if too many of this sender do."""
        queue = self._queues.get(sender) or _Queue()
        if queue.size + size > MAX_BYTES:
            return False
        queue.works.append((work, size))
        queue.size += size
        self._queues[sender] = queue
        return True

    def take(self) -> None:
        """Do the next piece of work. What it raises ends the work of that datagram, and is raised here."""
        sender = next((s for s, queue in self._queues.items() if not queue.asks), next(iter(self._queues)))
        queue = self._queues.pop(sender)
        work, size = queue.works[0]
        done = True
        try:
            queue.asks = next(work)
            done = False
        except StopIteration:
            pass
        finally:
            if done:
                queue.works.popleft()
                queue.size -= size
                queue.asks = False
            if queue.works:
                self._queues[sender] = queue  # behind the others
