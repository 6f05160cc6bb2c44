"""Tests for Ableton Link with a real peer, in a network namespace, because Link finds peers by multicast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from shutil import which
from typing import Any

import numpy as np
import pytest

from tests.system.rig import ROOT, TIMEOUT_S

NETWORK = "ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo"
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not which("unshare") or not which("ip"),
    reason="needs root, unshare and ip, for a network namespace",
)


def session(seconds: float) -> dict[str, Any]:
    pytest.importorskip("aalink")
    script = f"{NETWORK} && exec {sys.executable} -m tests.system.link_session {seconds}"
    ended = subprocess.run(
        ["unshare", "--net", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S + 2 * seconds,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_server_follows_beat_tempo_start_and_stop_of_a_peer() -> None:
    found = session(2.0)
    assert found["told"] == ["/morph/seq/start", "/morph/seq/stop"]
    assert {100.0, 133.0} <= {round(bpm, 3) for bpm in found["tempos"]}
    assert len(found["errors_s"]) > found["seen"] / 2
    assert np.median(np.abs(found["errors_s"])) < 0.001
