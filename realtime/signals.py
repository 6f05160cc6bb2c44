"""Ending in order when the system asks for it."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set instead of ending the process; on the main thread."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        if hasattr(signal, "siginterrupt"):  # JACK's library loses its way when a read is interrupted
            signal.siginterrupt(signal.SIGINT, False)
            signal.siginterrupt(signal.SIGTERM, False)
    return stopping
