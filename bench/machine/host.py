"""Handles the effects of a virtual machine's host on measurements of time.

The host is the machine on which the virtual machine (the guest) runs. `awake` keeps the cores of the guest
awake. `watch` measures steal time: processor time that the guest needed and the host gave to other guests.
"""

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
    """Keep the cores of a virtual machine busy at the lowest priority, to prevent them from going idle.

    A busy host gives an idle core to other guests; the core then wakes up milliseconds late, many times a
    second. The guest cannot prevent this delay otherwise, and a physical machine does not have it.

    Yields:
        True if the cores are kept awake (on Linux under a hypervisor), else False.
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
    """Start to count steal time.

    Steal time also delays real-time threads. If it is high, timings are therefore meaningless.

    Returns:
        A function that returns the steal time since this call, as a percentage of the processor time that the
        guest needed, or NaN if the system does not report steal time.
    """
    before = _times()

    def percent() -> float:
        busy, stolen = (now - then for now, then in zip(_times(), before, strict=True))
        return 100.0 * stolen / (busy + stolen) if busy + stolen else float("nan")

    return percent


def _times() -> tuple[int, int]:
    """Return the numbers of busy and of stolen clock ticks of all processors since boot."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0, 0
    user, nice, system, _, _, irq, softirq, stolen, *_ = map(int, stat.read_text().split()[1:11])
    return user + nice + system + irq + softirq, stolen
