"""Tests for real MIDI through a real JACK server, to `realtime midi` and to the server itself."""

from __future__ import annotations

import contextlib
import queue
import random
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from realtime.audio.jack_client import JackClient
from realtime.control import osc
from realtime.control.protocol import Message
from realtime.surfaces import jack_midi
from realtime.surfaces.jack_midi import JackPorts
from realtime.surfaces.midi import Mapper
from realtime.surfaces.midi_map import Knob, MidiMap, Mpe, Notes, Program, read, write
from tests.realtime.surfaces.midi_messages import cc, note
from tests.system.rig import TIMEOUT_S, Jack, Process, Server, wait_until

EVENTS = 1000
NOTES = 40

RULES = MidiMap(
    knobs=(
        Knob("/morph/between", cc=7, channel=1, bits=14, arguments=("kick", "snare")),
        Knob("/morph/gain", cc=20, pickup=False),
        Knob("/morph/macro/0", source="bend", channel=1),
    ),
    notes=(Notes("/morph/trigger", 10, 36, 36, "kick", 1), Notes()),
    programs=tuple(Program(number, f"preset {number}", 10.0 * number) for number in range(4)),
    mpe=Mpe("upper", members=4, release="stop"),
)


class Controller:
    """A MIDI controller: the output of a JACK client."""

    def __init__(self, name: str) -> None:
        import rtmidi

        self._out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
        self._out.open_virtual_port("out")

    def send(self, *messages: Any) -> None:
        for message in messages:
            self._out.send_message(message.bytes())

    def close(self) -> None:
        self._out.close_port()
        self._out.delete()


@contextlib.contextmanager
def controller(name: str = "keys") -> Iterator[Controller]:
    keys = Controller(name)
    try:
        yield keys
    finally:
        keys.close()


@pytest.fixture
def jack(jack_server: Jack, monkeypatch: pytest.MonkeyPatch) -> Jack:
    """A JACK server, which the clients in this process use, too."""
    jack_server.use(monkeypatch)
    return jack_server


def forwarder(jack: Jack, *arguments: str) -> Process:
    command = [sys.executable, "-m", "realtime", "midi", "--backend", "jack", "--port", "KEYS", *arguments]
    return Process(command, jack.env)


def performance() -> list[Any]:
    """Return random notes, controllers (7 and 14 bits), pitch bends, MPE messages and program changes."""
    chance = random.Random(4)
    events: list[Any] = []
    while len(events) < EVENTS:
        value, finger = chance.randrange(128), chance.randrange(12, 16)
        kinds = [
            [note(36, 1 + value % 127, 10)],
            [note(value, 64), mido.Message("note_off", note=value)],
            [cc(20, value)],
            [cc(7, value), cc(39, chance.randrange(128))],
            [mido.Message("pitchwheel", pitch=chance.randrange(-8192, 8192))],
            [note(value, 90, finger)],
            [mido.Message("pitchwheel", channel=finger - 1, pitch=64 * value)],
            [cc(74, value, finger)],
            [mido.Message("note_off", channel=finger - 1, note=value)],
            [mido.Message("program_change", program=value % 6)],
        ]
        events += chance.choice(kinds)
    return events[:EVENTS]


def test_realtime_midi_forwards_a_performance_completely_and_in_order(jack: Jack, tmp_path: Path) -> None:
    write(tmp_path / "map.toml", RULES)
    events = performance()
    mapper = Mapper(RULES)
    wanted = [m for event in events for m in mapper.feed(event, 0.0)]
    assert len(wanted) > EVENTS / 2
    assert len({m.address.split("/")[2] for m in wanted}) == 8
    heard: list[Message] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener, controller() as keys:
        listener.bind(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        listener.settimeout(TIMEOUT_S)
        port = str(listener.getsockname()[1])
        with forwarder(jack, "--map", str(tmp_path / "map.toml"), "--osc-port", port) as midi:
            midi.wait_for("keys:out is open")
            keys.send(*events)
            while len(heard) < len(wanted):
                heard += [m for packet in osc.parse(listener.recv(65_536)) for m in packet.messages]
    single = [osc.parse(osc.encode(message))[0].messages[0] for message in wanted]  # rounded to 32 bits
    assert heard == single


def test_realtime_midi_lists_ports_and_opens_a_port_again_when_it_returns(jack: Jack) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(TIMEOUT_S)
        with forwarder(jack, "--osc-port", str(listener.getsockname()[1])) as midi:
            midi.wait_for("no MIDI port 'KEYS' yet")
            for key in (50, 51):
                with controller() as keys:
                    midi.wait_for("keys:out is open")
                    keys.send(note(key))
                    while (
                        message := osc.parse(listener.recv(65_536))[0].messages[0]
                    ).address != "/morph/drum":
                        pass
                    assert message.arguments == (key, 100)
                    with forwarder(jack, "--list") as listing:
                        assert listing.finish() == 0
                    assert "keys:out" in listing.output.splitlines()
                midi.wait_for("keys:out is gone")


def test_port_name_any_opens_every_port(jack: Jack) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener, controller() as keys:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(TIMEOUT_S)
        with (
            controller("pads") as pads,
            forwarder(jack, "--port", "any", "--osc-port", str(listener.getsockname()[1])) as midi,
        ):
            for name in ("keys", "pads"):
                midi.wait_for(f"{name}:out is open")
            for key, source in enumerate((keys, pads, keys), 40):
                source.send(note(key))
                while (message := osc.parse(listener.recv(65_536))[0].messages[0]).address != "/morph/drum":
                    pass
                assert message.arguments == (key, 100)
        assert "gone" not in midi.output


def test_message_sent_as_soon_as_a_port_is_open_is_received(
    jack: Jack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is connected in the middle of a cycle of the sender, which tries to send in this cycle."""
    monkeypatch.setattr(jack_midi, "CONNECT_TIMEOUT_S", TIMEOUT_S)
    heard: queue.Queue[bytes] = queue.Queue()
    inside, go_on, opened, sent = (threading.Event() for _ in range(4))
    ports, sender = (
        JackPorts(lambda message, at: heard.put(message)),
        JackClient("keys"),
    )
    out = sender.client.midi_outports.register("out")

    def process(samples: int) -> None:
        inside.set()
        go_on.wait(TIMEOUT_S)
        out.clear_buffer()
        if opened.is_set() and not sent.is_set():
            out.write_midi_event(0, note(60).bytes())
            sent.set()

    def open_() -> None:
        ports.open("keys:out")
        opened.set()

    try:
        sender.activate(process)
        assert inside.wait(TIMEOUT_S)
        opening = threading.Thread(target=open_)
        opening.start()
        opened.wait(0.3)  # times out, unless `open` returns before the cycle ends
        go_on.set()
        assert heard.get(timeout=TIMEOUT_S) == bytes(note(60).bytes())
        opening.join()
    finally:
        go_on.set()
        ports.close()
        sender.leave()


def test_option_learn_writes_a_map_from_moved_controls_and_typed_targets(jack: Jack, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    with controller() as keys, forwarder(jack, "--learn", "--map", str(path)) as midi:
        midi.wait_for("keys:out is open")
        for moved, told, target, answer in (
            ([cc(7, 3, 2), cc(39, 9, 2)], "controller 7 on channel 2", "z/3", "1 knobs"),
            ([note(36, 9, 10)], "note 36 on channel 10", "triger kick", "did you mean /morph/trigger"),
            ([note(36, 9, 10)], "note 36 on channel 10", "trigger kick", "1 knobs, 1 notes"),
            ([mido.Message("program_change", program=7)], "program 7", "dark 250", "1 programs"),
        ):
            keys.send(*moved)
            midi.wait_for(told)
            midi.say(target)
            midi.wait_for(answer)
            midi.wait_for("move a knob")
        keys.send(cc(1, 1))
        midi.wait_for("controller 1 ")
        midi.say("")
        assert midi.finish() == 0
    assert read(path) == MidiMap(
        (Knob("/morph/z/3", cc=7, channel=2, bits=14),),
        (Notes("/morph/trigger", 10, 36, 36, "kick"),),
        (Program(7, "dark", 250.0, 1),),
    )


def test_knob_moves_z_only_after_it_has_passed_the_current_value(
    jack: Jack, tiny_model: Path, tmp_path: Path
) -> None:
    write(tmp_path / "map.toml", MidiMap((Knob("/morph/z/0", cc=1, low=-2.0, high=2.0),), (Notes(),)))
    options = ["--null", "--midi", "keys", "--midi-backend", "jack", "--midi-map", str(tmp_path / "map.toml")]
    with controller() as keys, Server(tiny_model, *options, env=jack.env) as server:
        server.wait_for("keys:out is open")
        z = [0.5, 0.1, 0.2, 0.3]
        server.send("/morph/z", *z)
        keys.send(cc(1, 0), cc(1, 10), note(60))  # these values are below the current one
        server.wait_until(hits=1)
        assert server.ask("/morph/get/z")[1] == pytest.approx(z)

        def turned_up() -> bool:
            keys.send(*(cc(1, value) for value in range(11, 128)))
            return bool(server.ask("/morph/get/z")[1] == pytest.approx([2.0, *z[1:]]))

        wait_until(turned_up)  # the current value is read slightly later
        assert "refused" not in server.output


@pytest.mark.parametrize("name", ["keys", ""], ids=["a port by its name", "our own port"])
def test_midi_notes_play_again_after_jack_restarts(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    port = "keys:out" if name else "soundmorph-midi:in"
    options = ["--device", "system", "--midi", *([name] if name else []), "--midi-backend", "jack"]

    def play(jack: Jack, server: Server, hits: int) -> None:
        with controller() as keys:
            if name:
                server.wait_for(f"{port} is open")
            else:
                jack.connect("keys:out", port)
            keys.send(note(60))
            server.wait_until(hits=hits)

    with Jack() as jack:
        jack.wait()
        jack.use(monkeypatch)
        with Server(tiny_model, *options, env=jack.env) as server:
            play(jack, server, 1)
            server.wait_until(voices=0)
            jack.stop()
            server.wait_for(f"{port} is gone")
            with Jack(name=jack.name) as again:
                again.wait()
                wait_until(lambda: "is back" in server.output, lambda: server.output)
                if not name:
                    server.wait_for(f"{port} is open")
                with again.recording(tmp_path / "heard.npy"):
                    play(again, server, 2)
                    server.wait_until(voices=0)
                    server.play_for(0.1)
                assert server.stop() == 0
    assert np.abs(np.load(tmp_path / "heard.npy")).max() > 0.001


def test_server_with_midi_ends_although_jack_is_stuck(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A synchronous JACK server is stuck for minutes if a different client dies in the middle of a cycle."""
    options = ["--device", "system", "--synchronous", "--midi", "keys", "--midi-backend", "jack"]
    with Jack() as jack:
        jack.wait()
        jack.use(monkeypatch)
        with Server(tiny_model, *options, env=jack.env) as server:
            with controller() as keys:
                server.wait_for("keys:out is open")
                keys.send(note(60))
                server.wait_until(hits=1)
            jack.pause()
            assert server.stop(signal.SIGTERM) == 0
        jack.stop(signal.SIGKILL)
    with Jack(name=jack.name) as again:  # frees the name, which the killed server has left taken
        again.wait()


class Player:
    """A JACK client that sends notes by MIDI or OSC at the start of a cycle, and listens to the server."""

    def __init__(self, server: Server) -> None:
        self._jack = JackClient("player")
        self._client = self._jack.client
        self._midi = self._client.midi_outports.register("out")
        self._heard = self._client.inports.register("in")
        self._osc = osc.encode(Message("/morph/note", (60, 100)))
        self._server = server
        self._to = ("127.0.0.1", server.port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._asked = ""
        self._sent: int | None = None
        self._lags: queue.Queue[int] = queue.Queue()

    def _process(self, samples: int) -> None:
        self._midi.clear_buffer()
        sound = np.flatnonzero(self._heard.get_array())
        if self._sent is not None and len(sound):
            self._lags.put(((self._client.last_frame_time - self._sent) & 0xFFFFFFFF) + int(sound[0]))
            self._sent = None
        if self._asked:
            if self._asked == "midi":
                self._midi.write_midi_event(0, note(60).bytes())
            else:
                self._socket.sendto(self._osc, self._to)
            self._asked, self._sent = "", self._client.last_frame_time

    def lag(self, way: str) -> int:
        """Send a note by `way`, midi or osc; return the delay in samples from its cycle to its sound."""
        self._asked = way
        try:
            return self._lags.get(timeout=TIMEOUT_S)
        except queue.Empty:
            said = f"{self._server.status()}\n{self._server.output}"
            raise AssertionError(f"a note by {way} did not sound in {TIMEOUT_S:g} s: {said}") from None

    def __enter__(self) -> Player:
        self._jack.activate(self._process)
        self._client.connect("soundmorph:out_1", self._heard)
        self._client.connect(self._midi, "soundmorph-midi:in")
        return self

    def __exit__(self, *_: object) -> None:
        self._jack.leave()
        self._socket.close()


def test_midi_notes_sound_at_most_one_block_later_than_osc_notes(jack: Jack, tiny_model: Path) -> None:
    """The delays are medians over many notes."""
    options = ["--device", "system", "--synchronous", "--midi", "--midi-backend", "jack"]
    lags: dict[str, list[int]] = {"midi": [], "osc": []}
    with Server(tiny_model, *options, env=jack.env) as server, Player(server) as player:
        for _ in range(NOTES):
            for way, found in lags.items():
                found.append(player.lag(way))
                server.send("/morph/panic")
                server.wait_until(voices=0)
                server.play_for(0.05)
        assert server.status()["hits"] == 2 * NOTES
    print("\n" + ", ".join(f"{way}: {sorted(found)}" for way, found in lags.items()))
    assert np.median(lags["midi"]) <= np.median(lags["osc"]) + jack.period
