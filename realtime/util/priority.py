"""Which thread goes first, where the system lets us say so (Linux, with the rights that JACK asks for too).

A thread that has Python's lock and loses its core to another program keeps the render thread and the audio
callback waiting. So all threads of a server run before ordinary programs, those of the process that plays
before those of control, and the render thread before all.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading

SWITCH_INTERVAL_S = 1e-4  # of Python threads; at the default 5 ms a busy one starves the audio callback
RENDER, SOUND, CONTROL = 10, 2, 1  # among real-time priorities: below any audio server's


def switch_often() -> None:
    """Let no Python thread keep the others waiting for long."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def first() -> None:
    """Let this thread run before all of ours and all ordinary ones."""
    if sys.platform == "linux":
        _set(os.SCHED_FIFO, RENDER)


def before_ordinary(priority: int) -> None:
    """Let this thread, and every thread that it starts from now on, run before those of other programs.

    Args:
        priority: SOUND in the process that plays, CONTROL in the other one.
    """
    if sys.platform == "linux":
        _set(os.SCHED_RR, priority)


def ordinary() -> None:
    """Let this thread run like those of other programs, in a process whose parent runs before them."""
    if sys.platform == "linux":
        _set(os.SCHED_OTHER, 0)


def last(thread: int | None) -> None:
    """Let the thread of this native id run when no other wants to."""
    if sys.platform == "linux" and thread is not None:
        _set(os.SCHED_OTHER, 0, thread)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, 10)


def _set(policy: int, priority: int, thread: int | None = None) -> None:
    with contextlib.suppress(OSError):
        os.sched_setscheduler(thread or threading.get_native_id(), policy, os.sched_param(priority))
