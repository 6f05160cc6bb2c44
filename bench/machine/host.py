"""Reduces and measures the effects of a virtual machine's host on measurements of time.

The host is the machine on which the virtual machine (the guest) runs. `awake` keeps the cores of the guest
awake. `watch` measures steal time: processor time that the guest needed but the host gave to other guests.
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

    A busy host gives an idle core to other guests. Many times a second, the core then wakes up milliseconds
    late. Keeping the cores busy is the guest's only means of preventing this delay. A physical machine does
    not have the delay.

    Yields:
        True if the cores are kept awake. They are kept awake only on Linux under a hypervisor.
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
    """Start counting steal time.

    Steal time delays all threads, including real-time threads. Timings taken at high steal time are therefore
    meaningless.

    Returns:
        A function that returns the steal time since `watch` was called. The steal time is a percentage of the
        processor time that the guest needed; it is NaN if the system does not report steal time.
    """
    before = _times()

    def percent() -> float:
        busy, stolen = (now - then for now, then in zip(_times(), before, strict=True))
        return 100.0 * stolen / (busy + stolen) if busy + stolen else float("nan")

    return percent


def _times() -> tuple[int, int]:
    """Return the busy and the stolen clock ticks of all processors since boot; (0, 0) outside Linux."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0, 0
    user, nice, system, _, _, irq, softirq, stolen, *_ = map(int, stat.read_text().split()[1:11])
    return user + nice + system + irq + softirq, stolen
