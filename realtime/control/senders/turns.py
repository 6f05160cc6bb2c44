"""Fair scheduling of the work of many senders: piece by piece, in turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from realtime.control.protocol import Sender

MAX_BYTES = 1 << 20  # maximum total size of a sender's waiting datagrams

Work = Iterator[bool]
"""Does one piece of work for each `next`; yields True if the following piece replies to a question."""


@dataclass
class _Queue:
    works: deque[tuple[Work, int]] = field(default_factory=deque)
    size: int = 0
    asks: bool = False  # True if the next piece replies to a question


class Turns:
    """The waiting work of all senders. Not thread-safe.

    Each sender's work is done in order, and senders take turns. Replies to questions wait until no sender has
    other work.
    """

    def __init__(self) -> None:
        self._queues: dict[Sender, _Queue] = {}  # only senders with work, in the order of their turns

    def __bool__(self) -> bool:
        return bool(self._queues)

    def add(self, sender: Sender, work: Work, size: int) -> bool:
        """Queue the work of a datagram of `size` bytes; return False if the sender's queue is full."""
        queue = self._queues.get(sender) or _Queue()
        if queue.size + size > MAX_BYTES:
            return False
        queue.works.append((work, size))
        queue.size += size
        self._queues[sender] = queue
        return True

    def take(self) -> None:
        """Do the next piece of work. An exception drops the rest of that datagram and propagates."""
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
                self._queues[sender] = queue  # the next turn comes after those of all other senders
