"""A clock that a test sets."""

from __future__ import annotations


class Clock:
    """A clock that shows `now`, in seconds, until the test sets a different time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
