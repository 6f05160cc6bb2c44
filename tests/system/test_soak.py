"""The soak in short, synchronous: what a loaded server plays is what its log renders offline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.system.rig import ROOT, program

MINUTES = 0.25
TIMEOUT_S = 300.0


def test_a_loaded_server_plays_what_its_log_renders(tiny_model: Path) -> None:
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
    assert results["compared_s"] > 0.9 * results["sound_s"]
    assert results["difference_db"] < -100.0
