"""Several processes, mixed precision and the compiler do not change the result of training."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from trainer.config import Config
from trainer.errors import TrainerError
from trainer.run import checkpoint, fit
from trainer.run.devices import make
from trainer.run.steps import batches, update

ROOT = Path(__file__).parents[3]


def fitted(config: Config, folder: Path, out: Path, *words: str) -> str:
    """Run `trainer fit` in a separate process and return its output."""
    toml = out.with_suffix(".toml")
    toml.write_text(config.to_toml())
    found = subprocess.run(
        [sys.executable, "-m", "trainer", "fit", "--data", folder, "--config", toml, "--out", out, *words],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize(
    ("update", "at_once", "architecture", "loss"),
    [
        ("alternating", 1, "dc", {}),
        ("joint", 1, "dc", {}),
        ("joint", 2, "mb", {"reduction": "mean", "centre": 1.0, "morph": 1.0}),
    ],
    ids=["alternating", "joint", "prototypes"],
)
def test_two_processes_give_the_same_training_as_one(
    config: Config,
    folder: Path,
    tmp_path: Path,
    update: str,
    at_once: int,
    architecture: str,
    loss: dict[str, Any],
) -> None:
    # 10 sounds in batches of 3: the processes take two sounds and one sound of a batch, and the last batch
    # contains a single sound
    config = config.replace("fit", batch_size=3, micro_batch=at_once).replace("optim", update=update)
    config = config.replace("model", architecture=architecture).replace("loss", **loss)
    printed = fitted(config, folder, tmp_path / "two", "--devices", "2", "--strategy", "ddp")
    assert (
        f"10 sounds to train on, 2 for validation, 0 for the test | {architecture} on cpu x 2 | "
        "classes: high, low" in printed
    )
    assert printed.count("done: ") == 1
    fitted(config, folder, tmp_path / "one")
    ours, theirs = (checkpoint.load(tmp_path / name) for name in ("two", "one"))
    assert ours.step == theirs.step == 8
    for mine, other in zip(ours.history, theirs.history, strict=True):
        for part in ("train", "validation"):
            assert mine[part] == pytest.approx(other[part], rel=1e-5)
    for name, weight in theirs.model.items():
        torch.testing.assert_close(ours.model[name], weight, rtol=1e-4, atol=1e-6)


def test_mixed_precision_keeps_32_bit_weights_and_gives_similar_losses(config: Config, folder: Path) -> None:
    losses = {}
    for precision in ("32", "bf16"):
        state = fit.start(config.replace("fit", precision=precision), folder)
        losses[precision] = update(state, next(batches(state)), lambda: False)
        assert {weight.dtype for weight in state.model.parameters()} == {torch.float32}
    assert losses["bf16"] != losses["32"]
    assert losses["bf16"] == pytest.approx(losses["32"], rel=0.02)


# PyTorch itself calls the deprecated function.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
def test_compiled_step_equals_the_uncompiled_one(config: Config, folder: Path) -> None:
    losses, gradients = [], []
    for compiled in (False, True):
        small = config.replace("model", layers=1).replace("optim", update="joint")
        state = fit.start(small.replace("fit", compile=compiled), folder)
        losses.append(update(state, next(batches(state)), lambda: False))
        gradients.append([weight.grad for weight in state.model.encoder.parameters()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.gpu
def test_more_gpus_than_the_machine_has_are_refused(config: Config) -> None:
    with pytest.raises(TrainerError, match="devices = 99: this machine has"):
        make(config.replace("fit", device="cuda", devices=99).fit)


def test_more_processes_than_cores_are_refused(config: Config) -> None:
    with pytest.raises(TrainerError, match="devices = 9999: this machine has"):
        make(config.replace("fit", device="cpu", devices=9999).fit)


@pytest.mark.skipif(os.name != "posix", reason="Windows does not report the end of the parent")
def test_child_process_ends_with_its_parent() -> None:
    child = "; ".join(
        (
            "import time",
            "from trainer.run import devices",
            "devices.end_with_parent()",
            "print(flush=True)",
            "time.sleep(600)",
        )
    )
    parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]]).wait()"
    with subprocess.Popen([sys.executable, "-c", parent, child], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"\n"
        started.kill()
        assert started.stdout.read() == b""  # the pipe ends once both processes have ended
