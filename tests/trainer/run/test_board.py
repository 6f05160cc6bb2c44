"""TensorBoard shows the curves, sounds and pictures of a training run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.__main__ import main
from trainer.config import Config
from trainer.run import board, checkpoint, fit


def events(run: Path) -> EventAccumulator:
    found = EventAccumulator(str(run / fit.TENSORBOARD))
    found.Reload()
    return found


def test_board_writes_curves_and_does_not_change_the_run(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(config.replace("fit", validate_epochs=2).to_toml())
    words = ["fit", "--data", str(folder), "--config", str(tmp_path / "a.toml"), "--epochs", "4"]
    assert main([*words, "--out", str(tmp_path / "seen"), "--tensorboard"]) == 0
    assert main([*words, "--out", str(tmp_path / "plain")]) == 0
    ours, theirs = (checkpoint.load(tmp_path / name) for name in ("seen", "plain"))
    assert all(torch.equal(ours.model[name], theirs.model[name]) for name in theirs.model)
    assert not (tmp_path / "plain" / fit.TENSORBOARD).exists()

    found = events(tmp_path / "seen")
    losses = ("reconstruction", "kl", "classification")
    names = {f"{part}/{name}" for part in ("train", "validation") for name in losses}
    assert set(found.Tags()["scalars"]) == names | {"nearest_neighbour", "leave_one_out", "criterion", "rate"}
    steps = {record["epoch"]: record["step"] for record in ours.history}
    assert [event.step for event in found.Scalars("train/kl")] == list(steps.values())
    assert [event.step for event in found.Scalars("validation/kl")] == [steps[2], steps[4]]
    assert [event.value for event in found.Scalars("train/kl")] == pytest.approx(
        [record["train"]["kl"] for record in ours.history]
    )
    sounds = found.Tags()["audio"]
    assert "morph" in sounds
    assert {name.split("/")[1] for name in sounds if name != "morph"} == {"high", "low"}
    (morph,) = found.Audio("morph")[-1:]
    assert (morph.sample_rate, morph.length_frames) == (8000, 5 * 1024 + 4 * 800)
    assert found.Tags()["images"] == ["t-sne"]

    assert main(["fit", "--resume", str(tmp_path / "seen"), "--epochs", "6"]) == 0
    assert [event.step for event in events(tmp_path / "seen").Scalars("validation/kl")] == [6, 12, 18]


def test_board_needs_no_validation_sounds(config: Config, folder: Path, tmp_path: Path) -> None:
    model = {"architecture": "modal", "hop_length": 64, "bands": 8, "hidden": 16, "values": 8, "modes": 12}
    config = config.replace("model", **model, knots=8).replace("data", validation_fraction=0.0)
    (tmp_path / "a.toml").write_text(config.replace("loss", components=1.0).to_toml())
    words = ["fit", "--data", str(folder), "--config", str(tmp_path / "a.toml"), "--epochs", "1"]
    assert main([*words, "--out", str(tmp_path / "seen"), "--tensorboard"]) == 0
    assert "train/components" in events(tmp_path / "seen").Tags()["scalars"]


def test_previews_come_from_all_classes(config: Config, folder: Path) -> None:
    state = fit.start(config.replace("data", validation_fraction=0.5), folder)
    found = board.previews(state)
    assert state.sounds.labels[found].tolist() == [0, 1, 0, 1]
    assert set(found.tolist()) <= set(state.parts.validation.tolist())


def test_scatter_plot_has_a_mark_for_every_point() -> None:
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32)
    picture = board.scatter(places, [0, 0, 1, 1], filled=3)
    inked = (picture != 255).any(axis=0)
    assert inked.sum() == 3 * 25 + (25 - 9)
    colours = {tuple(pixel) for pixel in picture[:, inked].T}
    assert len(colours) == 2


def test_tsne_is_repeatable_and_accepts_equal_points_and_one_dimension() -> None:
    points = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(board.tsne(points), board.tsne(points))
    assert not board.tsne(torch.zeros(5, 3)).any()
    assert np.isfinite(board.tsne(points[:, :1])).all()


def test_sounds_are_joined_with_gaps() -> None:
    found = board.joined(torch.full((2, 1, 10), 2.0), 100)
    assert found.tolist() == [[1.0] * 10 + [0.0] * 10 + [1.0] * 10]
