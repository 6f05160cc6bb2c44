"""MIDI over JACK, through a separate JACK client.

python-rtmidi also supports JACK, but holds Python's interpreter lock while it opens, connects or closes a
client: if the JACK server hangs at that moment, the program cannot be stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.audio.jack_client import JackClient, JackError
from realtime.surfaces.jack_cycles import Cycles
from realtime.util import priority
from realtime.util.errors import RealtimeError

CLIENT, PORT = "soundmorph-midi", "in"
IGNORED = (0xF0, 0xF7, 0xFE)  # system exclusive and active sensing
CONNECT_TIMEOUT_S = 0.5  # longest wait for the next cycles; a server that hangs runs no cycles


class JackMidiError(RealtimeError):
    """JACK is not available, or a connection failed."""


class JackPorts:
    """The MIDI ports of a JACK server, and our own port `soundmorph-midi:in`.

    Reconnects when the server has been restarted.

    Args:
        deliver: called with each message as bytes and its time in seconds, counted in JACK's samples (see
            `monotonic`). `deliver` must not block, because it runs on JACK's thread.

    Raises:
        JackMidiError: no JACK server is running, or JACK's library is not installed.
    """

    many = True

    def __init__(self, deliver: Callable[[bytes, float], None]) -> None:
        priority.switch_often()  # every JACK client waits for our process callback
        self._deliver = deliver
        self._joined: JackClient | None = None
        self._count = 0  # number of cycles so far
        try:
            self._join()
        except (ImportError, OSError) as error:
            raise JackMidiError(f"JACK's library is not installed: {error}") from error
        except JackError as error:
            raise JackMidiError(str(error)) from error

    def _join(self) -> None:
        joined, deliver = JackClient(CLIENT), self._deliver
        client = joined.client
        port, rate_hz = client.midi_inports.register(PORT), client.samplerate
        cycles = Cycles(rate_hz)

        def process(samples: int) -> None:
            self._count += 1
            begun_s = time.monotonic() - client.frames_since_cycle_start / rate_hz
            events = [(place, bytes(event)) for place, event in port.incoming_midi_events()]
            for message, at in cycles.run(client.last_frame_time, begun_s, events):
                if message and message[0] not in IGNORED:
                    deliver(message, at)

        joined.activate(process)
        self._joined, self._port, self._cycles = joined, port, cycles

    def monotonic(self, time_s: float) -> float:
        """Return the monotonic time of a message, given the time that `deliver` got with it."""
        return self._cycles.monotonic(time_s)

    @property
    def own(self) -> str | None:
        """Name of our port; None while there is no server."""
        return str(self._port.name) if self._joined else None

    def names(self) -> list[str]:
        """Return the names of the available input ports.

        If no JACK server is connected, look for one; return no names if there is none.
        """
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
        """Do nothing: our port exists whenever the server does."""

    def open(self, name: str) -> None:
        """Connect to a port, and wait until its messages are received.

        Raises:
            JackMidiError: the connection failed.
        """
        import jack

        assert self._joined is not None
        try:
            self._joined.client.connect(name, self._port)
        except jack.JackError as error:
            raise JackMidiError(str(error)) from error
        self._await_next_cycle()

    def _await_next_cycle(self) -> None:
        """Wait until a new connection is active: two process callbacks, or at most `CONNECT_TIMEOUT_S`."""
        seen, end_s = self._count, time.monotonic() + CONNECT_TIMEOUT_S
        while self._count < seen + 2 and time.monotonic() < end_s:
            time.sleep(0.001)

    def shut(self) -> None:
        """Do nothing: JACK itself disconnects a port that disappears."""

    def close(self) -> None:
        """Close the client. Return within half a second, even if the server hangs."""
        if self._joined is not None:
            self._joined.leave()
