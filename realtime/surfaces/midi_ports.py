"""MIDI ports that come and go: ALSA, CoreMIDI and Windows through python-rtmidi, JACK by `jack_midi`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import mido

from realtime.surfaces.jack_midi import JackPorts
from realtime.util.errors import RealtimeError

CLIENT, PORT = "soundmorph", "in"
RESCAN_S = 1.0  # between two looks for ports that came or went

Deliver = Callable[[bytes], None]


class PortError(RealtimeError):
    """MIDI that does not work here, or a port that cannot be opened."""


class Ports(Protocol):
    """What a backend does. It gives each message, as bytes, to a function on a thread of its own."""

    @property
    def own(self) -> str | None:
        """The name of our own port; None while the system that it is on is away."""
        ...

    def names(self) -> list[str]:
        """The ports that can be listened to."""
        ...

    def open_own(self) -> None:
        """Listen to what others send to our own port."""
        ...

    def open(self, name: str) -> None:
        """Listen to a port; a RealtimeError if that cannot be."""
        ...

    def shut(self) -> None:
        """Let go of the port that is open, which has gone."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class RtMidiPorts:
    """Through python-rtmidi.

    Args:
        deliver: given each message; clocks, system exclusive and active sensing are left out.
        api: name of the constant of a backend that python-rtmidi has.

    Raises:
        PortError: python-rtmidi is not installed, has no such backend, or that one does not work here.
    """

    own = f"{CLIENT}:{PORT}"

    def __init__(self, deliver: Deliver, api: str) -> None:
        try:
            import rtmidi
        except ImportError:
            raise PortError("MIDI needs python-rtmidi: pip install mido python-rtmidi") from None
        if getattr(rtmidi, api) not in rtmidi.get_compiled_api():
            raise PortError("not on this system")
        self._faults = rtmidi.SystemError, rtmidi.InvalidPortError, OSError
        try:
            self._client: Any = rtmidi.MidiIn(getattr(rtmidi, api), name=CLIENT)
        except (rtmidi.SystemError, OSError) as error:
            raise PortError(str(error).strip()) from error
        self._client.set_callback(lambda event, _: deliver(bytes(event[0])))

    def names(self) -> list[str]:
        return list(self._client.get_ports())

    def open_own(self) -> None:
        try:
            self._client.open_virtual_port(PORT)
        except NotImplementedError:
            raise PortError("virtual MIDI ports do not exist here: name a port") from None

    def open(self, name: str) -> None:
        try:
            self._client.open_port(self.names().index(name), name=PORT)
        except (ValueError, *self._faults) as error:
            raise PortError(str(error)) from error

    def shut(self) -> None:
        self._client.close_port()

    def close(self) -> None:
        self._client.cancel_callback()
        with contextlib.suppress(OSError):
            self._client.close_port()
        self._client.delete()


#: what users call a backend -> how it is opened
BACKENDS: dict[str, Callable[[Deliver], Ports]] = {
    "alsa": partial(RtMidiPorts, api="API_LINUX_ALSA"),
    "jack": JackPorts,
    "coremidi": partial(RtMidiPorts, api="API_MACOSX_CORE"),
    "windows": partial(RtMidiPorts, api="API_WINDOWS_MM"),
}


def _open(backend: str, deliver: Deliver) -> Ports:
    """The backend of that name, or the first that works."""
    wanted = BACKENDS if backend == "auto" else {backend: BACKENDS[backend]}
    reasons = []
    for name, open_ in wanted.items():
        try:
            return open_(deliver)
        except RealtimeError as error:  # noqa: PERF203
            reasons.append(f"{name}: {error}")
    raise PortError(f"MIDI does not work here ({'; '.join(reasons)})")


def names(backend: str = "auto") -> list[str]:
    """The ports that can be listened to.

    Raises:
        PortError: MIDI does not work here.
    """
    ports = _open(backend, lambda message: None)
    try:
        return ports.names()
    finally:
        ports.close()


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
        self._come: SimpleQueue[bytes] = SimpleQueue()
        self._ports = _open(backend, self._come.put)
        self._open: str | None = None
        self._own = self._ports.own
        self._missed = False
        self._rescan_s = float("-inf")
        self.damaged = 0
        """Messages that were not MIDI."""
        if wanted is None:
            self._ports.open_own()
            say(f"MIDI port {self._ports.own} is open")

    @property
    def name(self) -> str | None:
        """The port that is open, or None."""
        return self._ports.own if self._wanted is None else self._open

    def take(self, timeout_s: float = 0.0) -> list[mido.Message]:
        """The messages that have come since, in order; if there is none, the next one, if it comes in time.

        Looks for the port now and then.
        """
        if self._clock() >= self._rescan_s:
            self._rescan_s = self._clock() + RESCAN_S
            self._look()
        messages: list[mido.Message] = []
        with contextlib.suppress(Empty):
            message = self._come.get(timeout_s > 0.0, timeout_s or None)
            while True:
                try:
                    messages.append(mido.Message.from_bytes(message))
                except ValueError:
                    self.damaged += 1
                message = self._come.get_nowait()
        return messages

    def _look(self) -> None:
        here = self._ports.names()
        if self._wanted is None:
            self._look_after_own()
            return
        if self._open is not None:
            if self._open in here:
                return
            self._say(f"MIDI port {self._open} is gone; waiting for it")
            self._ports.shut()
            self._open = None
        found = [name for name in here if self._wanted.lower() in name.lower()]
        if found:
            try:
                self._ports.open(found[0])
            except RealtimeError as error:
                if not self._missed:
                    self._say(f"MIDI port {found[0]} cannot be opened ({error}); trying again")
                self._missed = True
                return
            self._open, self._missed = found[0], True
            self._say(f"MIDI port {self._open} is open")
        elif not self._missed:
            self._missed = True
            self._say(f"no MIDI port {self._wanted!r} yet; there are: {', '.join(here) or 'none'}")

    def _look_after_own(self) -> None:
        own = self._ports.own
        if own != self._own:
            self._say(f"MIDI port {own} is open" if own else f"MIDI port {self._own} is gone; waiting for it")
            self._own = own

    def close(self) -> None:
        """Let go of the port."""
        self._ports.close()
