"""A training run that is killed at the worst moments and resumed equals an uninterrupted run bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainer.__main__ import main
from trainer.config import Config
from trainer.run import checkpoint

ROOT = Path(__file__).parents[3]

MOMENTS = {
    "in an epoch": ("trainer.run.steps", "_descend", 9),
    "in a checkpoint write": ("os", "fsync", 11),
    "between a write and the rename": ("os", "replace", 6),
    "in the evaluation": ("trainer.run.validation", "leave_one_out", 2),
}
"""For each moment: a module, a function in it, and the number, from 1, of the call that ends the process."""

DIE = """
import importlib, os, signal, sys
module, name, call = sys.argv[1], sys.argv[2], int(sys.argv[3])
from trainer import __main__
from trainer.run import fit
home = importlib.import_module(module)
real, calls = getattr(home, name), [0]
def until(*args, **named):
    calls[0] += 1
    if calls[0] == call:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **named)
setattr(home, name, until)
sys.exit(__main__.main(sys.argv[4:]))
"""


@pytest.fixture(scope="module")
def fitted() -> dict[str, checkpoint.Checkpoint]:
    """A cache for the checkpoint of the uninterrupted run; the first test fills it."""
    return {}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no kill -9")
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_run_resumes_bit_for_bit(
    config: Config, folder: Path, tmp_path: Path, moment: str, fitted: dict[str, checkpoint.Checkpoint]
) -> None:
    toml, run = tmp_path / "a.toml", tmp_path / "run"
    toml.write_text(config.replace("fit", checkpoint_minutes=1e-9, epochs=3).to_toml())
    words = ["fit", "--data", str(folder), "--config", str(toml)]
    if not fitted:
        assert main([*words, "--out", str(tmp_path / "whole")]) == 0
        fitted["whole"] = checkpoint.load(tmp_path / "whole")
    whole = fitted["whole"]
    died = subprocess.run(
        [sys.executable, "-c", DIE, *map(str, MOMENTS[moment]), *words, "--out", str(run)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert 0 < checkpoint.load(run).step < whole.step
    assert main(["fit", "--resume", str(run)]) == 0
    found = checkpoint.load(run)
    assert all(torch.equal(found.model[name], whole.model[name]) for name in whole.model)
    assert torch.equal(found.anchors.mean, whole.anchors.mean)
    assert [record["criterion"] for record in found.history] == [r["criterion"] for r in whole.history]
    assert not list(run.glob("*.part"))
