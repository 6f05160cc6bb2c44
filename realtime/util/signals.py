"""Ending in order when the system asks for it."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from types import FrameType


class StopRequest:
    """Whether the end has been asked for: once it has, it stays so.

    A signal is handled on the main thread, wherever that is: within `wait`, too, where the lock of a
    `threading.Event` may be its own already, and setting one would wait for it for ever.
    """

    def __init__(self) -> None:
        self._asked = False
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()  # its `put` is reentrant

    def ask(self) -> None:
        """For the end; from any thread, and from within a signal's handler."""
        self._asked = True
        self._woken.put(None)

    def is_set(self) -> bool:
        return self._asked

    def wait(self, timeout_s: float) -> bool:
        """Wait until the end is asked for, so long at most; whether it has been. For one thread."""
        if not self._asked:
            with contextlib.suppress(queue.Empty):
                self._woken.get(timeout=timeout_s)
        return self._asked


def stop_on_signals() -> StopRequest:
    """What SIGINT and SIGTERM ask for the end instead of ending the process; on the main thread."""
    stopping = StopRequest()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.ask()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        if hasattr(signal, "siginterrupt"):  # JACK's library loses its way when a read is interrupted
            signal.siginterrupt(signal.SIGINT, False)
            signal.siginterrupt(signal.SIGTERM, False)
    return stopping
