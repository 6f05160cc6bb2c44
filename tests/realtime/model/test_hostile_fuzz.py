"""Randomly changed model files are refused or played, and never end the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CASES = 500


def test_changed_models_never_end_the_process(tiny_model: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.attack.hostile", str(tiny_model), str(CASES), "0"],
        cwd=Path(__file__).parents[3],
        env={"PYTHONPATH": ".", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    counts = json.loads(run.stdout)
    assert counts["refused"] + counts["played"] == CASES
    assert counts["refused"] > CASES / 2
