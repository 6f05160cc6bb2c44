"""The JACK clients of this process.

When a client is closed, JACK's library cancels its thread at an arbitrary point. A thread cancelled inside
Python code keeps Python's global interpreter lock, and the entire program deadlocks. Therefore, `leave` first
waits until the callback has nothing left to do.

After a server has ended, JACK's library deletes the remaining clients of this server as soon as a new client
is opened, even if they are still in use. Therefore, a client opens only after all clients have left the ended
server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from realtime.audio import jack_calls
from realtime.util import timeouts
from realtime.util.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.4  # time limit for closing a client; a stuck JACK server does not answer
OPEN_TIMEOUT_S = 1.0
CYCLE_TIMEOUT_S = 0.2  # longest wait for the last cycle; a running server starts a cycle sooner
SETTLE_S = 0.05  # time for a callback that was running at the server's end to return

_members: list[JackClient] = []
_lock = threading.Lock()
_caller = timeouts.TimedCaller(OPEN_TIMEOUT_S)


class JackError(RealtimeError):
    """No JACK server is running, or a client cannot be opened yet."""


class JackClient:
    """A JACK client. Its owner must poll `gone`, and call `leave` once `gone` is True.

    Args:
        name: name of the client on the JACK server.

    Attributes:
        client: the `jack.Client`; active after `activate`.

    Raises:
        JackError: no server is running, the server does not answer, or a client has not left an ended server
            yet.
    """

    def __init__(self, name: str) -> None:
        import jack

        jack_calls.silence()
        self._active, self._leaving, self._idle = False, False, threading.Event()
        self._ends, self._xruns = jack_calls.Calls(), jack_calls.Calls()
        with _lock:
            if any(member.gone for member in _members):
                raise JackError("other clients have not left the ended JACK server yet")
            try:
                self.client: Any = _caller.call(
                    lambda: jack.Client(name, no_start_server=True), late=lambda client: client.close()
                )
            except jack.JackOpenError as error:
                raise JackError("no JACK server is running") from error
            except TimeoutError as error:
                raise JackError("the JACK server does not answer") from error
            _members.append(self)
        library, own = jack_calls.library(), jack_calls.pointer(self.client)
        library.jack_on_shutdown(own, self._ends.function, self._ends.argument)
        library.jack_set_xrun_callback(own, self._xruns.function, self._xruns.argument)

    @property
    def gone(self) -> bool:
        """Return True if the server has ended."""
        return self._ends.count > 0

    @property
    def xruns(self) -> int:
        """Number of xruns that JACK has reported."""
        return self._xruns.count

    def activate(
        self, process: Callable[[int], None], last: Callable[[int], None] = lambda samples: None
    ) -> None:
        """Start the client: in every cycle, JACK calls `process` on a thread of JACK's library.

        Args:
            process: receives the number of samples of the cycle.
            last: replaces `process` in the last cycle before the client leaves.
        """

        def callback(samples: int) -> None:
            if not self._leaving:
                process(samples)
            elif not self._idle.is_set():
                last(samples)
                self._idle.set()

        self.client.set_process_callback(callback)
        self.client.activate()
        self._active = True

    def leave(self) -> None:
        """Close the client. Returns within half a second, even if the server hangs."""
        timeouts.call_within(CLOSE_TIMEOUT_S, self._leave)

    def _leave(self) -> None:
        self._leaving = True
        if self.gone:
            time.sleep(SETTLE_S)
        elif self._active:
            self._idle.wait(CYCLE_TIMEOUT_S)
        self.client.close()
        with _lock:
            _members.remove(self)
