"""What the host of a virtual machine keeps: processor time that was asked for here and given to others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def watch() -> Callable[[], float]:
    """Begin to count; what this returns says the per cent kept since, or NaN where the system does not know.

    A real-time thread is held up by it like any other, so nothing timed beside a large one says much.
    """
    before = _times()

    def percent() -> float:
        busy, stolen = (now - then for now, then in zip(_times(), before, strict=True))
        return 100.0 * stolen / (busy + stolen) if busy + stolen else float("nan")

    return percent


def _times() -> tuple[int, int]:
    """Clock ticks of all processors so far: at work, and stolen."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0, 0
    user, nice, system, _, _, irq, softirq, stolen, *_ = map(int, stat.read_text().split()[1:11])
    return user + nice + system + irq + softirq, stolen
