"""Checkpoints are read as they were written; damaged and manipulated checkpoints are refused."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.trainer.checkpoints import parts
from trainer.config import Config
from trainer.errors import CheckpointError
from trainer.run import checkpoint
from trainer.run.checkpoint import Anchors, Checkpoint


@pytest.fixture
def saved() -> Checkpoint:
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimiser = torch.optim.Adam([parameter], lr=0.1)
    parameter.grad = torch.tensor([3.0, -1.0])
    optimiser.step()
    return Checkpoint(
        config=Config(),
        model={"a.weight": parameter.detach(), "b": torch.arange(3)},
        classes=("kick", "snäre"),
        anchors=Anchors(("x", "y"), (1, 0), torch.rand(2, 4)),
        licence="CC0-1.0",
        credits=("kit: CC0-1.0",),
        epoch=3,
        position=1,
        step=7,
        totals={"kl": 0.1 + 0.2},
        seconds=1.5,
        best=1 / 3,
        history=[{"epoch": 1, "train": {"kl": 2 / 3}}],
        data={"folder": "/x", "digest": "00"},
        optimisers={"joint": optimiser.state_dict()},
    )


def test_checkpoint_is_read_as_written(saved: Checkpoint, tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "last.safetensors", saved)
    found = checkpoint.load(tmp_path)
    for name in ("config", "classes", "licence", "credits", "epoch", "position", "step", "totals", "seconds"):
        assert getattr(found, name) == getattr(saved, name)
    assert (found.best, found.history, found.data) == (saved.best, saved.history, saved.data)
    assert (found.anchors.names, found.anchors.labels) == (saved.anchors.names, saved.anchors.labels)
    assert torch.equal(found.anchors.mean, saved.anchors.mean)
    assert found.model.keys() == saved.model.keys()
    assert all(torch.equal(found.model[name], saved.model[name]) for name in saved.model)

    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], lr=9.0)
    checkpoint.restore(optimiser, found.optimisers["joint"])
    assert optimiser.param_groups[0]["lr"] == 0.1
    assert optimiser.param_groups[0]["betas"] == (0.9, 0.999)
    before, after = saved.optimisers["joint"]["state"][0], optimiser.state_dict()["state"][0]
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_no_flipped_bit_is_accepted(saved: Checkpoint, tmp_path: Path) -> None:
    path, chance = tmp_path / "a.safetensors", random.Random(0)
    checkpoint.write(path, saved)
    content = path.read_bytes()
    data = 8 + int.from_bytes(content[:8], "little")
    places = [*range(data, len(content)), *(chance.randrange(data) for _ in range(300))]
    for at in places:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :])
        try:
            found = checkpoint.load(path)
        except CheckpointError:
            continue
        assert at < data, at
        assert found.step == saved.step  # the flipped bit is in the header's layout, such as a space


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epoch", -1),
        ("epoch", 10**400),
        ("step", "7"),
        ("classes", []),
        ("classes", ["kick", "kick"]),
        ("classes", [["kick"], "x"]),
        ("credits", [1]),
        ("licence", None),
        ("totals", {"kl": "x"}),
        ("totals", 5),
        ("best", "x"),
        ("history", [1]),
        ("data", []),
        ("config", "[fit]\nseed = " + "9" * 400),
        ("config", 5),
        ("anchors", {"names": ["x"], "labels": [0]}),
        ("anchors", {"names": ["x", "y"], "labels": [0, 9]}),
        ("anchors", []),
        ("optimisers", {"joint": 5}),
        ("optimisers", {"joint": [5]}),
        ("heads", [1]),
    ],
)
def test_crafted_checkpoint_is_refused_in_one_line(
    saved: Checkpoint, tmp_path: Path, key: str, value: Any
) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, saved)
    facts, tensors = parts(path)
    save_file(tensors, path, {checkpoint.KEY: json.dumps({**facts, key: value})})
    with pytest.raises(CheckpointError, match=r"damaged checkpoint \(") as error:
        checkpoint.load(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_weights_that_do_not_fit_are_refused(saved: Checkpoint) -> None:
    with pytest.raises(CheckpointError, match="the weights do not fit the model"):
        checkpoint.fill(torch.nn.Linear(1, 1), saved)


def test_old_run_without_validation_sounds_is_read(saved: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    checkpoint.write(path, saved)
    facts, tensors = parts(path)
    lines = facts["config"].splitlines()
    facts["config"] = "\n".join(line for line in lines if "validation_fraction" not in line)
    assert len(lines) == facts["config"].count("\n") + 2
    save_file(tensors, path, {checkpoint.KEY: json.dumps(facts)})
    assert saved.config.data.validation_fraction > 0
    assert checkpoint.load(path).config == saved.config.replace("data", validation_fraction=0.0)


def test_checkpoint_contains_no_pickle(saved: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, saved)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header.keys() - {"__metadata__"} == {
        *("model/a.weight", "model/b", "anchors/mean"),
        *(f"optimiser/joint/0/{key}" for key in ("step", "exp_avg", "exp_avg_sq")),
    }


def test_interrupted_write_leaves_the_old_checkpoint(
    saved: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.safetensors"
    checkpoint.write(path, saved)

    def die(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", die)
        with pytest.raises(OSError, match="No space"):
            checkpoint.write(path, replace(saved, epoch=4))
    assert checkpoint.load(path).epoch == 3
    checkpoint.write(path, replace(saved, epoch=5))
    assert checkpoint.load(path).epoch == 5
    assert [found.name for found in tmp_path.iterdir()] == ["last.safetensors"]


def test_unreadable_checkpoint_is_reported_in_one_line(saved: Checkpoint, tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(CheckpointError) as error:
            checkpoint.load(path)
        assert "\n" not in str(error.value)
        return str(error.value).removeprefix(f"{path}: ")

    path = tmp_path / "a.safetensors"
    assert refused(path) == "no such run folder or checkpoint"
    assert refused(tmp_path) == "no checkpoint in it (looked for last.safetensors)"
    checkpoint.write(path, saved)
    content = path.read_bytes()
    for cut in (0, 7, 100, len(content) - 1):
        path.write_bytes(content[:cut])
        assert refused(path).startswith("damaged, or not a checkpoint")
    path.write_bytes(content.replace(b'\\"schema_version\\": 1', b'\\"schema_version\\": 9'))
    assert refused(path) == "has schema version 9; this trainer reads 1"
    path.write_bytes(content.replace(b'\\"classes\\"', b'\\"clasess\\"'))
    assert refused(path) == "damaged: the checksum does not match the content"
    save_file({"a": torch.zeros(1)}, path)
    assert refused(path) == "a safetensors file, but not a checkpoint of this trainer"
