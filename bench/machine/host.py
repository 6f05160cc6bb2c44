"""Handles the effects of a virtual machine's host on timing: keeps cores awake, measures steal time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SPIN = """
import os, sys
parent = os.getppid()
os.sched_setaffinity(0, [int(sys.argv[1])])
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextmanager
def awake() -> Iterator[bool]:
    """Keep the cores of a virtual machine busy at the lowest priority, so that none goes idle.

    A busy host gives an idle core to other guests; the core then wakes up milliseconds late, many times a
    second. The guest cannot prevent that; a physical machine has no such delay. Yields True if the cores are
    kept awake (on Linux under a hypervisor), else False.
    """
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists() or "hypervisor" not in cpuinfo.read_text():
        yield False
        return
    cores = os.sched_getaffinity(0)
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN, str(core)]) for core in cores]
    try:
        yield True
    finally:
        for each in spinning:
            each.terminate()
            each.wait()


def watch() -> Callable[[], float]:
    """Start to count steal time: processor time that this guest needed and the host gave to others.

    Return a function for the percentage since then; the function returns NaN if the system does not report
    steal time. Steal time also delays real-time threads, so with much of it, timings are meaningless.
    """
    before = _times()

    def percent() -> float:
        busy, stolen = (now - then for now, then in zip(_times(), before, strict=True))
        return 100.0 * stolen / (busy + stolen) if busy + stolen else float("nan")

    return percent


def _times() -> tuple[int, int]:
    """Return the clock ticks of all processors since boot: busy, and stolen."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0, 0
    user, nice, system, _, _, irq, softirq, stolen, *_ = map(int, stat.read_text().split()[1:11])
    return user + nice + system + irq + softirq, stolen
