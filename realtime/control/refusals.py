"""The messages that were refused lately, with their reasons, for people to see."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEPT = 64


@dataclass(frozen=True)
class Refusal:
    """A message that was not carried out.

    Attributes:
        number: counted from 1.
        address: of the message; empty where it could not be read.
        text: the reason.
    """

    number: int
    address: str
    text: str


class Refusals:
    """Keeps the latest `KEPT` of them. Any thread may read while one writes."""

    def __init__(self) -> None:
        self._latest: deque[Refusal] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, address: str, text: str) -> None:
        """Keep one."""
        self.count += 1
        self._latest.append(Refusal(self.count, address, text))

    def since(self, number: int) -> list[Refusal]:
        """Return those with a higher number that are still kept, the oldest first."""
        return [each for each in self._latest.copy() if each.number > number]
