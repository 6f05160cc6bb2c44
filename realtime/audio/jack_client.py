"""The JACK clients of this process.

When a client is closed, JACK's library cancels its thread once the server calls it no more, wherever it is
then. If it were still in Python it would take Python's lock with it, and the whole program would stand still
for ever. So a client that leaves first has nothing left to do in a cycle.

When a server has gone, JACK's library deletes the clients that are left as soon as another is opened, under
the feet of those who hold them. So none joins before all have left the server that has gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from realtime.audio import jack_calls
from realtime.util import timeouts
from realtime.util.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.4  # a JACK server that is stuck does not answer
OPEN_TIMEOUT_S = 1.0
CYCLE_TIMEOUT_S = 0.2  # a server that has cycles calls us sooner
SETTLE_S = 0.05  # until a callback of ours has returned that was called when the server ended

_members: list[JackClient] = []
_door = threading.Lock()
_patience = timeouts.TimedCaller(OPEN_TIMEOUT_S)


class JackError(RealtimeError):
    """No JACK server, or one that cannot be joined yet."""


class JackClient:
    """One of them. Whoever has it looks at `gone` now and then, and leaves when it is true.

    Attributes:
        client: of JACK's library; active from `activate` on.

    Raises:
        JackError: no server is running, it does not answer, or others of this process have not left the one
            that has gone.
    """

    def __init__(self, name: str) -> None:
        import jack

        jack_calls.silence()
        self._active, self._leaving, self._idle = False, False, threading.Event()
        self._ends, self._xruns = jack_calls.Calls(), jack_calls.Calls()
        with _door:
            if any(member.gone for member in _members):
                raise JackError("the JACK server that has gone is not left yet")
            try:
                self.client: Any = _patience.ask(
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
        """Whether the server has ended."""
        return self._ends.count > 0

    @property
    def xruns(self) -> int:
        """That JACK has reported."""
        return self._xruns.count

    def activate(
        self, process: Callable[[int], None], last: Callable[[int], None] = lambda samples: None
    ) -> None:
        """Have `process` called in every cycle, on JACK's own thread, with the number of its samples.

        Args:
            last: called in its place in the last cycle before the client leaves.
        """

        def called(samples: int) -> None:
            if not self._leaving:
                process(samples)
            elif not self._idle.is_set():
                last(samples)
                self._idle.set()

        self.client.set_process_callback(called)
        self.client.activate()
        self._active = True

    def leave(self) -> None:
        """Returns within half a second, whatever has become of the server."""
        timeouts.call_within(CLOSE_TIMEOUT_S, self._leave)

    def _leave(self) -> None:
        self._leaving = True
        if self.gone:
            time.sleep(SETTLE_S)
        elif self._active:
            self._idle.wait(CYCLE_TIMEOUT_S)
        self.client.close()
        with _door:
            _members.remove(self)
