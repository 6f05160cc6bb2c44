"""Connects a MIDI port to a server, over UDP or within the server's process."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import mido
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from realtime.control import osc
from realtime.control.protocol import HOST, PORT, Message
from realtime.surfaces import midi_map
from realtime.surfaces.midi import Mapper, can_learn, learn
from realtime.surfaces.midi_clock import MidiClock
from realtime.surfaces.midi_map import MapError, MidiMap
from realtime.surfaces.midi_ports import Input, names
from realtime.util.errors import say
from realtime.util.signals import stop_on_signals

PERIOD_S = 0.02  # longest wait for a message before the next check for replies and for `stop`
TEMPO = ("clock", "start", "continue", "stop", "songpos")
STOP_S = 0.5  # longest wait for the thread's end
ASK_S = 0.1  # interval between questions about the values that knobs set
MAX_REFUSALS = 100
LATEST = 64  # number of messages kept for the web page
SETTLE_S = 0.4  # after this time without a message, the messages of a control to be learnt are complete


class ServerConnection(Protocol):
    """A connection to a server; messages sent together take effect together, at monotonic time `due`."""

    def send(self, messages: Sequence[Message], due: float | None = None) -> None: ...

    def answers(self) -> Iterable[Message]: ...


class UdpConnection:
    """A connection over UDP; messages sent together form a bundle."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect((host, port))
        except OSError as error:
            self._socket.close()
            raise osc.OscError(f"cannot send to {host}:{port}: {error.strerror}") from None

    def send(self, messages: Sequence[Message], due: float | None = None) -> None:
        alone = due is None and len(messages) == 1
        with contextlib.suppress(ConnectionError, BlockingIOError):  # no server is running yet
            self._socket.send(osc.encode(messages[0]) if alone else _bundle(messages, due))

    def answers(self) -> Iterable[Message]:
        while True:
            try:
                datagram = self._socket.recv(65_536)
            except OSError:
                return
            with contextlib.suppress(osc.OscError):
                for packet in osc.parse(datagram):
                    yield from packet.messages

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class LocalConnection:
    """A connection in the server's process: `handle` takes messages and a time, and returns the replies."""

    def __init__(self, handle: Callable[[Sequence[Message], float | None], list[Message]]) -> None:
        self._handle = handle
        self._answers: deque[Message] = deque()

    def send(self, messages: Sequence[Message], due: float | None = None) -> None:
        self._answers.extend(self._handle(messages, due))

    def answers(self) -> Iterable[Message]:
        while self._answers:
            yield self._answers.popleft()


class MidiConnection:
    """Passes messages from a MIDI port to a server; `start` runs it on a thread of its own.

    Attributes:
        latest: the bytes of the latest messages, each with its number; the web page uses them for MIDI learn.
    """

    def __init__(self, mapper: Mapper, port: Input, say: Callable[[str], None]) -> None:
        self.latest: deque[tuple[int, list[int]]] = deque(maxlen=LATEST)
        self._count = count(1)
        self._mapper, self._port, self._say = mapper, port, say
        self._clock = MidiClock()
        self._requested_s = float("-inf")
        self._refused: set[str] = set()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def step(self, server: ServerConnection) -> None:
        """Pass on the waiting MIDI messages; if there are none, wait for up to `PERIOD_S`.

        Every `ASK_S`, also ask the server for the values that knobs set.
        """
        messages = self._port.take(PERIOD_S)
        now = time.monotonic()
        for message in messages:
            if message.type in TEMPO:
                if converted := self._clock.feed(message, message.time):
                    server.send(converted, self._port.monotonic(message.time))
                continue
            self.latest.append((next(self._count), message.bytes()))
            if converted := self._mapper.feed(message, now):
                server.send(converted)
        if now - self._requested_s >= ASK_S:
            self._requested_s = now
            for question in self._mapper.questions:
                server.send([question])
        for answer in server.answers():
            self._mapper.receive(answer, now)
            if answer.address == "/morph/error":
                self._report(" ".join(map(str, answer.arguments)))

    def _report(self, refusal: str) -> None:
        """Report each distinct error from the server once."""
        if refusal not in self._refused and len(self._refused) < MAX_REFUSALS:
            self._refused.add(refusal)
            self._say(f"the server refused {refusal}")

    def start(self, server: ServerConnection) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, args=(server,), name="midi", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; wait for at most `STOP_S`, in case the MIDI system hangs. The port stays open."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(STOP_S)

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def _run(self, server: ServerConnection) -> None:
        while not self._closing.is_set():
            try:
                self.step(server)
            except Exception:  # noqa: PERF203  a bug must not end the performance
                logging.getLogger(__name__).exception("while passing on MIDI")
                self._closing.wait(PERIOD_S)


def _bundle(messages: Sequence[Message], due: float | None) -> bytes:
    tag: Any = IMMEDIATELY if due is None else time.time() + due - time.monotonic()  # by this machine's clock
    builder = OscBundleBuilder(tag)
    for message in messages:
        content = OscMessageBuilder(message.address)
        for value in message.arguments:
            content.add_arg(value)
        builder.add_content(content.build())
    datagram: bytes = builder.build().dgram
    return datagram


# ---- realtime midi


@dataclass(frozen=True)
class MidiConfig:
    """Options of `realtime midi`; `realtime midi --help` describes each option."""

    port: str | None = None
    backend: str = "auto"
    map: Path | None = None
    curve: str | None = None
    host: str = HOST
    osc_port: int = PORT
    learn: bool = False
    seconds: float | None = None


def load(path: Path | None, curve: str | None = None) -> MidiMap:
    """Return the MIDI map in a file, or from `midi_map.MAPS`; `curve` replaces the curves of all notes.

    Raises:
        MapError: see `midi_map.read`.
    """
    found = midi_map.DEFAULT if path is None else midi_map.MAPS.get(str(path)) or midi_map.read(path)
    if curve is None:
        return found
    return replace(found, notes=tuple(replace(rule, curve=curve) for rule in found.notes))


def list_ports(backend: str) -> int:
    """Print the ports; return the exit code."""
    found = names(backend)
    print("\n".join(found) if found else "no MIDI ports")
    return 0


def run(config: MidiConfig) -> int:
    """Pass messages on until SIGINT, SIGTERM or the end of `config.seconds`; return the exit code.

    Raises:
        RealtimeError: the map, the port or the connection fails.
    """
    if config.learn:
        return _learn(config)
    stopping = stop_on_signals()
    mapper = Mapper(load(config.map, config.curve))
    server = UdpConnection(config.host, config.osc_port)
    port = Input(config.port, config.backend, say)
    connection = MidiConnection(mapper, port, say)
    where = port.name or f"ports named {config.port!r}"
    print(f"midi     {where} to {config.host}:{config.osc_port}; {_count(mapper.map)}", flush=True)
    end = None if config.seconds is None else time.monotonic() + config.seconds
    try:
        while not stopping.is_set() and (end is None or time.monotonic() < end):
            connection.step(server)
    finally:
        port.close()
        server.close()
    return 0


def _learn(config: MidiConfig) -> int:
    """Ask for a target for each moved control, until an empty line is entered; save each new rule."""
    if config.map is None:
        raise MapError("--learn needs --map FILE, where the rules are saved")
    learnt = midi_map.read(config.map) if config.map.exists() else MidiMap()
    port = Input(config.port, config.backend, say)
    try:
        while True:
            print("move a knob, play a note or change the program …", flush=True)
            moved = _receive_control(port)
            print(f"{_describe(moved)}: which target? (an empty line ends)", flush=True)
            target = sys.stdin.readline().strip()
            if not target:
                return 0
            port.take()  # discard messages that arrived while the user typed the target
            try:
                learnt = learn(learnt, moved, target)
            except MapError as error:
                print(f"the rule was not learnt: {error}", flush=True)
                continue
            midi_map.write(config.map, learnt)
            print(f"the rule is stored; {config.map} has {_count(learnt)}", flush=True)
    finally:
        port.close()


def _receive_control(port: Input) -> list[mido.Message]:
    """Return the messages of the next moved control, once no message has arrived for `SETTLE_S`."""
    moved: list[mido.Message] = []
    quiet_s = 0.0
    while not moved or quiet_s < SETTLE_S:
        begun_s = time.monotonic()
        new = [m for m in port.take(PERIOD_S) if can_learn(m)]
        moved += new
        quiet_s = 0.0 if new else quiet_s + time.monotonic() - begun_s
    return moved


def _describe(moved: Sequence[mido.Message]) -> str:
    first = moved[0]
    match first.type:
        case "note_on":
            what = f"note {first.note}"
        case "program_change":
            what = f"program {first.program}"
        case "control_change":
            what = f"controller {first.control}"
        case _:
            what = "pitch bend" if first.type == "pitchwheel" else "pressure"
    return f"{what} on channel {first.channel + 1}"


def _count(rules: MidiMap) -> str:
    fingers = ", MPE" if rules.mpe else ""
    return f"{len(rules.knobs)} knobs, {len(rules.notes)} notes, {len(rules.programs)} programs{fingers}"
