"""Tests for the end of a training run, its numbered checkpoints, and its options when it is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.displays import Recorder
from trainer.__main__ import main
from trainer.config import Config
from trainer.errors import TrainerError
from trainer.models.vae import build
from trainer.run import checkpoint, fit

EXTRAS: dict[str, dict[str, Any]] = {
    "model": {
        "classifier_hidden": [4],
        "heads": [
            {"name": "pitch", "dims": [0, 2]},
            {"name": "take", "dims": [2, 3], "label": "take", "weight": 0.5},
        ],
    },
    "data": {"labels": "folder", "label_pattern": "take-{take}", "mix": 0.7, "shift_ms": 1.0},
    "loss": {"soft_dtw": 0.01},
}


def extended(config: Config) -> Config:
    for name, values in EXTRAS.items():
        config = config.replace(name, **values)
    return config


def test_resumed_run_with_optional_features_equals_an_uninterrupted_one(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    config = extended(config)
    runs = {}
    for name, stops in (("whole", (99,)), ("parts", (2, 99))):
        (tmp_path / name).mkdir()
        seen, state = Recorder(), fit.start(config, folder)
        for stop in stops:
            if state.step:
                state = fit.resume(checkpoint.load(tmp_path / name), config, folder)
            fit.run(state, tmp_path / name, seen, stop=lambda: len(seen.steps) >= stop)  # noqa: B023
        runs[name] = (seen.steps, state)
    assert runs["whole"][0] == runs["parts"][0]
    assert set(runs["whole"][0][0]) == {
        *("reconstruction", "kl", "soft_dtw", "classification/pitch", "classification/take"),
    }
    saved = checkpoint.load(tmp_path / "parts")
    assert saved.heads == {"pitch": ("high", "low"), "take": ("0", "1", "2", "3", "4", "5")}
    model = build(saved.config.model, len(saved.classes))
    model.load_state_dict(saved.model)  # as `trainer export` does
    for name, weight in runs["whole"][1].model.state_dict().items():
        assert torch.equal(saved.model[name], weight), name


def test_every_classifier_head_is_trained(config: Config, folder: Path, tmp_path: Path) -> None:
    config = extended(config).replace("fit", epochs=60, validate_epochs=60).replace("data", mix=0.0)
    config = config.replace("optim", update="joint", lr=0.005, classification_lr=0.02)
    config = config.replace("loss", soft_dtw=0.0, reduction="mean").replace("data", shift_ms=0.0)
    config = config.replace("model", classifier_hidden=[16])
    state = fit.start(config, folder)
    fit.run(state, tmp_path, Recorder())
    train = state.history[-1]["train"]
    assert train["classification/pitch"] < 0.1  # an untrained head has log 2 = 0.69
    assert train["classification/take"] < 1.2  # an untrained head has log 6 = 1.79


def test_run_stops_when_the_validation_loss_does_not_fall(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    config = config.replace("fit", epochs=9, patience_epochs=2).replace("optim", lr=1e-12, clip_norm=0.0)
    state = fit.start(config, folder)
    scores = iter([3.0, 2.0, 2.5, 2.2, 1.0])
    for score in scores:
        state.epoch += 1
        state.history.append({"epoch": state.epoch, "criterion": score})
        if fit.out_of_patience(state):
            break
    assert (state.epoch, score) == (4, 2.2)
    state.history.append({"epoch": 5})
    state.epoch = 5  # an epoch without validation
    assert not fit.out_of_patience(state)


def test_run_without_progress_ends_early_even_when_resumed(
    config: Config, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.toml").write_text(config.replace("optim", lr=0.1).to_toml())
    words = ["fit", "--data", str(folder), "--config", str(tmp_path / "a.toml"), "--epochs", "40"]
    assert main([*words, "--out", str(tmp_path / "run"), "--patience-epochs", "3"]) == 0
    saved = checkpoint.load(tmp_path / "run")
    scores = [record["criterion"] for record in saved.history]
    assert saved.epoch == len(scores) < 40
    assert scores.index(min(scores)) == saved.epoch - 1 - 3
    assert f"ended after {saved.epoch} of 40 epochs" in capsys.readouterr().out
    assert main(["fit", "--resume", str(tmp_path / "run")]) == 0
    assert checkpoint.load(tmp_path / "run").epoch == saved.epoch
    assert main(["fit", "--resume", str(tmp_path / "run"), "--patience-epochs", "0", "--epochs", "40"]) == 0
    assert checkpoint.load(tmp_path / "run").epoch == 40


def test_early_stop_needs_validation_sounds(config: Config, folder: Path) -> None:
    config = config.replace("fit", patience_epochs=2).replace("data", validation_fraction=0.0)
    with pytest.raises(TrainerError, match=r"patience_epochs needs validation sounds, and there are none"):
        fit.start(config, folder)


@pytest.mark.parametrize(("keep", "epochs"), [(2, [4, 6]), (0, [2, 4, 6])])
def test_numbered_checkpoints_are_kept_up_to_the_limit(
    config: Config, folder: Path, tmp_path: Path, keep: int, epochs: list[int]
) -> None:
    config = config.replace("fit", epochs=7, keep_epochs=2, keep=keep, validate_epochs=5)
    fit.run(fit.start(config, folder), tmp_path, Recorder())
    found = sorted(tmp_path.glob("epoch-*.safetensors"))
    assert [path.name for path in found] == [f"epoch-{epoch:05}.safetensors" for epoch in epochs]
    saved = [checkpoint.load(path) for path in found]
    assert [item.epoch for item in saved] == epochs
    assert all(len(item.anchors.names) == 10 for item in saved)
    again = fit.resume(saved[-1], config, folder)
    (tmp_path / "again").mkdir()
    fit.run(again, tmp_path / "again", Recorder())
    ours, theirs = (checkpoint.load(folder).model for folder in (tmp_path, tmp_path / "again"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    fit.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
