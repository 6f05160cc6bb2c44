"""MIDI over JACK, by a client of our own.

python-rtmidi speaks JACK too, but keeps all of Python still while it joins, connects or leaves: if the JACK
server is stuck just then, nothing ends the program any more. And it would have to be asked for messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.audio.jack_client import JackClient, JackError
from realtime.util import priority
from realtime.util.errors import RealtimeError

CLIENT, PORT = "soundmorph-midi", "in"
SYSTEM = 0xF0  # and above: clocks, system exclusive; nothing that is played
CONNECT_TIMEOUT_S = 0.5  # a server that is stuck has no cycles


class JackMidiError(RealtimeError):
    """No JACK server, or no connection."""


class JackPorts:
    """The MIDI ports of a JACK server, and one of our own: `soundmorph-midi:in`. A new server is joined, too.

    Args:
        deliver: given each message as bytes, on JACK's own thread; must not wait.

    Raises:
        JackMidiError: no JACK server is running, or JACK's library is not there.
    """

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        priority.switch_often()  # JACK's thread of ours is waited for by all who play
        self._deliver = deliver
        self._joined: JackClient | None = None
        self._cycles = 0
        try:
            self._join()
        except (ImportError, OSError) as error:
            raise JackMidiError(f"JACK's library is not there: {error}") from error
        except JackError as error:
            raise JackMidiError(str(error)) from error

    def _join(self) -> None:
        joined, deliver = JackClient(CLIENT), self._deliver
        port = joined.client.midi_inports.register(PORT)

        def process(samples: int) -> None:
            self._cycles += 1
            for _, event in port.incoming_midi_events():
                message = bytes(event)
                if message and message[0] < SYSTEM:
                    deliver(message)

        joined.activate(process)
        self._joined, self._port = joined, port

    @property
    def own(self) -> str | None:
        """The name of our port; None while there is no server."""
        return str(self._port.name) if self._joined else None

    def names(self) -> list[str]:
        """The ports that can be listened to; none while there is no server, which is looked for."""
        if self._joined is None:
            try:
                self._join()
            except JackError:
                return []
        elif self._joined.gone:
            self._joined.leave()
            self._joined = None
            return []
        assert self._joined is not None
        found = self._joined.client.get_ports(is_midi=True, is_output=True)
        return [str(port.name) for port in found]

    def open_own(self) -> None:
        """Listen to what others connect to our port; it is there whenever the server is."""

    def open(self, name: str) -> None:
        """Listen to a port; all that it sends from now on is heard.

        Raises:
            JackMidiError: it cannot be connected to.
        """
        import jack

        assert self._joined is not None
        try:
            self._joined.client.connect(name, self._port)
        except jack.JackError as error:
            raise JackMidiError(str(error)) from error
        self._await_next_cycle()

    def _await_next_cycle(self) -> None:
        """A new connection counts from the next cycle on: the second that we are told of, at the latest."""
        told, end_s = self._cycles, time.monotonic() + CONNECT_TIMEOUT_S
        while self._cycles < told + 2 and time.monotonic() < end_s:
            time.sleep(0.001)

    def shut(self) -> None:
        """Nothing to do for a port that has gone: JACK itself lets go of it."""

    def close(self) -> None:
        """Leave the server. Returns within half a second, whatever has become of it."""
        if self._joined is not None:
            self._joined.leave()
