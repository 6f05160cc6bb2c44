"""Functions that test_errands runs in a separate process; they succeed or fail in different ways."""

from __future__ import annotations

import os
import signal
import sys
import time

from realtime.util import errands
from realtime.util.errors import RealtimeError


def _count() -> int:
    return len(sys.stdin.buffer.read())


def _refuse(text: str) -> None:
    raise RealtimeError(text)


def _hang() -> None:
    while True:
        time.sleep(1.0)


def _swell() -> int:
    return len(bytearray(errands.MEMORY_BYTES))


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


if __name__ == "__main__":
    errands.carry_out({"count": _count, "refuse": _refuse, "hang": _hang, "swell": _swell, "crash": _crash})
