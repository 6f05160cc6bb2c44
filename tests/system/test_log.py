"""The log of a real server: what a kill costs, and that its rendering is what was heard."""

from __future__ import annotations

import random
import select
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from pythonosc.udp_client import SimpleUDPClient

from realtime.synth.command_log import FLUSH_S, commands, read_header
from realtime.synth.commands import Swap, Trigger, Tweak
from tests.system.rig import MAX_DIFFERENCE, Jack, Server, assert_heard_as_logged

HITS = 300
WHISPER = 100 * MAX_DIFFERENCE  # of plugins, before the first hit
VST3 = Path("/usr/lib/vst3")


def test_a_kill_costs_the_last_tenth_of_a_second_at_most(tiny_model: Path, tmp_path: Path) -> None:
    """Of sound, in samples: what is missing was sent when a status had come, so it was carried out later.

    A hit is known by its velocity. The kill follows the last status at once.
    """
    log = tmp_path / "take.jsonl"
    before = []  # each hit, in seconds of sound
    with Server(tiny_model, "--null", "--log", str(log)) as server:
        for number in range(1, HITS + 1):
            server.play_for(0.005)
            before.append(float(server.status()["seconds"]))
            server.send("/morph/trigger", number / 1024)
        last = float(server.status()["seconds"])
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    setting = read_header(log)
    hits = [(at, each) for at, each in commands(log, setting.latent_dim) if isinstance(each, Trigger)]
    assert [round(1024 * hit.velocity) for _, hit in hits] == [*range(1, len(hits) + 1)]
    assert all(at >= round(s * setting.sample_rate) for (at, _), s in zip(hits, before, strict=False))
    lost = last - before[len(hits)] if len(hits) < HITS else 0.0
    print(f"\n{HITS - len(hits)} hits lost, in the last {1000 * lost:.1f} ms of {last:.1f} s")
    assert last > 1.0  # it has been synced meanwhile
    assert len(hits) > 0
    assert lost <= FLUSH_S


class Hand:
    """Plays a server at random, with what the model that plays has."""

    def __init__(self, server: Server) -> None:
        self._server, self._draw = server, random.Random(2)
        self._client = SimpleUDPClient("127.0.0.1", server.port)
        self.look()

    def look(self) -> None:
        """See which model plays."""
        self._names = [str(name) for name in self._server.ask("/morph/get/classes")[1]]

    def play(self, seconds: float, *more: tuple[Any, ...]) -> None:
        """Play for so long, sometimes with one of these messages."""
        end = float(self._server.status()["seconds"]) + seconds
        while float(self._server.status()["seconds"]) < end:
            self.gesture()
            if more and self._draw.random() < 0.5:
                address, low, high = self._draw.choice(more)
                self._client.send_message(address, self._draw.uniform(low, high))
            time.sleep(0.01)

    def gesture(self) -> None:
        draw, name = self._draw, self._draw.choice(self._names)
        address, *values = draw.choice(
            [
                ("/morph/trigger", draw.uniform(0.2, 0.7), name),
                ("/morph/trigger", draw.uniform(0.2, 0.7)),
                ("/morph/z/0", draw.gauss(0, 1)),
                ("/morph/goto", name, draw.choice([0.0, 40.0, 300.0])),
                ("/morph/xy", draw.random(), draw.random()),
                ("/morph/pitch", draw.choice([0.0, -7.0, 5.0])),
                ("/morph/pan", draw.uniform(-1, 1)),
                ("/morph/gain", draw.uniform(-16, -8)),
            ]
        )
        self._client.send_message(str(address), values)

    def change(self, model: str) -> None:
        """Play on until another model plays."""
        self._server.send("/morph/model", model)
        while not select.select([self._server._client._sock], [], [], 0.02)[0]:
            self.gesture()
        assert self._server.hear() == ("/morph/done", ["/morph/model", model])
        self.look()

    def end(self) -> None:
        """Until all is silent, and recorded."""
        self._server.send("/morph/stop")
        self._server.wait_until(voices=0)
        self._server.play_for(0.3)
        self._client._sock.close()


def test_drums_then_digits_then_drums(jack_server: Jack, tmp_path: Path) -> None:
    """While sounds last; the models differ in everything."""
    log = tmp_path / "take.jsonl"
    options = ["--device", "system", "--synchronous", "--log", str(log)]
    with (
        Server(Path("drums"), *options, env=jack_server.env) as server,
        jack_server.recording(tmp_path / "heard.npy", 240),
    ):
        hand = Hand(server)
        hand.play(1.0)
        for model in ("digits", "drums"):
            hand.change(model)
            hand.play(1.0)
        hand.end()
    setting = read_header(log)
    swaps = [each for _, each in commands(log, setting.latent_dim) if isinstance(each, Swap)]
    assert [Path(each.model).stem for each in swaps] == ["digits", "drums"]
    assert (swaps[1].model, swaps[1].model_sha256) == (setting.model, setting.model_sha256)
    assert_heard_as_logged(log, tmp_path / "heard.npy", 2.0, WHISPER)


@pytest.mark.skipif(not VST3.exists(), reason="zam-plugins are not installed")
def test_plugins_whose_parameters_move(jack_server: Jack, tiny_model: Path, tmp_path: Path) -> None:
    log = tmp_path / "take.jsonl"
    options = ["--device", "system", "--synchronous", "--log", str(log)]
    for plugin in ("ZamCompX2", "ZamDelay"):
        options += ["--plugin", str(VST3 / f"{plugin}.vst3")]
    with (
        Server(tiny_model, *options, env=jack_server.env) as server,
        jack_server.recording(tmp_path / "heard.npy", 120),
    ):
        hand = Hand(server)
        hand.play(3.0, ("/morph/plugin/0/makeup_db", 0.0, 10.0), ("/morph/plugin/1/time_ms", 5.0, 60.0))
        hand.end()
    setting = read_header(log)
    assert [each.name for each in setting.plugins] == ["ZamCompX2", "ZamDelay"]
    tweaks = [at for at, each in commands(log, setting.latent_dim) if isinstance(each, Tweak)]
    assert len(tweaks) > 20
    assert not any(at % setting.block for at in tweaks)
    assert_heard_as_logged(log, tmp_path / "heard.npy", 2.0, WHISPER)
