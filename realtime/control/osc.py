"""OSC over UDP: receives datagrams and sends replies, on one thread.

python-osc parses messages. Bundles are parsed here, because python-osc loops for ever on a negative element
size, its dispatcher sleeps until a time tag is due, and it does not count malformed input.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from realtime.control.addresses import HORIZON_S
from realtime.control.dispatcher import Control
from realtime.control.protocol import HOST, NOBODY, PORT, Message, Sender
from realtime.control.senders.access import ANSWER_BYTES, RATE, Access
from realtime.control.senders.turns import Turns, Work
from realtime.model.schema import ModelInfo
from realtime.util.errors import RealtimeError

RECEIVE_BYTES = 65_536  # more than UDP carries; the access rules set the actual limit
MAX_AT_ONCE = 32  # maximum number of datagrams received before any is handled
REST_S = 0.001  # pause after a round of dropped datagrams, which leaves processor time for rendering
PIECE = 16  # number of messages parsed before other senders get a turn
MAX_DEPTH = 8  # maximum number of levels of nested bundles
KERNEL_BUFFER = 1 << 22  # size of each socket buffer in bytes: enough for one second of flooding

T = TypeVar("T")

_BUNDLE = b"#bundle\0"
# argument types that python-osc knows; it skips other types, and misreads the arguments after them
_TYPES = frozenset("ifsbhdTFNtrm[]")
_NTP_TO_UNIX_S = 2_208_988_800
_ANSWERS = ("/morph/error", "/morph/done", "/pong")
_QUESTIONS = ("/morph/get/", "/ping")
_TOO_MUCH = f"too many questions: the limit is {RATE * ANSWER_BYTES / 1000:.0f} kB of replies a second"


class OscError(RealtimeError):
    """The port cannot be opened, or a datagram is not OSC."""


@dataclass(frozen=True)
class Packet:
    """Messages that take effect together, at `due` (Unix time in seconds), or at once if `due` is None."""

    messages: tuple[Message, ...]
    due: float | None = None


def parse(datagram: bytes) -> list[Packet]:
    """Parse a datagram; return one packet for a message, or one for each bundle that has messages.

    Raises:
        OscError: the datagram is not OSC, is cut short, is nested too deeply, or has unknown argument types.
    """
    return [Packet(tuple(map(_message, part.messages)), part.due) for part in split(datagram)]


@dataclass(frozen=True)
class Part:
    """A `Packet` whose messages are not parsed yet."""

    messages: tuple[bytes, ...]
    due: float | None = None


def split(datagram: bytes) -> list[Part]:
    """Split a datagram into its messages. This is cheap, because the messages are not parsed.

    Raises:
        OscError: a bundle is cut short or nested too deeply.
    """
    if datagram.startswith(_BUNDLE):
        return list(_bundle(datagram, MAX_DEPTH))
    return [Part((datagram,))]


def _bundle(datagram: bytes, depth: int) -> Iterator[Part]:
    if depth == 0:
        raise OscError(f"bundles are nested more than {MAX_DEPTH} deep")
    if len(datagram) < 16:
        raise OscError("a bundle has no time tag")
    messages: list[bytes] = []
    inner: list[Part] = []
    at = 16
    while at < len(datagram):
        size = int.from_bytes(datagram[at : at + 4], "big", signed=True)
        element = datagram[at + 4 : at + 4 + size]
        if size < 4 or size % 4 or len(element) < size:
            raise OscError(f"a bundle element has {size} bytes, but {len(datagram) - at - 4} bytes are left")
        if element.startswith(_BUNDLE):
            inner += _bundle(element, depth - 1)
        else:
            messages.append(element)
        at += 4 + size
    if messages:
        yield Part(tuple(messages), _due(int.from_bytes(datagram[8:16], "big")))
    yield from inner


def _due(tag: int) -> float | None:
    """Convert an NTP time tag to Unix time in seconds; None means at once (tag 1; some clients send 0)."""
    if tag <= 1:
        return None
    return (tag >> 32) - _NTP_TO_UNIX_S + (tag & 0xFFFFFFFF) / 2**32


def _message(datagram: bytes) -> Message:
    if not datagram.startswith(b"/"):
        raise OscError("the datagram is neither a message (/…) nor a bundle (#bundle)")
    end = datagram.find(b"\0")
    start = (end | 3) + 1
    tags = datagram[start : datagram.find(b"\0", start)].decode("latin-1") if end > 0 else ""
    if tags.startswith(",") and (unknown := set(tags[1:]) - _TYPES):
        raise OscError(f"unknown argument types: {''.join(sorted(unknown))!r}")
    try:
        message = OscMessage(datagram)
    except Exception as error:  # python-osc raises many types without a common base class
        raise OscError(f"damaged message: {error}") from error
    return Message(message.address, tuple(message.params))


def _is_question(message: Message) -> bool:
    return message.address.startswith(_QUESTIONS)


def encode(message: Message) -> bytes:
    """Convert a message to a datagram: int to i, float to f, text to s."""
    builder = OscMessageBuilder(message.address)
    for value in message.arguments:
        builder.add_arg(value)
    datagram: bytes = builder.build().dgram
    return datagram


def bind(host: str = HOST, port: int = PORT) -> socket.socket:
    """Open a UDP socket on a port; port 0 picks a free port.

    Raises:
        OscError: the port is taken, or `host` is not an address of this machine.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        remedy = (
            "end the server that is using the port (Ctrl-C), or choose another port"
            if taken
            else "choose another"
        )
        raise OscError(f"cannot listen on {host}:{port}: {error.strerror}; {remedy} with --port") from error
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, buffer, KERNEL_BUFFER)
    return listener


class Server:
    """Receives datagrams, checks them against the access rules, passes them to `control`, and replies."""

    def __init__(self, control: Control, listener: socket.socket, access: Access | None = None) -> None:
        self.control = control
        self.access = access or Access()
        self.host, self.port = listener.getsockname()
        self._socket = listener
        listener.setblocking(False)
        self._arrived = selectors.DefaultSelector()
        self._arrived.register(listener, selectors.EVENT_READ)
        self._turns = Turns()
        self._news_due_s = 0.0
        self._closing = False
        self._mailboxes: dict[Sender, Callable[[bytes], None]] = {}
        self._posted: deque[tuple[bytes, Sender]] = deque()
        self._waker, woken = socket.socketpair()  # wakes the thread for posted datagrams
        self._waker.setblocking(False)
        woken.setblocking(False)
        self._arrived.register(woken, selectors.EVENT_READ)
        self._woken = woken
        self._turn = threading.Lock()  # control is not thread-safe; the audio never waits for this lock
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)

    def start(self) -> None:
        """Start the server's thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving and handling messages. The socket stays open; its owner closes it."""
        with self._turn:
            self._closing = True
        if self._thread.is_alive():
            self._thread.join()
        for each in (self._arrived, self._waker, self._woken):
            each.close()

    def handle(
        self,
        messages: Sequence[Message],
        sender: Sender = NOBODY,
        due: float | None = None,
        at: int | None = None,
    ) -> list[Message]:
        """Handle messages from this process like those of one bundle; return the replies. Thread-safe.

        Later replies, such as the arrival of a glide, go to `sender`. After `stop`, do nothing and return no
        replies.

        Args:
            messages: the messages of the bundle.
            sender: receives later replies.
            due: monotonic time at which the messages take effect, or None for now.
            at: instead of `due`, the sample at which the messages take effect, counted by the audio device.
        """
        with self._turn:
            if self._closing:
                return []
            return self._handle(tuple(messages), sender, due, at)

    def post(self, datagram: bytes, sender: Sender) -> None:
        """Queue a datagram of an attached sender as if the datagram had arrived by UDP. Thread-safe."""
        self._posted.append((datagram, sender))
        with contextlib.suppress(OSError):  # a wake-up is pending, or the server has stopped
            self._waker.send(b"!")

    def attach(self, sender: Sender, mailbox: Callable[[bytes], None]) -> None:
        """Call `mailbox` with each reply to `sender`, as an OSC datagram. `mailbox` must not block.

        The port in `sender` must be negative, to differ from every UDP port.
        """
        self._mailboxes[sender] = mailbox

    def detach(self, sender: Sender) -> None:
        """Remove an attached sender; its outstanding replies are dropped."""
        del self._mailboxes[sender]

    def with_control(self, function: Callable[[Control], T]) -> T:
        """Call `function` with `control` between two messages; return the result. Thread-safe."""
        with self._turn:
            return function(self.control)

    def resume(self, info: ModelInfo) -> None:
        """Call `Control.resume`. Thread-safe."""
        with self._turn:
            self.control.resume(info)

    def _run(self) -> None:
        while not self._closing:
            if not self._turns:
                self._arrived.select(max(0.0, self._news_due_s - time.monotonic()))
            self._take_in()
            self.work()
            if time.monotonic() >= self._news_due_s:
                self._tell_news()

    def _take_in(self) -> None:
        """Queue the datagrams that have arrived; pause if `MAX_AT_ONCE` have arrived and all are dropped."""
        taken = self._take_posted()
        for _ in range(MAX_AT_ONCE):
            try:
                datagram, sender = self._socket.recvfrom(RECEIVE_BYTES)
            except BlockingIOError:
                return
            except OSError:  # Windows reports here that an earlier reply could not be delivered
                return
            if self.access.admits(sender[0], len(datagram), sender[1]):
                self.take_in(datagram, sender)
                taken = True
            self.control.ignored = self.access.strangers + self.access.flooded
        if not taken:
            time.sleep(REST_S)

    def _take_posted(self) -> bool:
        """Queue the posted datagrams; return False if there are none."""
        if not self._posted:
            return False
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(RECEIVE_BYTES)
        for _ in range(len(self._posted)):
            datagram, sender = self._posted.popleft()
            if self.access.admits(sender[0], len(datagram), sender[1]):
                self.take_in(datagram, sender)
        return True

    def take_in(self, datagram: bytes, sender: Sender) -> None:
        """Queue a datagram. While the server is running, only its own thread may call this."""
        try:
            parts = split(datagram)
        except OscError as error:
            self._tell_malformed(error, sender)
            return
        self.access.spend(sender[0], sum(len(part.messages) for part in parts) - 1, sender[1])
        if not self._turns.add(sender, self._carry_out(parts, sender), len(datagram)):
            self.access.flooded += 1

    def work(self) -> bool:
        """Do the next piece of work; return False if there is none. Call it on the thread of `take_in`."""
        if not self._turns:
            return False
        try:
            self._turns.take()
        except Exception:  # a datagram that triggers a bug must not end the server
            self.control.malformed += 1
            logging.getLogger(__name__).exception("while handling a datagram")
        with self._turn:
            self._news_due_s = min(self._news_due_s, time.monotonic() + self.control.news_interval_s())
        return True

    def _carry_out(self, parts: Sequence[Part], sender: Sender) -> Work:
        """Parse a datagram, carry out its commands and reply to its questions, a piece at a time."""
        packets = []
        try:
            for part in parts:
                messages: list[Message] = []
                for each in part.messages:
                    messages.append(_message(each))
                    if len(messages) % PIECE == 0:
                        yield False
                packets.append(Packet(tuple(messages), part.due))
        except OscError as error:
            self._tell_malformed(error, sender)
            return
        clocks_apart = time.monotonic() - time.time()
        for packet in packets:
            if packet.messages[0].address.startswith(_ANSWERS):
                continue  # replies to replies would never end
            due = None if packet.due is None else packet.due + clocks_apart
            commands = tuple(each for each in packet.messages if not _is_question(each))
            if commands:
                self._answer(commands, sender, due)
            for question in filter(_is_question, packet.messages):
                yield True
                if not self.access.affords(*sender):
                    self._send(self.control.refuse(question, _TOO_MUCH), sender)
                    break
                self._answer((question,), sender, due)

    def _answer(self, messages: tuple[Message, ...], sender: Sender, due: float | None) -> None:
        """Handle messages, send the replies, and charge the sender's budget for the replies."""
        with self._turn:
            replies = self._handle(messages, sender, due)
        size = sum(self._send(reply, sender) for reply in replies)
        self.access.spend(sender[0], size / ANSWER_BYTES, sender[1])

    def _tell_malformed(self, error: OscError, sender: Sender) -> None:
        self.control.malformed += 1
        self.control.refusals.add("", str(error))
        self._send(Message("/morph/error", ("", str(error))), sender)

    def _tell_news(self) -> None:
        """Send the replies and reports that `Control.news` yields to their receivers."""
        with self._turn:
            news = list(self.control.news())
            self._news_due_s = time.monotonic() + self.control.news_interval_s()
        for receiver, answer in news:
            if receiver != NOBODY:
                self._send(answer, receiver)

    def _handle(
        self, messages: tuple[Message, ...], sender: Sender, due: float | None, at: int | None = None
    ) -> list[Message]:
        ahead = 0.0 if due is None else due - time.monotonic()
        if ahead > HORIZON_S:
            text = f"the time tag is {ahead:.0f} s in the future; at most {HORIZON_S:g} s are accepted"
            return [self.control.refuse(message, text) for message in messages]
        return self.control.handle(messages, sender, due, at)

    def _send(self, message: Message, receiver: Sender) -> int:
        """Send a message by UDP or to an attached receiver's mailbox; return its size in bytes."""
        datagram, receiver = encode(message), self.control.receiver(receiver)
        if receiver[1] < 0:
            if mailbox := self._mailboxes.get(receiver):
                mailbox(datagram)
            return len(datagram)
        try:
            self._socket.sendto(datagram, receiver)
        except OSError as error:
            logging.getLogger(__name__).debug("no reply to %s: %s", receiver, error)
        return len(datagram)
