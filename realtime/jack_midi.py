"""MIDI over JACK, by a client of our own.

python-rtmidi speaks JACK too, but keeps all of Python still while it joins, connects or leaves: if the JACK
server is stuck just then, nothing ends the program any more. And it would have to be asked for messages.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from realtime.errors import RealtimeError

CLIENT, PORT = "soundmorph-midi", "in"
CLOSE_TIMEOUT_S = 0.4  # a JACK server that is stuck does not answer
SWITCH_INTERVAL_S = 1e-4  # of Python threads, for JACK's own is waited for by all who play
SYSTEM = 0xF0  # and above: clocks, system exclusive; nothing that is played


class JackMidiError(RealtimeError):
    """No JACK server, or no connection."""


class JackPorts:
    """The MIDI ports of a JACK server, and one of our own: `soundmorph-midi:in`.

    Args:
        deliver: given each message as bytes, on JACK's own thread; must not wait.

    Raises:
        JackMidiError: no JACK server is running, or JACK's library is not there.
    """

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        try:
            import jack
        except (ImportError, OSError) as error:
            raise JackMidiError(f"JACK's library is not there: {error}") from error
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        jack.set_error_function(lambda message: None)
        jack.set_info_function(lambda message: None)
        try:
            client: Any = jack.Client(CLIENT, no_start_server=True)
        except jack.JackOpenError as error:
            raise JackMidiError("no JACK server is running") from error
        port, gone = client.midi_inports.register(PORT), threading.Event()

        def process(samples: int) -> None:
            for _, event in port.incoming_midi_events():
                message = bytes(event)
                if message and message[0] < SYSTEM:
                    deliver(message)

        client.set_process_callback(process)
        client.set_shutdown_callback(lambda status, reason: gone.set())
        client.activate()
        self._client, self._gone, self._port = client, gone, port
        self.own = str(port.name)

    def names(self) -> list[str]:
        """The ports that can be listened to; none once the server has gone."""
        if self._gone.is_set():
            return []
        found = self._client.get_ports(is_midi=True, is_output=True)
        return [str(port.name) for port in found]

    def open_own(self) -> None:
        """Listen to what others connect to our port; it is always there."""

    def open(self, name: str) -> None:
        """Listen to a port.

        Raises:
            JackMidiError: it cannot be connected to.
        """
        import jack

        try:
            self._client.connect(name, self._port)
        except jack.JackError as error:
            raise JackMidiError(str(error)) from error

    def shut(self) -> None:
        """Nothing to do for a port that has gone: JACK itself lets go of it."""

    def close(self) -> None:
        """Leave the server. Returns within half a second, whatever has become of it."""
        closing = threading.Thread(target=self._client.close, name="close midi", daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)
