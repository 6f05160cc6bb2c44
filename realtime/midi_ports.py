"""MIDI ports through python-rtmidi: ALSA, JACK, CoreMIDI, Windows; plugged in and out as it pleases.

Ports are asked for messages, not answered from a callback: over JACK that would run Python in the audio
graph's own thread.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import mido

from realtime.errors import RealtimeError

CLIENT, PORT = "soundmorph", "in"
RESCAN_S = 1.0  # between two looks for ports that came or went
QUEUE = 65_536  # messages that wait for us at most

#: what users call a backend -> the name of python-rtmidi's constant
BACKENDS = {
    "alsa": "API_LINUX_ALSA",
    "jack": "API_UNIX_JACK",
    "coremidi": "API_MACOSX_CORE",
    "windows": "API_WINDOWS_MM",
}


class PortError(RealtimeError):
    """MIDI that does not work here, or a port that cannot be opened."""


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError:
        raise PortError("MIDI needs python-rtmidi: pip install mido python-rtmidi") from None
    return rtmidi


def _client(backend: str) -> Any:
    rtmidi = _rtmidi()
    compiled = {name: getattr(rtmidi, api) for name, api in BACKENDS.items()}
    here = {name: api for name, api in compiled.items() if api in rtmidi.get_compiled_api()}
    if backend != "auto" and backend not in here:
        raise PortError(f"no MIDI backend {backend!r} here; there are {', '.join(here)}")
    wanted = here if backend == "auto" else {backend: here[backend]}
    reason = ""
    for api in wanted.values():
        try:
            return rtmidi.MidiIn(api, name=CLIENT, queue_size_limit=QUEUE)
        except (rtmidi.SystemError, OSError) as error:  # noqa: PERF203
            reason = str(error).strip()
    raise PortError(f"MIDI does not work here ({', '.join(wanted) or 'no backend'}): {reason}")


def names(backend: str = "auto") -> list[str]:
    """The ports that can be listened to.

    Raises:
        PortError: MIDI does not work here.
    """
    client = _client(backend)
    try:
        return list(client.get_ports())
    finally:
        client.delete()


class Input:
    """One input: a port of that name whenever it is there, or a virtual one that others connect to.

    Args:
        wanted: part of a port's name, upper and lower case alike; None is the virtual port.
        backend: a key of `BACKENDS`, or "auto".
        say: told in a line when the port comes or goes.
        clock: monotonic time in seconds.

    Raises:
        PortError: MIDI does not work here, or has no virtual ports (Windows).
    """

    def __init__(
        self,
        wanted: str | None,
        backend: str,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = wanted
        self._say = say
        self._clock = clock
        self._client = _client(backend)
        self._open: str | None = None
        self._missed = False
        self._rescan_s = float("-inf")
        self.damaged = 0
        """Messages that were not MIDI."""
        if wanted is None:
            try:
                self._client.open_virtual_port(PORT)
            except NotImplementedError:
                raise PortError("virtual MIDI ports do not exist here: name a port") from None
            say(f"MIDI port {CLIENT}:{PORT} is open")

    @property
    def name(self) -> str | None:
        """The port that is open, or None."""
        return f"{CLIENT}:{PORT}" if self._wanted is None else self._open

    def poll(self) -> list[mido.Message]:
        """The messages that have come since, in order; looks for the port now and then."""
        if self._wanted is not None and self._clock() >= self._rescan_s:
            self._rescan_s = self._clock() + RESCAN_S
            self._look(self._wanted)
        messages: list[mido.Message] = []
        while taken := self._client.get_message():
            try:
                messages.append(mido.Message.from_bytes(taken[0]))
            except ValueError:  # noqa: PERF203
                self.damaged += 1
        return messages

    def _look(self, wanted: str) -> None:
        here = list(self._client.get_ports())
        if self._open is not None:
            if self._open in here:
                return
            self._say(f"MIDI port {self._open} is gone; waiting for it")
            self._client.close_port()
            self._open = None
        found = [name for name in here if wanted.lower() in name.lower()]
        if found:
            try:
                self._client.open_port(here.index(found[0]), name=PORT)
            except (_rtmidi().SystemError, _rtmidi().InvalidPortError, OSError) as error:
                if not self._missed:
                    self._say(f"MIDI port {found[0]} cannot be opened ({error}); trying again")
                self._missed = True
                return
            self._open, self._missed = found[0], True
            self._say(f"MIDI port {self._open} is open")
        elif not self._missed:
            self._missed = True
            self._say(f"no MIDI port {wanted!r} yet; there are: {', '.join(here) or 'none'}")

    def close(self) -> None:
        """Let go of the port."""
        with contextlib.suppress(OSError):
            self._client.close_port()
        self._client.delete()
