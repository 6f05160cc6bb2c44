"""Prints the outcome of received messages in the terminal, at most one line a second for each kind."""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.control.remarks import Remarks
from realtime.util.errors import printable

PERIOD_S = 1.0


class RemarkLines:
    """Prints remarks of one kind: refusals of messages, or reports that the work for a message is done.

    Args:
        kind: first word of each line, such as "refused".
        remarks: the remarks of this kind, to which the server adds new ones.
        say: receives the lines.
        clock: returns monotonic time in seconds.
    """

    def __init__(
        self,
        kind: str,
        remarks: Remarks,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kind, self._remarks, self._say, self._clock = kind, remarks, say, clock
        self._printed = 0
        self._next_s = 0.0

    def print_latest(self) -> None:
        """Print the latest remark if it is new and no line was printed within the last second."""
        count = self._remarks.count
        if count == self._printed or self._clock() < self._next_s:
            return
        self._next_s = self._clock() + PERIOD_S
        missed = count - self._printed - 1
        self._printed = count
        latest = self._remarks.since(count - 1)
        if latest:
            address, text = latest[-1].address or "a datagram", latest[-1].text
            more = f" (and {missed} before it)" if missed else ""
            self._say(printable(f"{self._kind} {address}: {text}{more}"))
