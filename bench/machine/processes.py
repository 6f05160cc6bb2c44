"""Measures the memory and processor time of a process and its descendants, from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path


def process_tree(pid: int) -> list[int]:
    """Return the IDs of a process and its descendants."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for thread in threads for child in thread.read_text().split()]
    return [pid, *(each for child in children for each in process_tree(child))]


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants, in MB of 2**20 bytes."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in process_tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_s(pid: int) -> float:
    """Return the processor time that a process and its descendants have used, in seconds."""
    stats = (Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in process_tree(pid))
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")
