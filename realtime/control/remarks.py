"""The outcome of the latest messages, which the web page displays."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEPT = 64


@dataclass(frozen=True)
class Remark:
    """The outcome of a message: refused or done.

    Attributes:
        number: counted from 1.
        address: the message's address; empty if the datagram was malformed.
        text: the reason why the message was refused, or the name of the object that was stored or recorded.
    """

    number: int
    address: str
    text: str


class Remarks:
    """Stores the latest `KEPT` remarks. Other threads may read while one thread adds."""

    def __init__(self) -> None:
        self._latest: deque[Remark] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, address: str, text: str) -> None:
        """Add a remark."""
        self.count += 1
        self._latest.append(Remark(self.count, address, text))

    def since(self, number: int) -> list[Remark]:
        """Return the stored remarks whose number is above `number`, the oldest first."""
        return [each for each in self._latest.copy() if each.number > number]
