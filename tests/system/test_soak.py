"""In a soak test of one minute, a busy server's sound equals the sound rendered offline from its log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.rig import ROOT, Jack, Server, program

MINUTES = 1.0
TIMEOUT_S = 600.0


def test_sound_of_a_busy_server_equals_the_sound_rendered_from_its_log(tiny_model: Path) -> None:
    program("jackd")
    command = [sys.executable, "-m", "bench.soak", "--synchronous", "--json", "--model", str(tiny_model)]
    done = subprocess.run(
        [*command, "--minutes", str(MINUTES)], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["triggers"] > 50
    assert results["engine_late_blocks"] == 0
    assert results["dropped_triggers"] == 0
    assert results["dropped_commands"] == 0
    assert results["malformed"] == 0
    assert results["memory_growth_mb"] < 5.0
    assert results["compared_s"] > 0.7 * results["sound_s"]
    assert results["difference_db"] < -100.0


def test_server_with_the_option_steady_keeps_its_queue_of_blocks_full(
    jack_server: Jack, tiny_model: Path
) -> None:
    leads = []
    for arguments in ((), ("--steady",)):
        options = ("--device", "system", "--ahead", "6", *arguments)
        with Server(tiny_model, *options, env=jack_server.env) as server:
            pairs = server.ask("/morph/get/latency")[1]
            leads.append(float(dict(zip(pairs[::2], pairs[1::2], strict=True))["lead"]))
    assert leads[1] == pytest.approx(6 * 1000 * 128 / jack_server.sample_rate)
    assert leads[0] < leads[1]
