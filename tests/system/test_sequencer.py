"""A real server's sequencer plays hits at the ideal samples, and the log gives the same sound."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import soundfile
from pythonosc import osc_message_builder
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from realtime.synth.command_log import commands, read_header
from realtime.synth.commands import Trigger
from tests.system.rig import MAX_DIFFERENCE, ROOT, TIMEOUT_S, Server

Hits = list[tuple[int, int]]


def options(folder: Path) -> list[str]:
    return ["--null", "--log", str(folder / "take.jsonl"), "--presets", str(folder / "presets.json")]


def hits_of(log: Path) -> tuple[Hits, int]:
    """Return the sample index and step (encoded by the velocity) of each hit in a log, and the rate."""
    header = read_header(log)
    hits = [(at, each) for at, each in commands(log, header.latent_dim) if isinstance(each, Trigger)]
    return [(at, round(128 * each.velocity) - 1) for at, each in hits], header.sample_rate


def fill(server: Server, steps: int) -> None:
    """Add a lane with a hit in each of `steps` steps; the velocity of a hit encodes its step."""
    assert server.ask("/morph/seq/add", "kick", "snare") == ("/morph/done", ["/morph/seq/add", 0])
    server.send("/morph/seq/steps", steps)
    server.send("/morph/seq/lane/0/velocities", *[(k + 1) / 128 for k in range(steps)])
    server.send("/morph/seq/lane/0/morphs", *[k / steps for k in range(steps)])


def grid(samples: Sequence[int], rate: int, bpm: Fraction, swing: Fraction) -> list[int]:
    """Return the ideal sample indices of as many steps as there are `samples`, from `samples[0]` onwards.

    Swing delays every second step.
    """
    pair = 2 * rate * 60 / (4 * bpm)
    places = [(k // 2 + (swing if k % 2 else 0)) * pair for k in range(len(samples))]
    return [samples[0] + floor(place + Fraction(1, 2)) for place in places]


def test_hits_in_the_log_lie_on_the_grid_to_the_sample_and_replay_exactly(
    tiny_model: Path, tmp_path: Path
) -> None:
    """The loop has 64 steps, swing and an uneven tempo; it is stopped and started again."""
    record = tmp_path / "take.wav"
    with Server(tiny_model, *options(tmp_path), "--record", str(record), "--synchronous") as server:
        fill(server, 64)
        server.send("/morph/seq/tempo", 281.3)
        server.send("/morph/seq/swing", 61.7)
        server.send("/morph/seq/start")
        server.play_for(2.0)
        server.send("/morph/seq/stop")
        server.wait_until(seq_step=-1)
        stopped = float(server.status()["seconds"])
        server.play_for(0.3)
        server.send("/morph/seq/start")
        server.play_for(0.5)
        assert server.stop() == 0
    hits, rate = hits_of(tmp_path / "take.jsonl")
    second = next(i for i, (_, step) in enumerate(hits) if step == 0 and i)
    for run in (hits[:second], hits[second:]):
        samples = [at for at, _ in run]
        assert [step for _, step in run] == [k % 64 for k in range(len(run))]
        assert samples == grid(samples, rate, Fraction(2813, 10), Fraction(617, 1000))
    assert hits[second - 1][0] <= stopped * rate
    assert hits[second][0] > stopped * rate
    take = tmp_path / "rendered.wav"
    command = [sys.executable, "-m", "realtime", "render", str(tmp_path / "take.jsonl"), "-o", str(take)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    heard, _ = soundfile.read(record, dtype="float32", always_2d=True)
    rendered, _ = soundfile.read(take, dtype="float32", always_2d=True)
    length = min(len(heard), len(rendered))
    assert length > 2.5 * rate
    assert np.abs(heard).max() > 1000 * MAX_DIFFERENCE
    assert np.abs(heard[:length] - rendered[:length]).max() < MAX_DIFFERENCE


def test_tempo_changes_neither_skip_nor_repeat_a_step_and_keep_to_the_grid(
    tiny_model: Path, tmp_path: Path
) -> None:
    """A step at which the tempo changes is the last step on the old grid and the first on the new grid."""
    tempos = [300.0, 187.5, 263.4, 300.0, 222.2]
    with Server(tiny_model, *options(tmp_path)) as server:
        fill(server, 64)
        server.send("/morph/seq/tempo", tempos[0])
        server.send("/morph/seq/start")
        for tempo in tempos[1:]:
            server.play_for(0.6)
            server.send("/morph/seq/tempo", tempo)
        server.play_for(0.6)
        assert server.stop() == 0
    hits, rate = hits_of(tmp_path / "take.jsonl")
    assert [step for _, step in hits] == [k % 64 for k in range(len(hits))]
    samples = [at for at, _ in hits]
    at, held = 0, []
    for tempo in tempos:
        bpm = Fraction(round(1000 * tempo), 1000)
        ideal = grid(samples[at:], rate, bpm, Fraction(1, 2))
        straight = [a == b for a, b in zip(samples[at:], ideal, strict=True)]
        steps = straight.index(False) - 1 if False in straight else len(straight) - 1
        held.append(steps)
        at += steps
    assert at == len(samples) - 1
    assert all(steps >= 4 for steps in held)


def test_subscribers_receive_the_edits_by_other_clients(tiny_model: Path, tmp_path: Path) -> None:
    with (
        Server(tiny_model, *options(tmp_path)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as editor,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as subscriber,
    ):
        for each in (editor, subscriber):
            each.bind(("127.0.0.1", 0))
            each.settimeout(TIMEOUT_S)
        server.send("/morph/subscribe", subscriber.getsockname()[1], 60_000.0)
        fill(server, 16)
        server.status()  # the reply comes after all earlier messages of this sender
        edit = osc_message_builder.OscMessageBuilder("/morph/seq/lane/0/step/7")
        edit.add_arg(0.5)
        editor.sendto(edit.build().dgram, ("127.0.0.1", server.port))
        told: dict[str, list[float | str]] = {}
        while told.get("/morph/seq/lane.reply", [])[-18:-16] != [0.5, 7 / 16]:
            answer = OscMessage(subscriber.recv(65536))
            told[answer.address] = list(answer.params)
        head, lane = server.ask("/morph/get/seq"), server.receive()
    assert (told[head[0]], told[lane[0]]) == (head[1], lane[1])


def test_pattern_plays_on_without_clients_and_can_be_recalled_after_a_restart(
    tiny_model: Path, tmp_path: Path
) -> None:
    with Server(tiny_model, *options(tmp_path)) as server:
        page = SimpleUDPClient("127.0.0.1", server.port)
        fill(server, 16)
        page.send_message("/morph/seq/start", [])
        page._sock.close()
        server.play_for(1.0)
        assert int(server.status()["hits"]) >= 8
        assert server.ask("/morph/seq/store", "groove") == ("/morph/done", ["/morph/seq/store", "groove"])
        server.send("/morph/seq/clear")
        assert server.stop() == 0
    (tmp_path / "take.jsonl").unlink()
    with Server(tiny_model, *options(tmp_path)) as server:
        assert server.ask("/morph/get/patterns") == ("/morph/patterns.reply", ["groove"])
        _, head = server.ask("/morph/get/seq")
        assert head[head.index("lanes") + 1] == 0
        assert server.status()["seq_step"] == -1
        server.send("/morph/seq/recall", "groove")
        server.send("/morph/seq/start")
        server.play_for(1.0)
        assert int(server.status()["hits"]) >= 8
