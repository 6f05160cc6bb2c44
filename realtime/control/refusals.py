"""The latest refused messages with their reasons, for display."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEPT = 64


@dataclass(frozen=True)
class Refusal:
    """A message that was not carried out.

    Attributes:
        number: counted from 1.
        address: the message's address; empty if the datagram was malformed.
        text: the reason.
    """

    number: int
    address: str
    text: str


class Refusals:
    """Stores the latest `KEPT` refusals. Any thread may read while one writes."""

    def __init__(self) -> None:
        self._latest: deque[Refusal] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, address: str, text: str) -> None:
        """Add a refusal."""
        self.count += 1
        self._latest.append(Refusal(self.count, address, text))

    def since(self, number: int) -> list[Refusal]:
        """Return the stored refusals with a higher number, the oldest first."""
        return [each for each in self._latest.copy() if each.number > number]
