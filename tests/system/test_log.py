"""Tests for a real server's log: its missing end if the server is killed, and the sound rendered from it."""

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
from tests.system.rig import MAX_DIFFERENCE, Jack, Server, assert_recording_equals_log

HITS = 300
WHISPER = 100 * MAX_DIFFERENCE  # a level above the noise of the plugins
VST3 = Path("/usr/lib/vst3")


def test_kill_loses_at_most_the_last_flush_interval_of_the_log(tiny_model: Path, tmp_path: Path) -> None:
    """Each hit is sent after a status reply, and takes effect later. The velocity identifies the hit.

    The server is killed immediately after the last status.
    """
    log = tmp_path / "take.jsonl"
    before = []  # for each hit, the time of the last status before it, in s of sound
    with Server(tiny_model, "--null", "--log", str(log)) as server:
        for number in range(1, HITS + 1):
            server.play_for(0.005)
            before.append(float(server.status()["seconds"]))
            server.send("/morph/trigger", number / 1024)
        last = float(server.status()["seconds"])
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    header = read_header(log)
    hits = [(at, each) for at, each in commands(log, header.latent_dim) if isinstance(each, Trigger)]
    assert [round(1024 * hit.velocity) for _, hit in hits] == [*range(1, len(hits) + 1)]
    assert all(at >= round(s * header.sample_rate) for (at, _), s in zip(hits, before, strict=False))
    lost = last - before[len(hits)] if len(hits) < HITS else 0.0
    print(f"\n{HITS - len(hits)} hits lost, in the last {1000 * lost:.1f} ms of {last:.1f} s")
    assert last > 1.0  # long enough for the log to be flushed to disk
    assert len(hits) > 0
    assert lost <= FLUSH_S


class Hand:
    """A performer who sends random messages with the classes of the current model."""

    def __init__(self, server: Server) -> None:
        self._server, self._draw = server, random.Random(2)
        self._client = SimpleUDPClient("127.0.0.1", server.port)
        self.look()

    def look(self) -> None:
        """Read the classes of the current model."""
        self._names = [str(name) for name in self._server.ask("/morph/get/classes")[1]]

    def play(self, seconds: float, *more: tuple[Any, ...]) -> None:
        """Play for `seconds` of sound.

        Sometimes send a message of `more`, each an address and the range of its value.
        """
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
        """Switch to a model, and continue to play until the server uses it."""
        self._server.send("/morph/model", model)
        while not select.select([self._server._client._sock], [], [], 0.02)[0]:
            self.gesture()
        assert self._server.receive() == ("/morph/done", ["/morph/model", model])
        self.look()

    def end(self) -> None:
        """Stop all sounds, and wait until their ends have been recorded."""
        self._server.send("/morph/stop")
        self._server.wait_until(voices=0)
        self._server.play_for(0.3)
        self._client._sock.close()


def test_rendered_log_with_changes_of_model_during_sounds_equals_the_recording(
    jack_server: Jack, tmp_path: Path
) -> None:
    """The model changes from drums to digits and back; these models differ in every property."""
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
    header = read_header(log)
    swaps = [each for _, each in commands(log, header.latent_dim) if isinstance(each, Swap)]
    assert [Path(each.model).stem for each in swaps] == ["digits", "drums"]
    assert (swaps[1].model, swaps[1].model_sha256) == (header.model, header.model_sha256)
    assert_recording_equals_log(log, tmp_path / "heard.npy", 2.0, WHISPER)


@pytest.mark.skipif(not VST3.exists(), reason="zam-plugins are not installed")
def test_rendered_log_with_changing_plugin_parameters_equals_the_recording(
    jack_server: Jack, tiny_model: Path, tmp_path: Path
) -> None:
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
    header = read_header(log)
    assert [each.name for each in header.plugins] == ["ZamCompX2", "ZamDelay"]
    tweaks = [at for at, each in commands(log, header.latent_dim) if isinstance(each, Tweak)]
    assert len(tweaks) > 20
    assert not any(at % header.block for at in tweaks)
    assert_recording_equals_log(log, tmp_path / "heard.npy", 2.0, WHISPER)
