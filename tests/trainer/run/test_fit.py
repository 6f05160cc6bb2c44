"""Tests for training runs from start to end, and for resumed runs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.displays import Recorder
from trainer import config as configs
from trainer.architectures import ARCHITECTURES
from trainer.config import Config
from trainer.errors import CheckpointError, DataError, DivergedError, TrainerError
from trainer.models.vae import build
from trainer.run import board, checkpoint, fit
from trainer.run.checkpoint import BEST, LAST
from trainer.run.state import State
from trainer.run.steps import batches, rate, update
from trainer.run.validation import leave_one_out, nearest_neighbour

JOINT: dict[str, dict[str, Any]] = {
    "loss": {"reduction": "mean", "stft": 1.0, "stft_sizes": [64, 256], "kl_warmup_epochs": 3},
    "optim": {"update": "joint", "algorithm": "adamw", "weight_decay": 0.01, "schedule": "one-cycle"},
    "data": {"balance": "class", "shift_ms": 1.0},
}


def changed(config: Config, tables: dict[str, dict[str, Any]]) -> Config:
    before = config.to_dict()
    return Config.from_dict(before | {name: before[name] | values for name, values in tables.items()})


def trained(config: Config, folder: Path, out: Path) -> tuple[State, Recorder]:
    out.mkdir()
    display = Recorder()
    state = fit.start(config, folder)
    assert fit.run(state, out, display)
    return state, display


MUON: dict[str, dict[str, Any]] = {"optim": {"algorithm": "muon", "schedule": "one-cycle"}}

PROTOTYPES: dict[str, dict[str, Any]] = {
    "model": {"architecture": "mb"},
    "loss": {"reduction": "mean", "centre": 1.0, "centre_dtw": 0.01, "morph": 1.0},
    "optim": {"update": "joint"},
}
"""A run whose loss has terms for class centres (`centre`) and for sounds between two sounds (`morph`)."""

COPIES: dict[str, dict[str, Any]] = {
    "model": {"architecture": "modal", "hop_length": 64, "bands": 8, "hidden": 16, "values": 8, "modes": 12},
    "data": {"mix": 0.5, "vary_zones": 1, "vary_db": 3.0, "copies": 2, "validation_fraction": 0.0},
    "loss": {"reconstruction": 0.0, "components": 1.0, "loudness": 0.5, "points": 0.05},
    "optim": {"update": "joint"},
}
"""A run with varied copies of the sounds and with a trained z for each sound; copies are measured once."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_run_writes_its_checkpoints_log_and_configuration(
    config: Config, folder: Path, tmp_path: Path, architecture: str
) -> None:
    config = config.replace("model", architecture=architecture)
    state, display = trained(config, folder, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(fit.FILES)
    assert len(display.steps) == state.step == 2 * 3  # two epochs of 10 sounds in batches of 4
    assert display.steps[0].keys() == {"reconstruction", "kl", "classification"}
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines == display.records == state.history
    assert lines[1]["validation"].keys() == {"reconstruction", "kl", "classification"}

    for name in (LAST, BEST):
        saved = checkpoint.load(tmp_path / "run" / name)
        assert bool(saved.optimisers) == (name == LAST)
        assert saved.classes == ("high", "low")
        assert len(saved.anchors.names) == 10
        model = build(saved.config.model, len(saved.classes)).eval()
        model.load_state_dict(saved.model)
        sounds = state.sounds
        for anchor, label, mean in zip(*vars(saved.anchors).values(), strict=True):
            index = sounds.names.index(anchor)
            assert label == sounds.labels[index]
            with torch.no_grad():
                found = model.encode(sounds.waveforms[[index]])[0][0]
            torch.testing.assert_close(found, mean, rtol=1e-4, atol=1e-5)
    assert Config.from_toml((tmp_path / "run" / "config.toml").read_text()).model.classifier_hidden == (2,)


def test_spectral_loss_falls_in_training(config: Config, folder: Path, tmp_path: Path) -> None:
    config = changed(config, JOINT).replace("fit", epochs=40).replace("optim", lr=0.01)
    _, display = trained(config, folder, tmp_path / "run")
    first, last = (display.records[i]["train"]["stft"] for i in (0, -1))
    assert last < 0.6 * first


@pytest.mark.parametrize(
    "tables", [{}, JOINT, PROTOTYPES, COPIES, MUON], ids=["paper", "joint", "prototype", "copies", "muon"]
)
@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    config: Config, folder: Path, tmp_path: Path, tables: dict[str, Any], stop_after: int
) -> None:
    config = changed(config, tables)
    whole, display = trained(config, folder, tmp_path / "whole")

    out = tmp_path / "parts"
    out.mkdir()
    first = fit.start(config, folder)
    seen = Recorder()
    assert not fit.run(first, out, seen, stop=lambda: len(seen.steps) >= stop_after)
    assert first.step == stop_after
    torch.manual_seed(99)  # the run must not depend on the global generator
    second = fit.resume(checkpoint.load(out), config, folder)
    assert fit.run(second, out, seen)

    assert seen.steps == display.steps
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], weight), name
    ours, theirs = (checkpoint.load(tmp_path / name) for name in ("whole", "parts"))
    assert torch.equal(ours.anchors.mean, theirs.anchors.mean)
    assert ours.best == theirs.best

    def timeless(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: value for key, value in record.items() if "seconds" not in key} for record in records]

    assert timeless(ours.history) == timeless(theirs.history)


def test_frequent_checkpoints_do_not_change_the_run(config: Config, folder: Path, tmp_path: Path) -> None:
    often, _ = trained(config.replace("fit", checkpoint_minutes=1e-9), folder, tmp_path / "often")
    never, _ = trained(config.replace("fit", checkpoint_minutes=0.0), folder, tmp_path / "never")
    for name, weight in never.model.state_dict().items():
        assert torch.equal(often.model.state_dict()[name], weight), name


@pytest.mark.parametrize("batch_size", [8, 7])
@pytest.mark.parametrize("tables", [{}, JOINT, PROTOTYPES], ids=["paper", "joint", "prototypes"])
def test_losses_and_gradient_do_not_depend_on_the_number_of_sounds_at_once(
    config: Config, folder: Path, tables: dict[str, Any], batch_size: int
) -> None:
    gradients = []
    for at_once in (1, 3, 8):
        fitted = changed(config, tables).replace("fit", micro_batch=at_once, batch_size=batch_size)
        state = fit.start(fitted, folder)
        values = update(state, next(batches(state)), lambda: False)
        gradients.append(([p.grad for p in state.model.decoder.parameters()], values))
    for found, values in gradients[:2]:
        assert values == pytest.approx(gradients[2][1], rel=1e-4)
        for ours, theirs in zip(found, gradients[2][0], strict=True):
            assert ours is not None
            assert theirs is not None
            assert (ours - theirs).norm() <= 1e-3 * theirs.norm()  # the gradients have single precision


@pytest.mark.parametrize("name", ["paper_dc", "paper_cc", "paper_nonclass"])
def test_a_step_of_the_papers_protocol_gives_finite_losses(folder: Path, name: str) -> None:
    config = configs.read(name).replace("model", layers=2, length=1024).replace("fit", batch_size=4)
    state = fit.start(config.replace("fit", device="cpu", threads=1), folder)
    assert state.passes == 21 * len(state.train) == 21 * 10
    values = update(state, next(batches(state)), lambda: False)
    assert values is not None
    assert ("classification" in values) == (name != "paper_nonclass")
    assert 0 < values["reconstruction"] < math.inf


def test_step_stopped_halfway_leaves_the_weights_unchanged(config: Config, folder: Path) -> None:
    state = fit.start(changed(config, PROTOTYPES).replace("fit", micro_batch=2), folder)
    before = {name: weight.clone() for name, weight in state.model.state_dict().items()}
    answers = iter([False, True])
    assert update(state, next(batches(state)), lambda: next(answers)) is None
    for name, weight in state.model.state_dict().items():
        assert torch.equal(weight, before[name]), name


def test_each_of_the_alternating_updates_has_its_own_parameters_and_rate(
    config: Config, folder: Path
) -> None:
    state = fit.start(config, folder)
    assert [group["lr"] for group in state.optimisers["variational"].param_groups] == [5e-4]
    assert [group["lr"] for group in state.optimisers["classification"].param_groups] == [1e-3]
    held = {
        name: {id(p) for group in optimiser.param_groups for p in group["params"]}
        for name, optimiser in state.optimisers.items()
    }
    encoder, decoder, classifier = (
        {id(p) for p in part.parameters()}
        for part in (state.model.encoder, state.model.decoder, state.model.classifier)
    )
    assert held["variational"] == encoder | decoder
    assert held["classification"] == encoder | classifier


def test_without_the_classification_loss_the_classifier_is_unchanged(config: Config, folder: Path) -> None:
    for mode in ("alternating", "joint"):
        tables: dict[str, dict[str, Any]] = {"loss": {"classification": 0.0}, "optim": {"update": mode}}
        state = fit.start(changed(config, tables), folder)
        before = {name: weight.clone() for name, weight in state.model.state_dict().items()}
        values = update(state, next(batches(state)), lambda: False)
        assert values is not None
        assert values.keys() == {"reconstruction", "kl"}
        for name, weight in state.model.state_dict().items():
            assert torch.equal(weight, before[name]) == name.startswith("classifier"), name


def test_one_cycle_rate_rises_linearly_and_falls_as_a_cosine() -> None:
    config = Config.from_dict({"optim": {"schedule": "one-cycle", "warmup": 0.2}})
    rates = [rate(config, step, 50) for step in range(50)]
    assert rates[:11] == pytest.approx([(step + 1) / 11 for step in range(10)] + [1.0])
    assert rates[30] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.002
    assert rate(Config(), 30, 50) == 1.0


def test_nearest_neighbour_rates_equal_those_calculated_by_hand() -> None:
    points, labels = torch.tensor([[0.0], [0.1], [1.0], [1.1], [0.4]]), torch.tensor([0, 0, 1, 1, 1])
    assert leave_one_out(points, labels) == pytest.approx(4 / 5)
    asked, truth = torch.tensor([[-1.0], [2.0], [0.3]]), torch.tensor([0, 1, 0])
    assert nearest_neighbour(points, labels, asked, truth) == pytest.approx(2 / 3)


def test_without_validation_sounds_no_best_checkpoint_is_chosen(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    state, display = trained(config.replace("data", validation_fraction=0.0), folder, tmp_path / "run")
    assert len(state.train) == 12
    assert display.records[-1]["validation"] == {}
    assert display.records[-1]["criterion"] is display.records[-1]["nearest_neighbour"] is None
    assert state.best is None
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(fit.FILES) - {BEST}
    assert checkpoint.load(tmp_path / "run").epoch == config.fit.epochs


def test_test_sounds_have_no_influence(config: Config, folder: Path, tmp_path: Path) -> None:
    config = config.replace("data", test_fraction=0.2).replace("fit", tensorboard=True)
    runs = []
    for poisoned in (False, True):
        state = fit.start(config, folder)
        assert [len(part) for part in vars(state.parts).values()] == [8, 2, 2]
        if poisoned:
            state.sounds.waveforms[state.parts.test] = math.nan
        out = tmp_path / f"{poisoned}"
        out.mkdir()
        seen = board.Board(state, out / fit.TENSORBOARD)
        fit.run(state, out, seen)
        seen.close()
        runs.append(state)
    for name, weight in runs[0].model.state_dict().items():
        assert torch.equal(runs[1].model.state_dict()[name], weight), name
    scores = [[record["criterion"] for record in state.history] for state in runs]
    assert scores[0] == scores[1]
    assert None not in scores[0]


def test_with_leak_the_run_trains_on_the_test_sounds_too(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    config = config.replace("data", test_fraction=0.4, validation_fraction=0.0, averages=1)
    (tmp_path / "out").mkdir()
    for leak in (False, True):
        state = fit.start(config.replace("data", leak=leak), folder)
        assert [len(part) for part in vars(state.parts).values()] == [8, 0, 4]
        drawn = [batch.index for batch in batches(state)]
        assert len(drawn) == state.steps_per_epoch == 4 + leak
        assert state.passes == sum(map(len, drawn)) == 16 + 4 * leak
        assert sorted(torch.cat(drawn[:4]).tolist()) == sorted(2 * state.train.tolist())
        assert sorted(torch.cat(drawn).tolist()[16:]) == (state.parts.test.tolist() if leak else [])
    seen = Recorder()
    assert fit.run(state, tmp_path / "out", seen)
    mean = sum(losses["reconstruction"] for losses in seen.steps[:5]) / 5
    assert seen.records[0]["train"]["reconstruction"] == pytest.approx(mean)


@pytest.mark.parametrize("only", [False, True])
def test_shifts_in_time_can_be_limited_to_the_classification_step(
    config: Config, folder: Path, only: bool
) -> None:
    """Without shifts in the variational step, this step has the same loss as with unshifted sounds."""
    steps = "classification" if only else "both"
    state = fit.start(config.replace("data", shift_ms=10.0, shift_steps=steps), folder)
    batch = next(batches(state))
    assert not torch.equal(batch.encoder_input, batch.waveform)
    values = update(state, batch, lambda: False)
    plain = fit.start(config.replace("data", shift_ms=0.0), folder)
    without = update(plain, next(batches(plain)), lambda: False)
    assert values is not None
    assert without is not None
    assert (values["reconstruction"] == without["reconstruction"]) == only
    assert values["classification"] != without["classification"]


def test_run_with_aligned_sounds_lists_their_cuts_and_is_resumed(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    config = config.replace("data", align_ms=10.0, test_fraction=0.2)
    state, _ = trained(config, folder, tmp_path / "run")
    lines = (tmp_path / "run" / fit.ALIGNMENT).read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [state.sounds.names[i] for i in state.train.tolist()]
    again = fit.resume(checkpoint.load(tmp_path / "run"), config.replace("fit", epochs=3), folder)
    assert torch.equal(again.sounds.waveforms, state.sounds.waveforms)
    fit.clear(tmp_path / "run")
    assert not any((tmp_path / "run").iterdir())


def test_resuming_with_changed_sounds_is_refused(config: Config, folder: Path, tmp_path: Path) -> None:
    trained(config, folder, tmp_path / "run")
    (folder / "low" / "take-5.wav").unlink()
    with pytest.raises(DataError, match=r"no longer those of this run \(10 training sounds then, 9 now\)"):
        fit.resume(checkpoint.load(tmp_path / "run"), config, folder)


def test_best_checkpoint_cannot_be_resumed(config: Config, folder: Path, tmp_path: Path) -> None:
    trained(config, folder, tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"resume from last\.safetensors"):
        fit.resume(checkpoint.load(tmp_path / "run" / BEST), config, folder)


def test_loss_that_is_not_finite_stops_the_run(config: Config, folder: Path) -> None:
    state = fit.start(config, folder)
    with torch.no_grad():
        next(state.model.decoder.parameters()).fill_(math.inf)
    with pytest.raises(DivergedError, match=r"the reconstruction loss is (nan|inf) at step 0"):
        update(state, next(batches(state)), lambda: False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_missing_gpu_is_refused(config: Config, folder: Path) -> None:
    with pytest.raises(TrainerError, match="device cuda: PyTorch finds no CUDA device"):
        fit.start(config.replace("fit", device="cuda"), folder)
