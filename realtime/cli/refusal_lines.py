"""Refused messages as lines in the terminal, one a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.control.refusals import Refusals
from realtime.util.errors import printable

PERIOD_S = 1.0


class RefusalLines:
    """Prints refused messages with their reasons, at a limited rate.

    Args:
        refusals: of the control.
        say: receives the lines.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        refusals: Refusals,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refusals, self._say, self._clock = refusals, say, clock
        self._told = 0
        self._next_s = 0.0

    def look(self) -> None:
        """Print the latest refusal, unless a line was printed within the last second."""
        count = self._refusals.count
        if count == self._told or self._clock() < self._next_s:
            return
        self._next_s = self._clock() + PERIOD_S
        missed = count - self._told - 1
        self._told = count
        latest = self._refusals.since(count - 1)
        if latest:
            address, text = latest[-1].address or "a datagram", latest[-1].text
            more = f" (and {missed} more before)" if missed else ""
            self._say(printable(f"refused {address}: {text}{more}"))
