"""The JACK clients of this process.

When a server has gone, JACK's library deletes the clients that are left as soon as another is opened, under
the feet of those who hold them. So none joins before all have left the server that has gone.
"""

from __future__ import annotations

import threading
from typing import Any

from realtime import ending
from realtime.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.4  # a JACK server that is stuck does not answer
OPEN_TIMEOUT_S = 1.0

_members: list[JackClient] = []
_door = threading.Lock()
_patience = ending.Patience(OPEN_TIMEOUT_S)


class JoinError(RealtimeError):
    """No JACK server, or one that cannot be joined yet."""


class JackClient:
    """One of them. Whoever has it looks at `gone` now and then, and leaves when it is set.

    Attributes:
        client: of JACK's library.
        gone: set once the server has ended.

    Raises:
        JoinError: no server is running, it does not answer, or others of this process have not left the one
            that has gone.
    """

    def __init__(self, name: str) -> None:
        import jack

        jack.set_error_function(lambda message: None)
        jack.set_info_function(lambda message: None)
        self.gone = threading.Event()
        with _door:
            if any(member.gone.is_set() for member in _members):
                raise JoinError("the JACK server that has gone is not left yet")
            try:
                self.client: Any = _patience.ask(
                    lambda: jack.Client(name, no_start_server=True), late=lambda client: client.close()
                )
            except jack.JackOpenError as error:
                raise JoinError("no JACK server is running") from error
            except TimeoutError as error:
                raise JoinError("the JACK server does not answer") from error
            _members.append(self)
        self.client.set_shutdown_callback(lambda status, reason: self.gone.set())

    def leave(self) -> None:
        """Returns within half a second, whatever has become of the server."""
        ending.within(CLOSE_TIMEOUT_S, self._leave)

    def _leave(self) -> None:
        self.client.close()
        with _door:
            _members.remove(self)
