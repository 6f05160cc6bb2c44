"""Reports to senders that the glides they requested have arrived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from realtime.control.protocol import Message, Sender
from realtime.synth.commands import Goto

MAX_WAITING = 1024  # maximum number of glides in progress; the oldest is dropped first


class Arrivals:
    """Gives each glide a number (its ticket); the mixer returns the ticket when the glide arrives."""

    def __init__(self) -> None:
        self._tickets = count(1)
        self._waiting: dict[int, tuple[Sender, Message]] = {}

    @property
    def expected(self) -> bool:
        """Return True if a glide with a ticket has not arrived yet."""
        return bool(self._waiting)

    def with_ticket(self, glide: Goto, reply: Message, sender: Sender) -> Goto:
        """Return the glide with a new ticket. When the glide arrives, `replies` yields (sender, reply)."""
        if len(self._waiting) >= MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        ticket = next(self._tickets)
        self._waiting[ticket] = sender, reply
        return replace(glide, ticket=ticket)

    def replies(self, tickets: Iterable[int]) -> Iterator[tuple[Sender, Message]]:
        """Yield (sender, reply) for each arrived glide; a glide that a later glide replaced gets no reply."""
        for ticket in tickets:
            for earlier in [t for t in self._waiting if t <= ticket]:
                reply = self._waiting.pop(earlier)
                if earlier == ticket:
                    yield reply

    def forget(self) -> None:
        """Forget the glides that have not arrived."""
        self._waiting.clear()
