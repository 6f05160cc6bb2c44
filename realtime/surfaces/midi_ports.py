"""Hot-pluggable MIDI ports: ALSA, CoreMIDI and Windows through python-rtmidi, JACK through `jack_midi`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import mido

from realtime.surfaces.jack_midi import JackPorts
from realtime.util import install
from realtime.util.errors import RealtimeError

CLIENT, PORT = "soundmorph", "in"
ANY = "any"  # the name that stands for every port
LOOPS = ("soundmorph", "midi through")  # first words of the names of ports that belong to no controller
ALSA = "API_LINUX_ALSA"
SEQUENCER = Path("/dev/snd/seq")  # without this file, ALSA's library writes errors to the terminal
RESCAN_S = 1.0  # interval between scans for ports that appear or disappear

Deliver = Callable[[bytes, float], None]
"""Takes a message and the time of its arrival in seconds, by the clock of the backend."""


class PortError(RealtimeError):
    """MIDI is not available, or a port cannot be opened."""


class ForeignError(PortError):
    """The backend belongs to another operating system."""


class Ports(Protocol):
    """A MIDI backend, which passes each message with its time to a callback, on a thread of the backend.

    Attributes:
        many: True if several ports can be open at once.
    """

    many: bool

    @property
    def own(self) -> str | None:
        """Name of our own port; None while the backend's server is down."""
        ...

    def names(self) -> list[str]:
        """Return the available input ports."""
        ...

    def monotonic(self, time_s: float) -> float:
        """Return the monotonic time of a message that arrived at `time_s` by the clock of the backend."""
        ...

    def open_own(self) -> None:
        """Open our own port, to which other programs connect."""
        ...

    def open(self, name: str) -> None:
        """Receive from a port. Raise RealtimeError if it cannot be opened."""
        ...

    def shut(self) -> None:
        """Release the open port after it has disappeared."""
        ...

    def close(self) -> None:
        """Release all ports and the client."""
        ...


class RtMidiPorts:
    """A backend of python-rtmidi.

    Args:
        deliver: called with each message, except system exclusive and active sensing.
        api: name of python-rtmidi's constant for the backend.

    Raises:
        PortError: python-rtmidi is not installed, lacks the backend, or the backend fails to start.
    """

    own = f"{CLIENT}:{PORT}"
    many = False

    def __init__(self, deliver: Deliver, api: str) -> None:
        try:
            import rtmidi
        except ImportError:
            raise PortError(f"MIDI needs python-rtmidi: {install.command('soundmorph[midi]')}") from None
        if getattr(rtmidi, api) not in rtmidi.get_compiled_api():
            raise ForeignError("not available on this system")
        if api == ALSA and not SEQUENCER.exists():
            raise PortError(f"the system has no sequencer, {SEQUENCER}")
        self._faults = rtmidi.SystemError, rtmidi.InvalidPortError, OSError
        try:
            self._client: Any = rtmidi.MidiIn(getattr(rtmidi, api), name=CLIENT)
        except (rtmidi.SystemError, OSError) as error:
            raise PortError(str(error).strip()) from error
        self._client.ignore_types(sysex=True, timing=False, active_sense=True)
        self._client.set_callback(lambda event, _: deliver(bytes(event[0]), time.monotonic()))

    def names(self) -> list[str]:
        return list(self._client.get_ports())

    def monotonic(self, time_s: float) -> float:
        return time_s

    def open_own(self) -> None:
        try:
            self._client.open_virtual_port(PORT)
        except NotImplementedError:
            raise PortError("this system has no virtual MIDI ports: name a port") from None

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


#: name of a backend -> function that opens it
BACKENDS: dict[str, Callable[[Deliver], Ports]] = {
    "alsa": partial(RtMidiPorts, api=ALSA),
    "jack": JackPorts,
    "coremidi": partial(RtMidiPorts, api="API_MACOSX_CORE"),
    "windows": partial(RtMidiPorts, api="API_WINDOWS_MM"),
}


def _open(backend: str, deliver: Deliver) -> Ports:
    """Open the backend of that name; for "auto", the first backend that works."""
    wanted = BACKENDS if backend == "auto" else {backend: BACKENDS[backend]}
    reasons = []
    for name, open_ in wanted.items():
        try:
            return open_(deliver)
        except RealtimeError as error:  # noqa: PERF203
            if backend != "auto" or not isinstance(error, ForeignError):
                reasons.append(f"{name}: {error}")
    raise PortError(f"MIDI is not available ({'; '.join(reasons)})")


def parse(message: bytes, at: float) -> mido.Message | None:
    """Return a message with `at` as its time; None if it is malformed."""
    try:
        return mido.Message.from_bytes(message, time=at)
    except (ValueError, IndexError):  # mido raises IndexError if a byte is missing
        return None


def names(backend: str = "auto") -> list[str]:
    """Return the available input ports.

    Raises:
        PortError: MIDI is not available.
    """
    ports = _open(backend, lambda message, at: None)
    try:
        return ports.names()
    finally:
        ports.close()


class Input:
    """A MIDI input: named ports, opened whenever they appear, or a virtual port for other programs.

    Args:
        wanted: part of the port's name, case-insensitive. `ANY` selects every port; None selects the virtual
            port.
        backend: a key of `BACKENDS`, or "auto".
        say: called with one line when a port opens or disappears.

    Raises:
        PortError: MIDI is not available, or has no virtual ports (Windows).
    """

    def __init__(
        self,
        wanted: str | None,
        backend: str,
        say: Callable[[str], None],
    ) -> None:
        self._wanted = wanted
        self._say = say
        self._arrived: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        self._backend = backend
        self._ports = _open(backend, self._put)
        self._open: dict[str, Ports] = {}
        self._own = self._ports.own
        self._missed = False
        self._rescan_s = float("-inf")
        self.damaged = 0
        """Number of malformed messages."""
        if wanted is None:
            self._ports.open_own()
            say(f"MIDI port {self._ports.own} is open")

    @property
    def name(self) -> str | None:
        """Names of the open ports, or None."""
        return self._ports.own if self._wanted is None else ", ".join(self._open) or None

    def _put(self, message: bytes, at: float) -> None:
        self._arrived.put((at, message))

    def take(self, timeout_s: float = 0.0) -> list[mido.Message]:
        """Return the messages since the last call, in order; if there are none, wait up to `timeout_s`.

        The attribute `time` of a message is its arrival time by the clock of the backend; `monotonic`
        converts that time. Every `RESCAN_S`, look for ports that have appeared or disappeared.
        """
        if time.monotonic() >= self._rescan_s:
            self._rescan_s = time.monotonic() + RESCAN_S
            self._scan()
        messages: list[mido.Message] = []
        with contextlib.suppress(Empty):
            at, message = self._arrived.get(timeout_s > 0.0, timeout_s or None)
            while True:
                if (parsed := parse(message, at)) is None:
                    self.damaged += 1
                else:
                    messages.append(parsed)
                at, message = self._arrived.get_nowait()
        return messages

    def monotonic(self, time_s: float) -> float:
        """Return the monotonic time of a message whose attribute `time` is `time_s`."""
        return self._ports.monotonic(time_s)

    def _scan(self) -> None:
        here = self._ports.names()
        if self._wanted is None:
            self._check_own()
            return
        for name in [name for name in self._open if name not in here]:
            self._say(f"MIDI port {name} is gone; waiting for it")
            self._shut(self._open.pop(name))
        if self._wanted == ANY:
            found = [name for name in here if not name.lower().startswith(LOOPS)]
        else:
            found = [name for name in here if self._wanted.lower() in name.lower()][:1]
            found = [] if self._open else found
        for name in found:
            if name not in self._open:
                self._try(name)
        if not found and not self._open and not self._missed:
            self._missed = True
            available = f"; available: {', '.join(here) or 'none'}"
            self._say(
                "no MIDI port yet" if self._wanted == ANY else f"no MIDI port {self._wanted!r} yet{available}"
            )

    def _try(self, name: str) -> None:
        """Open a port with the client that lists the ports, or with a new client if the former is in use."""
        taken = not self._ports.many and self._ports in self._open.values()
        client = None
        try:
            client = _open(self._backend, self._put) if taken else self._ports
            client.open(name)
        except RealtimeError as error:
            if not self._missed:
                self._say(f"MIDI port {name} cannot be opened ({error}); trying again")
            self._missed = True
            if client is not None and client is not self._ports:
                client.close()
            return
        self._open[name], self._missed = client, True
        self._say(f"MIDI port {name} is open")

    def _shut(self, client: Ports) -> None:
        if client is self._ports:
            client.shut()
        else:
            client.close()

    def _check_own(self) -> None:
        own = self._ports.own
        if own != self._own:
            self._say(f"MIDI port {own} is open" if own else f"MIDI port {self._own} is gone; waiting for it")
            self._own = own

    def close(self) -> None:
        """Close the ports."""
        for client in {id(each): each for each in (*self._open.values(), self._ports)}.values():
            client.close()
