"""What the host of a virtual machine does to what is timed there."""

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
    """Keep the cores of a virtual machine busy, at the lowest priority, so that none falls asleep.

    A host that is busy gives a core that sleeps to others, and it wakes up milliseconds late, many times a
    second: nothing in here can help that, and a machine of one's own does not do it. Gives whether it is
    done, as it is on Linux beneath a hypervisor.
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
    """Begin to count the processor time that is asked for here and given to others.

    What this returns says the per cent kept since, or NaN where the system does not know. A real-time thread
    is held up by it like any other, so nothing timed beside a large one says much.
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
