"""Tests for takes: recordings with logs that messages start and stop while the server is playing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from realtime.synth.command_log import read_header
from tests.system.rig import MAX_DIFFERENCE, ROOT, Server


def test_take_recorded_during_a_performance_equals_the_rendering_of_its_log(
    tiny_model: Path, tmp_path: Path
) -> None:
    takes = tmp_path / "takes"
    with Server(tiny_model, "--null", "--synchronous", "--takes", str(takes)) as server:
        server.send("/morph/touch/3/xy", 0.9, 0.1)
        server.send("/morph/gain", -3.0)
        server.send("/morph/xy", 0.2, 0.7)
        server.send("/morph/trigger", 0.7)
        server.wait_until(hits=1, voices=0)
        assert server.ask("/morph/record/start", "one") == ("/morph/done", ["/morph/record/start", "one"])
        assert float(server.status()["take_seconds"]) >= 0.0
        server.send("/morph/trigger", 0.9)
        server.send("/morph/touch/3/trigger", 0.8)
        server.send("/morph/glide", 80.0)
        server.send("/morph/xy", 0.8, 0.3)
        server.wait_until(hits=3, voices=0)
        server.play_for(0.3)
        assert server.ask("/morph/record/stop") == ("/morph/done", ["/morph/record/stop", "one"])
        assert server.status()["take_seconds"] == -1.0
        assert server.stop() == 0
    assert read_header(takes / "one.jsonl").start > 0
    command = [sys.executable, "-m", "realtime", "render", str(takes / "one.jsonl")]
    subprocess.run([*command, "-o", str(tmp_path / "again.wav")], check=True, cwd=ROOT)
    heard, rendered = (
        soundfile.read(path, dtype="float32")[0] for path in (takes / "one.wav", tmp_path / "again.wav")
    )
    length = min(len(heard), len(rendered))
    assert np.abs(heard[:length]).max() > 1000 * MAX_DIFFERENCE
    assert np.abs(heard[:length] - rendered[:length]).max() < MAX_DIFFERENCE
    assert np.abs(heard[length:]).max(initial=0.0) < MAX_DIFFERENCE


def test_invalid_messages_about_takes_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    with Server(tiny_model, "--null", "--takes", str(tmp_path / "takes")) as server:
        assert "nothing is being recorded" in str(server.ask("/morph/record/stop")[1][1])
        for name in ("../out", "/etc/x", ".hidden", "a\\b", "x" * 61, " "):
            address, (_, text) = server.ask("/morph/record/start", name)
            assert (address, "not a file name" in str(text)) == ("/morph/error", True), name
        server.ask("/morph/record/start", "one")
        assert "recorded already" in str(server.ask("/morph/record/start", "two")[1][1])
        server.ask("/morph/record/stop")
        assert "there is a take 'one' already" in str(server.ask("/morph/record/start", "one")[1][1])
    assert sorted(path.name for path in (tmp_path / "takes").iterdir()) == ["one.jsonl", "one.wav"]
