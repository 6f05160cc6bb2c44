"""JACK callbacks that run no Python code.

When a client is closed, JACK's library cancels its threads at an arbitrary point. A thread cancelled inside a
Python callback keeps Python's global interpreter lock, and the entire program deadlocks. Therefore, the
callbacks for the end of the server and for xruns (interruptions of the sound) are functions of the C library.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import cache
from typing import Any

_c = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)

if sys.platform == "linux":

    class Calls:
        """Counts calls: each call posts a semaphore.

        Attributes:
            function: the C function that JACK calls.
            argument: the argument that JACK passes to the function.
        """

        function = ctypes.cast(_c.sem_post, ctypes.c_void_p)

        def __init__(self) -> None:
            self.argument = (ctypes.c_long * 8)()  # larger than any sem_t
            _c.sem_init(self.argument, 0, 0)

        @property
        def count(self) -> int:
            """Number of calls so far."""
            count = ctypes.c_int()
            _c.sem_getvalue(self.argument, ctypes.byref(count))
            return count.value

else:

    class Calls:
        """Counts calls in Python, because other C libraries have no suitable function."""

        argument = None

        def __init__(self) -> None:
            self.count = 0
            self._callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(self._add)
            self.function = ctypes.cast(self._callback, ctypes.c_void_p)

        def _add(self, argument: int | None) -> int:
            self.count += 1
            return 0


@cache
def library() -> Any:
    """Return JACK's C library (cached), for functions that the Python package JACK-Client does not offer."""
    return ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")


def silence() -> None:
    """Silence JACK's library: a C function that has no effect receives its messages."""
    for set_function in (library().jack_set_error_function, library().jack_set_info_function):
        set_function(ctypes.cast(_c.strlen, ctypes.c_void_p))


def pointer(owner: Any) -> ctypes.c_void_p:
    """Return the C pointer of a client or port of JACK-Client."""
    import jack

    return ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", owner._ptr)))
