"""A memory barrier for memory that is shared with another program; Python itself offers no barrier.

x86-64 needs no barrier here, because it keeps stores in order and loads in order. Elsewhere, the system call
membarrier executes a full barrier in the thread that calls it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

from realtime.util.errors import RealtimeError

IN_ORDER = "x86_64"  # name of the architecture that needs no barrier
_CALLS = {"aarch64": 283, "riscv64": 283, IN_ORDER: 324}  # machine -> number of the system call on Linux
_GLOBAL_EXPEDITED = 2


def of(machine: str) -> Callable[[], None]:
    """Return the barrier for a machine, as `platform.machine` names it.

    Raises:
        RealtimeError: no barrier is known for this machine.
    """
    return _nothing if machine == IN_ORDER else membarrier(machine)


def membarrier(machine: str) -> Callable[[], None]:
    """Return a function that separates the calling thread's earlier loads and stores from later ones.

    Raises:
        RealtimeError: the machine is unknown, or its system refuses the call.
    """
    if machine not in _CALLS:
        raise RealtimeError(f"there is no memory barrier for {machine}, only for {', '.join(_CALLS)}")
    system, number = ctypes.CDLL(None, use_errno=True).syscall, _CALLS[machine]

    def barrier() -> None:
        if system(number, _GLOBAL_EXPEDITED, 0, 0) != 0:
            raise RealtimeError(f"the system call membarrier fails: {os.strerror(ctypes.get_errno())}")

    barrier()
    return barrier


def _nothing() -> None:
    pass
