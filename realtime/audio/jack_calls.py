"""What JACK calls without Python.

When a client is closed, JACK's library cancels its threads wherever they are. One that is in Python then, in
a callback, takes Python's lock with it, and the whole program stands still for ever. So what the thread calls
that hears of the server's end are functions of the C library.
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
        """Counts its calls: each posts a semaphore.

        Attributes:
            function, argument: what JACK is to call, and with what.
        """

        function = ctypes.cast(_c.sem_post, ctypes.c_void_p)

        def __init__(self) -> None:
            self.argument = (ctypes.c_long * 8)()  # more than it needs
            _c.sem_init(self.argument, 0, 0)

        @property
        def count(self) -> int:
            """Calls so far."""
            count = ctypes.c_int()
            _c.sem_getvalue(self.argument, ctypes.byref(count))
            return count.value

else:

    class Calls:
        """Counts its calls, in Python after all, for other C libraries have no such function."""

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
    """JACK's, for what JACK-Client has no function for. Kept, for to look for it starts other programs."""
    return ctypes.CDLL(ctypes.util.find_library("jack") or "libjack.so.0")


def silence() -> None:
    """Have JACK's library print nothing: its messages go to a function that only reads them."""
    for set_function in (library().jack_set_error_function, library().jack_set_info_function):
        set_function(ctypes.cast(_c.strlen, ctypes.c_void_p))


def pointer(owner: Any) -> ctypes.c_void_p:
    """Of a client or port of JACK-Client."""
    import jack

    return ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", owner._ptr)))
