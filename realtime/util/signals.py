"""Orderly shutdown on SIGINT, SIGTERM, and SIGHUP (sent when the terminal is closed)."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopRequest:
    """A flag that requests the end of the program; once set, it stays set.

    Python handles a signal on the main thread, even inside `wait`. If `wait` held the lock of a
    `threading.Event` at that moment, setting the event would deadlock. Therefore, this class uses a reentrant
    queue.
    """

    def __init__(self) -> None:
        self._requested = False
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()  # `put` is reentrant

    def request(self) -> None:
        """Request the end; callable from any thread and from a signal handler."""
        self._requested = True
        self._woken.put(None)

    def is_set(self) -> bool:
        """Return True if the end is requested."""
        return self._requested

    def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for the request; return True if it is set. Only one thread may wait."""
        if not self._requested:
            with contextlib.suppress(queue.Empty):
                self._woken.get(timeout=timeout_s)
        return self._requested


def raise_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, for a command that has something to clean up."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def stop_on_signals() -> StopRequest:
    """Return a `StopRequest` that the signals `ENDING` set instead of ending the process.

    If SIGHUP is ignored, as under nohup, it stays ignored. Call the function on the main thread; on any other
    thread, it changes no signal.
    """
    stopping = StopRequest()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.request()

    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            if number not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) == signal.SIG_IGN:
                continue
            signal.signal(number, stop)
            if hasattr(signal, "siginterrupt"):  # JACK's library fails after an interrupted read
                signal.siginterrupt(number, False)
    return stopping
