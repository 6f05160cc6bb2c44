"""Ending what may not answer any more: a sound card's driver, a JACK server, a network."""

from __future__ import annotations

import threading
from collections.abc import Callable


def within(limit_s: float, close: Callable[[], object]) -> bool:
    """Call `close` in a thread of its own; returns whether it has returned within `limit_s` seconds."""
    closing = threading.Thread(target=close, name="close", daemon=True)
    closing.start()
    closing.join(limit_s)
    return not closing.is_alive()
