"""Tests for a recording on a disk that stops writing for some time."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
import soundfile

from tests.system.rig import Server, preloadable


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD needs Linux")
def test_recording_is_complete_although_the_disk_stalls_while_the_server_ends(
    tiny_model: Path, tmp_path: Path
) -> None:
    stall, record = tmp_path / "stall", tmp_path / "take.wav"
    env = {"LD_PRELOAD": str(preloadable("slow_disk.c", tmp_path)), "STALL": str(stall)}
    options = ["--null", "--record", str(record), "--presets", str(tmp_path / "presets.json")]
    with Server(tiny_model, *options, env=env) as server:
        server.play_for(0.5)
        stall.touch()
        assert server.stop(signal.SIGTERM) == 0, server.output
        played = float(server.wait_for(r"^played ([\d.]+) s")[1])
    assert not stall.exists()  # the write that stalled has removed the file
    assert soundfile.info(record).duration == pytest.approx(played, abs=0.06)
