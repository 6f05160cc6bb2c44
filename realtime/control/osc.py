"""OSC over UDP: datagrams in, answers out, on one thread, in the order of arrival.

Messages are taken apart by python-osc. Bundles are walked here: its own walk loops for ever on a negative
element size, its dispatcher sleeps until a time tag is due, and neither counts what it could not read.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from realtime.control.access import Access
from realtime.control.addresses import HORIZON_S
from realtime.control.dispatcher import Control, Sender
from realtime.control.protocol import HOST, PORT, Message
from realtime.util.errors import RealtimeError

RECEIVE_BYTES = 65_536  # more than UDP carries; how many are looked at is up to the gate
MAX_TURNED_AWAY = 32  # in a row; then the thread rests, for a flood must not take time from the sound
REST_S = 0.001
MAX_DEPTH = 8  # bundles within bundles
RECEIVE_BUFFER = 1 << 20  # bytes: bursts wait there, in the kernel

NOBODY: Sender = ("", 0)  # who waits for no answers

_BUNDLE = b"#bundle\0"
_TYPES = frozenset(
    "ifsbhdTFNtrm[]"
)  # what python-osc understands; it skips others and so shifts what follows
_NTP_TO_UNIX_S = 2_208_988_800
_ANSWERS = ("/morph/error", "/morph/done", "/pong")


class OscError(RealtimeError):
    """A port that cannot be opened, or a datagram that is not OSC."""


@dataclass(frozen=True)
class Packet:
    """Messages that take effect together: at `due` (Unix time in seconds), or at once if that is None."""

    messages: tuple[Message, ...]
    due: float | None = None


def parse(datagram: bytes) -> list[Packet]:
    """Take a datagram apart: a packet for a message, one for each bundle that has messages.

    Raises:
        OscError: not OSC, cut short, nested too deeply, or with argument types that are not understood.
    """
    if datagram.startswith(_BUNDLE):
        return list(_bundle(datagram, MAX_DEPTH))
    return [Packet((_message(datagram),))]


def _bundle(datagram: bytes, depth: int) -> Iterator[Packet]:
    if depth == 0:
        raise OscError(f"bundles nested more than {MAX_DEPTH} deep")
    if len(datagram) < 16:
        raise OscError("bundle without a time tag")
    messages: list[Message] = []
    inner: list[Packet] = []
    at = 16
    while at < len(datagram):
        size = int.from_bytes(datagram[at : at + 4], "big", signed=True)
        element = datagram[at + 4 : at + 4 + size]
        if size < 4 or size % 4 or len(element) < size:
            raise OscError(f"bundle element of {size} bytes where {len(datagram) - at - 4} are left")
        if element.startswith(_BUNDLE):
            inner += _bundle(element, depth - 1)
        else:
            messages.append(_message(element))
        at += 4 + size
    if messages:
        yield Packet(tuple(messages), _due(int.from_bytes(datagram[8:16], "big")))
    yield from inner


def _due(tag: int) -> float | None:
    """Unix time of an NTP time tag; 1 stands for immediately, and 0 is sent for it by some."""
    if tag <= 1:
        return None
    return (tag >> 32) - _NTP_TO_UNIX_S + (tag & 0xFFFFFFFF) / 2**32


def _message(datagram: bytes) -> Message:
    if not datagram.startswith(b"/"):
        raise OscError("neither a message (/…) nor a bundle (#bundle)")
    end = datagram.find(b"\0")
    start = (end | 3) + 1
    tags = datagram[start : datagram.find(b"\0", start)].decode("latin-1") if end > 0 else ""
    if tags.startswith(",") and (unknown := set(tags[1:]) - _TYPES):
        raise OscError(f"argument types that are not understood: {''.join(sorted(unknown))!r}")
    try:
        message = OscMessage(datagram)
    except Exception as error:  # python-osc has several bases, and lets others through
        raise OscError(f"damaged message: {error}") from error
    return Message(message.address, tuple(message.params))


def encode(message: Message) -> bytes:
    """A message as a datagram: int as i, float as f, text as s."""
    builder = OscMessageBuilder(message.address)
    for value in message.arguments:
        builder.add_arg(value)
    datagram: bytes = builder.build().dgram
    return datagram


def bind(host: str = HOST, port: int = PORT) -> socket.socket:
    """A UDP socket on a port of ours; 0 is any free one.

    Raises:
        OscError: the port is taken, or the host is not this machine.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OscError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return listener


class Server:
    """Passes on to `control` what arrives on a socket and passes the gate, and answers, until stopped."""

    def __init__(self, control: Control, listener: socket.socket, gate: Access | None = None) -> None:
        self.control = control
        self.gate = gate or Access()
        self.host, self.port = listener.getsockname()
        self._socket = listener
        self._closing = False
        self._turn = threading.Lock()  # control is for one thread at a time; the sound never waits for it
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the socket is left to whoever opened it."""
        self._closing = True
        if self._thread.is_alive():
            self._thread.join()

    def handle(self, messages: Sequence[Message], sender: Sender = NOBODY) -> list[Message]:
        """Act on messages from within this process, together, as if they had come in a bundle; the answers.

        For any thread. What is told later (a glide that has arrived) goes to `sender`, if there is one.
        """
        with self._turn:
            return self._handle(tuple(messages), sender, None)

    def resume(self) -> None:
        """See `Control.resume`; for any thread."""
        with self._turn:
            self.control.resume()

    def _run(self) -> None:
        while not self._closing:
            with self._turn:
                patience_s = self.control.patience()
            self._socket.settimeout(patience_s)
            with contextlib.suppress(TimeoutError):
                self._take()
            with self._turn:
                news = list(self.control.news())
            for whom, answer in news:
                if whom != NOBODY:
                    self._survive(self._send, answer, whom)

    def _take(self) -> None:
        """Wait for a datagram and act on it. Of those that are turned away, only so many are seen at once."""
        for _ in range(MAX_TURNED_AWAY):
            try:
                datagram, sender = self._socket.recvfrom(RECEIVE_BYTES)
            except TimeoutError:
                raise
            except OSError:  # Windows reports here that an earlier answer could not be delivered
                break
            if self.gate.admits(sender[0], len(datagram)):
                self._survive(self._receive, datagram, sender)
                return
        self.control.ignored = self.gate.strangers + self.gate.flooded
        time.sleep(REST_S)

    def _survive(self, work: Callable[[Any, Sender], None], what: Any, whom: Sender) -> None:
        """A datagram that brings out a mistake of ours must not end the server."""
        try:
            work(what, whom)
        except Exception:
            self.control.malformed += 1
            logging.getLogger(__name__).exception("while handling a datagram from %s", whom)

    def _receive(self, datagram: bytes, sender: Sender) -> None:
        try:
            packets = parse(datagram)
        except OscError as error:
            self.control.malformed += 1
            self._send(Message("/morph/error", ("", str(error))), sender)
            return
        clocks_apart = time.monotonic() - time.time()
        for packet in packets:
            if packet.messages[0].address.startswith(_ANSWERS):
                continue  # an answer to an answer would never end
            due = None if packet.due is None else packet.due + clocks_apart
            with self._turn:
                replies = self._handle(packet.messages, sender, due)
            for reply in replies:
                self._send(reply, sender)

    def _handle(self, messages: tuple[Message, ...], sender: Sender, due: float | None) -> list[Message]:
        ahead = 0.0 if due is None else due - time.monotonic()
        if ahead > HORIZON_S:
            text = f"time tag {ahead:.0f} s ahead; up to {HORIZON_S:g} s is accepted"
            return [self.control.refuse(message, text) for message in messages]
        return self.control.handle(messages, sender, due)

    def _send(self, message: Message, receiver: Sender) -> None:
        try:
            self._socket.sendto(encode(message), self.control.listening(receiver))
        except OSError as error:
            logging.getLogger(__name__).debug("no answer to %s: %s", receiver, error)
