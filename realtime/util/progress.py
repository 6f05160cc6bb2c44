"""A progress line on the terminal, with the estimated time left."""

from __future__ import annotations

import sys
import time
from typing import TextIO

PERIOD_S = 0.2  # shortest time between updates
WIDTH = 24  # width of the bar in characters


class Progress:
    """Draws a progress line on a terminal; writes nothing to files and pipes.

    Args:
        total: number of steps, at least 1.
        out: output stream; stderr by default.
    """

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        self._total = max(1, total)
        self._out = sys.stderr if out is None else out
        self._begun = time.monotonic()
        self._drawn = 0.0
        self._width = 0

    def show(self, done: int) -> None:
        """Show that `done` of the steps are complete."""
        now = time.monotonic()
        if now - self._drawn < PERIOD_S or not self._out.isatty():
            return
        self._drawn = now
        line = self.line(done, now - self._begun)
        self._out.write("\r" + line.ljust(self._width))
        self._out.flush()
        self._width = len(line)

    def line(self, done: int, passed_s: float) -> str:
        """Return the line: a bar, the percentage done, and the time left, estimated from the time passed."""
        part = min(1.0, done / self._total)
        bar = ("#" * round(part * WIDTH)).ljust(WIDTH, "·")
        left = f", {clock(passed_s * (1 - part) / part)} left" if part else ""
        return f"[{bar}] {100 * part:3.0f} %{left}"

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Erase the line."""
        if self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._out.flush()
            self._width = 0


def clock(seconds: float) -> str:
    """Format seconds as minutes and seconds: 83 is 1:23."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
