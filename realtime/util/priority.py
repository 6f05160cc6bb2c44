"""Thread priorities, where the system allows them (on Linux, with the rights that JACK also needs).

The server has two processes: the worker renders and plays the sound; the control process receives messages. A
thread of the worker that holds Python's global interpreter lock and loses its core to another program blocks
the render thread and the audio callback. Therefore, all threads of the server have priority over ordinary
programs, the worker's threads have priority over the threads of the control process, and the render thread
has priority over all other threads.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading

SWITCH_INTERVAL_S = 1e-4  # for Python threads; with the default 5 ms, a busy one starves the audio callback
RENDER, SOUND, CONTROL = 10, 2, 1  # real-time priorities; an audio server, such as JACK, needs a higher one
NICEST = 19


def switch_often() -> None:
    """Shorten the switch interval of Python threads, to keep any thread from blocking the others for long."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def first() -> None:
    """Give this thread priority over all other threads of the server and over ordinary programs."""
    if sys.platform == "linux":
        _set(os.SCHED_FIFO, RENDER)


def before_ordinary(priority: int) -> None:
    """Give this thread, and each thread that it starts from now on, priority over ordinary programs.

    Args:
        priority: SOUND in the worker, CONTROL in the control process.
    """
    if sys.platform == "linux":
        _set(os.SCHED_RR, priority)


def ordinary() -> None:
    """Give this thread ordinary priority, even if the parent process has real-time priority."""
    if sys.platform == "linux":
        _set(os.SCHED_OTHER, 0)


def last() -> None:
    """Give this process the lowest priority, whatever the priority of its parent."""
    ordinary()
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICEST)


def _set(policy: int, priority: int) -> None:
    with contextlib.suppress(OSError):
        os.sched_setscheduler(threading.get_native_id(), policy, os.sched_param(priority))
