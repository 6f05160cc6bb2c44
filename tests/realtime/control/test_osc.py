"""Tests for OSC datagrams, byte by byte, and for the OSC server with a real socket and a real engine."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.control import osc
from realtime.control.dispatcher import Control
from realtime.control.osc import OscError, Packet, Server, encode, parse
from realtime.control.protocol import Message
from realtime.control.senders.access import ANSWER_BYTES, BURST, MAX_DATAGRAM, Access
from realtime.live.engine import Engine
from realtime.model.decoder import Decoder
from realtime.synth.commands import Command, Trigger
from realtime.synth.mixer import Mixer
from tests.realtime.playing import take

PING = b"/ping\0\0\0,\0\0\0"
HALF = b"/morph/trigger\0\0,f\0\0\x3f\x00\x00\x00"


def bundle(tag: int, *elements: bytes) -> bytes:
    sized = (struct.pack(">i", len(element)) + element for element in elements)
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(sized)


def ntp(unix_s: float) -> int:
    return round((unix_s + 2_208_988_800) * 2**32)


# ---- datagrams


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (PING, Message("/ping")),
        (b"/ping\0\0\0", Message("/ping")),  # some clients omit the type tags of a message without arguments
        (HALF, Message("/morph/trigger", (0.5,))),
        (b"/morph/z/3\0\0,i\0\0\xff\xff\xff\xfe", Message("/morph/z/3", (-2,))),
        (b"/a\0\0,ds\0\x3f\xf8\0\0\0\0\0\0kick\0\0\0\0", Message("/a", (1.5, "kick"))),
        (b"/a\0\0,h\0\0\0\0\0\0\0\0\0\x07", Message("/a", (7,))),
        (b"/a\0\0,TFN\0\0\0\0", Message("/a", (True, False, None))),
        (b"/a\0\0,[ff]\0\0\0\x3f\x80\0\0\x40\0\0\0", Message("/a", ([1.0, 2.0],))),
        (b"/a\0\0,b\0\0\0\0\0\x02hi\0\0", Message("/a", (b"hi",))),
    ],
)
def test_message_is_parsed_to_address_and_arguments(datagram: bytes, message: Message) -> None:
    assert parse(datagram) == [Packet((message,))]


@pytest.mark.parametrize("tag", [0, 1])
def test_immediate_bundle_is_one_packet(tag: int) -> None:
    assert parse(bundle(tag, PING, HALF)) == [
        Packet((Message("/ping"), Message("/morph/trigger", (0.5,))), None)
    ]


def test_time_tag_is_converted_to_unix_time_within_a_microsecond() -> None:
    (packet,) = parse(bundle(ntp(1_800_000_000.25), PING))
    assert packet.due == pytest.approx(1_800_000_000.25, abs=1e-6)


def test_nested_bundle_keeps_its_own_time() -> None:
    inner = bundle(ntp(2000.0), HALF)
    first, second = parse(bundle(ntp(1000.0), PING, inner, PING))
    assert first == Packet((Message("/ping"), Message("/ping")), 1000.0)
    assert second == Packet((Message("/morph/trigger", (0.5,)),), 2000.0)


def test_empty_bundle_has_no_packets() -> None:
    assert parse(bundle(1)) == []


@pytest.mark.parametrize(
    ("datagram", "text"),
    [
        (b"", "neither a message"),
        (b"GET / HTTP/1.1\r\n\r\n", "neither a message"),
        (b"\0" * 64, "neither a message"),
        (b"/ping", "damaged message"),
        (b"/ping\0\0\0f\0\0\0", "damaged message"),  # types without a comma
        (b"/a\0\0,s\0\0kick", "damaged message"),  # unterminated text
        (b"/a\0\0,d\0\0\x3f\xf8", "damaged message"),
        (b"/a\xff\0,\0\0\0", "damaged message"),  # not UTF-8
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "damaged message"),
        (b"/a\0\0,[[f\0\0\0\0\0\0\0\0", "damaged message"),
        (b"/a\0\0,cf\0\0\0\0a\x3f\x80\0\0", "unknown argument types: 'c'"),
        (b"/a\0\0,IS\0\0\0\0\0", "unknown argument types: 'IS'"),
        (b"#bundle\0\0\0\0\0", "a bundle has no time tag"),
        (b"#bundle\0" + b"\0" * 7 + b"\1\xff\xff\xff\xfc", "a bundle element has -4 bytes"),
        (b"#bundle\0" + b"\0" * 7 + b"\1\0\0\0\0", "a bundle element has 0 bytes"),
        (b"#bundle\0" + b"\0" * 7 + b"\1\0\0\0\x7f" + PING, "a bundle element has 127 bytes, but 12 bytes"),
        (b"#bundle\0" + b"\0" * 7 + b"\1\0\0", "a bundle element has 0 bytes"),
        (bundle(1, PING, b"junk"), "neither a message"),
    ],
)
def test_malformed_datagram_is_refused_with_a_reason(datagram: bytes, text: str) -> None:
    with pytest.raises(OscError, match=text):
        parse(datagram)


def test_bundles_nest_at_most_eight_deep() -> None:
    datagram = PING
    for _ in range(8):
        datagram = bundle(1, datagram)
    assert len(parse(datagram)) == 1
    with pytest.raises(OscError, match="more than 8 deep"):
        parse(bundle(1, datagram))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_datagram_raises_osc_error_or_is_a_valid_message(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([HALF, bundle(1, PING, bundle(ntp(1e9), HALF), HALF)]))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        packets = parse(bytes(damaged))
    except OscError:
        return
    assert all(message.address.startswith("/") for packet in packets for message in packet.messages)


def test_encoded_message_parses_to_itself() -> None:
    message = Message("/morph/error", ("/morph/z", "takes 30 numbers; got ½", 3, 0.5))
    assert parse(encode(message)) == [Packet((message,))]
    assert encode(Message("/pong")) == b"/pong\0\0\0,\0\0\0"


# ---- the server


class Client:
    """A socket that sends a question and waits for the reply."""

    def __init__(self, port: int) -> None:
        self.server = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5.0)

    def send(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, self.server)

    def receive(self) -> Message:
        (packet,) = parse(self.socket.recv(65536))
        return packet.messages[0]

    def ask(self, address: str, *arguments: object) -> Message:
        self.send(encode(Message(address, arguments)))
        return self.receive()

    def status(self, key: str) -> object:
        answer = self.ask("/morph/get/status").arguments
        return dict(zip(answer[::2], answer[1::2], strict=True))[key]


@pytest.fixture
def engine(make_mixer: Callable[..., Mixer]) -> Iterator[Engine]:
    """An engine that renders a block whenever the test takes one, as a device would."""
    engine = Engine(make_mixer(), ahead=1, synchronous=True)
    engine.start()
    yield engine
    engine.close()


@pytest.fixture
def client(engine: Engine, decoder: Decoder) -> Iterator[Client]:
    with osc.bind(port=0) as listener:
        server = Server(Control(decoder.info, engine), listener)
        server.start()
        client = Client(server.port)
        yield client
        client.socket.close()
        server.stop()


def test_ping_is_answered_with_pong(client: Client) -> None:
    assert client.ask("/ping") == Message("/pong")


def test_malformed_datagram_is_counted_and_answered_and_the_server_continues(client: Client) -> None:
    client.send(b"junk")
    assert client.receive().address == "/morph/error"
    client.send(b"/a\0\0,c\0\0\0\0\0a")
    assert "unknown argument types" in client.receive().arguments[1]
    assert client.ask("/ping") == Message("/pong")
    assert client.status("malformed") == 2


def test_invalid_z_is_answered_and_the_sound_continues(client: Client, engine: Engine) -> None:
    client.send(encode(Message("/morph/trigger")))
    error = client.ask("/morph/z", 1.0)
    assert error.arguments[0] == "/morph/z"
    assert np.abs(take(engine, 8)).max() > 0
    assert client.status("refused") == 1
    assert client.status("voices") == 1


def test_reply_that_is_sent_to_the_server_gets_no_answer(client: Client) -> None:
    client.send(encode(Message("/morph/error", ("/ping", "?"))))
    client.send(encode(Message("/pong")))
    client.send(encode(Message("/morph/done", ("/morph/goto",))))
    assert client.ask("/ping") == Message("/pong")
    assert client.status("refused") == 0


def test_a_thousand_messages_are_handled_in_order(client: Client, engine: Engine) -> None:
    """Each message overrides the previous message; the last message's value must remain."""
    for value in range(1000):
        client.send(encode(Message("/morph/z/0", (value / 100,))))
    client.ask("/ping")
    take(engine, 4)
    assert client.ask("/morph/get/z").arguments[0] == pytest.approx(9.99)


def test_sender_is_told_when_its_glide_arrives(client: Client, engine: Engine, decoder: Decoder) -> None:
    name = decoder.info.classes[1].name
    client.send(encode(Message("/morph/goto", (name, 20.0))))
    client.ask("/ping")
    take(engine, 12)  # 12 blocks last 32 ms
    assert client.receive() == Message("/morph/done", ("/morph/goto", name))


def test_dropped_datagrams_do_not_delay_messages_to_senders(
    client: Client, engine: Engine, decoder: Decoder
) -> None:
    """The sender of a glide is notified of its end, even while oversized datagrams arrive every 5 ms."""
    name = decoder.info.classes[1].name
    client.send(encode(Message("/morph/goto", (name, 0.0))))
    client.ask("/ping")
    take(engine, 4)
    client.socket.setblocking(False)
    heard: list[Message] = []
    refused = 0
    while not heard:
        assert refused < 16
        client.send(bytes(MAX_DATAGRAM + 1))
        refused += 1
        time.sleep(0.005)
        with contextlib.suppress(BlockingIOError):
            heard.append(client.receive())
    assert heard == [Message("/morph/done", ("/morph/goto", name))]


# ---- many senders


@pytest.fixture
def server(engine: Engine, decoder: Decoder) -> Iterator[Server]:
    """A running server; the message budget of each sender never refills."""
    with osc.bind(port=0) as listener:
        server = Server(Control(decoder.info, engine), listener, Access(clock=lambda: 0.0))
        server.start()
        yield server
        server.stop()


def test_each_message_of_a_bundle_counts_towards_the_senders_limit(server: Server) -> None:
    """A sender may send 2,000 messages at once: the server ignores the last six of ten bundles of 600."""
    crowd, other = Client(server.port), Client(server.port)
    for _ in range(10):
        crowd.send(bundle(1, *[encode(Message("/morph/gain", (-6.0,)))] * 600))
    other.ask("/ping")
    assert other.status("ignored") == 6
    crowd.socket.close()
    other.socket.close()


def test_replies_count_towards_the_senders_limit_by_their_size(server: Server) -> None:
    """A bundle of 600 questions gets replies until the sender has used up its budget, and then one error."""
    client = Client(server.port)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
    client.send(bundle(1, *[encode(Message("/morph/get/map"))] * 600))
    sizes = [len(encode(client.receive()))]
    while (answer := client.receive()).address == "/morph/map.reply":
        sizes.append(len(encode(answer)))
    assert answer.address == "/morph/error"
    assert answer.arguments[0] == "/morph/get/map"
    most = (BURST - 600) * ANSWER_BYTES
    assert most - sizes[0] < sum(sizes) < most + sizes[0]
    client.socket.close()


def test_command_does_not_wait_for_another_senders_questions(engine: Engine, decoder: Decoder) -> None:
    """The server handles a command, which it refuses here, while 59 of 60 earlier questions wait."""
    with osc.bind(port=0) as listener:
        server = Server(Control(decoder.info, engine), listener)
        asking, playing = Client(server.port), Client(server.port)
        for client in (asking, playing):
            client.socket.bind(("127.0.0.1", 0))
            client.socket.setblocking(False)
        questions = bundle(1, *[encode(Message("/morph/get/map"))] * 60)
        server.take_in(questions, asking.socket.getsockname())
        while server.work():
            with contextlib.suppress(BlockingIOError):
                asking.receive()  # the reply to the first question
                break
        server.take_in(encode(Message("/morph/trigger", (2.0,))), playing.socket.getsockname())
        server.work()
        assert playing.receive().arguments[0] == "/morph/trigger"
        while server.work():
            pass
        answers = 1
        with contextlib.suppress(BlockingIOError):
            while asking.receive():
                answers += 1
        assert answers >= 60
        asking.socket.close()
        playing.socket.close()
        server.stop()


def test_time_tags_are_exact_to_the_sample(client: Client, engine: Engine) -> None:
    """One datagram contains two hits whose time tags differ by 10 ms (480 samples)."""
    rate = engine.mixer.sample_rate
    ahead = 0.2
    begun, due = time.monotonic(), time.time() + ahead
    begins: list[int] = []

    def tap(sample: int, command: Command) -> None:
        if isinstance(command, Trigger):
            begins.append(sample)

    engine.mixer.tap = tap
    hit = encode(Message("/morph/trigger", (0.25,)))
    client.send(bundle(1, *(bundle(ntp(due + wait), hit) for wait in (0.0, 0.01))))
    client.ask("/ping")
    expected = engine.sample_at(begun + ahead)
    heard = take(engine, (expected + round(0.03 * rate)) // engine.block_size)
    first, second = begins
    assert abs(second - first - 480) <= 1
    assert abs(first - expected) < 0.01 * rate
    assert np.nonzero(heard)[0][0] - first in (-1, 0, 1)


def test_time_tags_over_a_minute_ahead_are_refused_and_past_ones_take_effect_at_once(
    client: Client, engine: Engine
) -> None:
    client.send(bundle(ntp(time.time() + 3600), HALF))
    assert "time tag is 3600 s in the future; at most 60 s" in client.receive().arguments[1]
    client.send(bundle(ntp(time.time() - 3600), HALF))
    client.ask("/ping")
    assert np.abs(take(engine, 4)).max() > 0


def test_listening_on_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OscError, match=r"cannot listen on 192\.0\.2\.1:0"):
        osc.bind("192.0.2.1", 0)
