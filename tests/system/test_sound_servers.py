"""Tests with real desktop sound servers: PulseAudio (PortAudio with ALSA) and PipeWire (JACK)."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

from tests.system.rig import MAX_DIFFERENCE, PipeWire, Pulse, Server, expected, onset

Z = (1.0, -1.0, 0.5, 0.0)
TRIES = 60  # dropouts occur, mostly while other virtual machines use a fifth of the CPU


@pytest.mark.parametrize("kind", [Pulse, PipeWire])
def test_server_plays_exact_samples_before_and_after_the_sound_server_restarts(
    tiny_model: Path, tmp_path: Path, kind: type[Pulse | PipeWire]
) -> None:
    with kind(tmp_path) as card:
        device, _, _ = card.device.partition(" (")
        options = ["--device", device, "--rate", str(card.sample_rate)]
        with Server(tiny_model, *options, env=card.env, prefix=card.prefix) as server:
            assert f"sound    to {card.device}; a hit is heard" in server.output
            server.send("/morph/z", *Z)
            assert_a_hit_is_recorded_exactly(card, server, tiny_model, tmp_path / "heard.npy")
            card.stop(signal.SIGKILL)
            server.wait_for("has gone; the sound returns")
            hits = float(server.status()["hits"])
            server.send("/morph/trigger", 1.0)  # the server continues to play, although it is not heard
            server.wait_until(hits=hits + 1, voices=0)
            with kind(tmp_path) as again:
                server.wait_for("is back")
                assert_a_hit_is_recorded_exactly(again, server, tiny_model, tmp_path / "heard.npy")
                assert server.stop() == 0


def assert_a_hit_is_recorded_exactly(card: Pulse | PipeWire, server: Server, model: Path, path: Path) -> None:
    wanted = 0.5 * expected(model, np.array(Z, np.float32), card.sample_rate)
    assert np.abs(wanted).max() > 1000 * MAX_DIFFERENCE
    differences = []
    for _ in range(TRIES):
        hits = float(server.status()["hits"])
        with card.recording(path):
            server.send("/morph/trigger", 0.5)
            server.wait_until(hits=hits + 1, voices=0)
            server.play_for(0.3)
        heard = np.load(path)
        begin = onset(heard[:, 0]) - onset(wanted)
        hit = heard[begin : begin + len(wanted)]
        differences.append(float(np.abs(hit - wanted[:, np.newaxis]).max()))
        if differences[-1] < MAX_DIFFERENCE:
            return
    raise AssertionError(f"every try had a dropout: {differences}\n{server.output}")
