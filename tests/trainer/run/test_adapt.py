"""Tests for the adaptation of a trained model, the base, to a folder of sounds, as in `trainer play`.

Each sound has its own point, a position in latent space, which moves while the decoder is trained. At the
points of the base's own sounds, the sound of the decoder hardly changes. The components of a sound are its
partials and noise bands.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainer.displays import Recorder
from trainer.__main__ import main
from trainer.components.kept import Analysis
from trainer.config import Config
from trainer.errors import CheckpointError, DataError
from trainer.losses.components import component_term, components_at
from trainer.losses.loudness import loudness_term
from trainer.run import checkpoint, fit
from trainer.run.adapt import Adaptation
from trainer.run.checkpoint import Checkpoint
from trainer.run.state import State


@pytest.fixture
def recipe(config: Config) -> Config:
    """The configuration of a small modal model whose loss uses only the components of the sounds."""
    model = {"architecture": "modal", "hop_length": 64, "bands": 8, "hidden": 16, "values": 8, "modes": 12}
    loss = {"reconstruction": 0.0, "components": 1.0}
    return config.replace("model", **model, knots=8).replace("loss", **loss).replace("fit", epochs=20)


def started(recipe: Config, folder: Path) -> State:
    return fit.start(recipe.replace("data", validation_fraction=0.0), folder)


@pytest.fixture
def base(recipe: Config, folder: Path) -> Checkpoint:
    """An untrained base for the same sounds, with random weights from a different seed."""
    return fit.snapshot(started(recipe.replace("fit", seed=7), folder))


def component_loss(state: State, points: torch.Tensor) -> float:
    assert state.components is not None
    with torch.no_grad():
        return component_term(state.model.decoder, points, state.components[state.train]).item()  # type: ignore[arg-type]


def test_points_fit_their_sounds_better_and_the_encoder_finds_them(
    recipe: Config, folder: Path, tmp_path: Path
) -> None:
    state, display = started(recipe.replace("fit", epochs=60), folder), Recorder()
    run = Adaptation(state, None)
    before = component_loss(state, run.points)
    assert run.run(tmp_path, display)
    assert component_loss(state, run.points) < 0.8 * before
    assert len(display.records) == 60
    saved = checkpoint.load(tmp_path)
    assert saved.anchors.names == state.sounds.names
    torch.testing.assert_close(saved.anchors.mean, run.points.detach())
    with torch.no_grad():
        found = state.model.encode(state.sounds.waveforms)[0]
    spread = (run.points - run.points.mean(0)).norm(dim=1).mean()
    assert (found - run.points).norm(dim=1).mean() < 0.4 * spread


def test_loudness_term_makes_the_loudness_between_sounds_even(
    recipe: Config, folder: Path, tmp_path: Path
) -> None:
    def unevenness(weight: float) -> float:
        state = started(recipe.replace("loss", loudness=weight).replace("fit", epochs=60), folder)
        run = Adaptation(state, None)
        assert run.run(tmp_path / f"{weight}", Recorder())
        pairs = torch.combinations(torch.arange(len(run.points)), 2).flatten()
        middle = torch.full((len(pairs) // 2,), 0.5)
        with torch.no_grad():
            return loudness_term(state.model.decoder, run.points[pairs], middle).item()  # type: ignore[arg-type]

    (tmp_path / "0.0").mkdir()
    (tmp_path / "20.0").mkdir()
    assert unevenness(20.0) < 0.6 * unevenness(0.0)


def test_the_sounds_of_the_base_change_less_if_the_base_is_given(
    recipe: Config, folder: Path, tmp_path: Path, base: Checkpoint
) -> None:
    def moved(kept: Checkpoint | None, out: str) -> float:
        (tmp_path / out).mkdir()
        state = fit.start(recipe.replace("data", validation_fraction=0.0), folder, base=base)
        had = components_at(state.model.decoder, base.anchors.mean)  # type: ignore[arg-type]
        had = type(had)(*(value.detach() for value in vars(had).values()))
        assert Adaptation(state, kept).run(tmp_path / out, Recorder())
        with torch.no_grad():
            return component_term(state.model.decoder, base.anchors.mean, had).item()  # type: ignore[arg-type]

    assert moved(base, "kept") < 0.7 * moved(None, "lost")


def test_a_stopped_run_continues_and_equals_an_uninterrupted_one_bit_for_bit(
    recipe: Config, folder: Path, tmp_path: Path, base: Checkpoint
) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = fit.start(recipe, folder, base=base)
    assert Adaptation(whole, base).run(tmp_path / "whole", Recorder())

    first, display = fit.start(recipe, folder, base=base), Recorder()
    assert not Adaptation(first, base).run(tmp_path / "parts", display, lambda: len(display.records) == 5)
    saved = checkpoint.load(tmp_path / "parts")
    assert saved.epoch == 5
    again = fit.restored(saved, saved.config, folder)
    fit.analyse_sounds(again)
    assert Adaptation(again, base, saved).run(tmp_path / "parts", Recorder())
    ours, theirs = (checkpoint.load(tmp_path / name) for name in ("parts", "whole"))
    decoder = [name for name in theirs.model if name.startswith("decoder.")]
    assert all(torch.equal(ours.model[name], theirs.model[name]) for name in decoder)
    assert torch.equal(ours.anchors.mean, theirs.anchors.mean)


def test_resuming_with_trainer_fit_or_with_other_sounds_is_refused(
    recipe: Config, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Adaptation(started(recipe, folder), None).run(tmp_path, Recorder())
    saved = checkpoint.load(tmp_path)
    with pytest.raises(CheckpointError, match="a run of `trainer play`; only that command continues it"):
        fit.resume(saved, saved.config, folder)
    assert main(["fit", "--data", str(folder), "--out", str(tmp_path)]) == 2
    assert "a run of `trainer play`; choose another folder with --out\n" in capsys.readouterr().err
    next(folder.rglob("*.wav")).unlink()
    with pytest.raises(DataError, match="its sounds are no longer those of this run"):
        fit.restored(saved, saved.config, folder)


def test_training_begins_before_all_sounds_are_analysed(
    recipe: Config, folder: Path, tmp_path: Path, base: Checkpoint
) -> None:
    state = fit.start(recipe.replace("data", validation_fraction=0.0), folder, base=base, analysed=False)
    run, known = Adaptation(state, base), list[tuple[int, int]]()
    path = tmp_path / fit.COMPONENTS
    start = run.points.detach().clone()
    with Analysis(
        state.sounds.waveforms, recipe.model, path, lambda *numbers: known.append(numbers)
    ) as analysis:
        run.begin(analysis)
    assert known == [(done, 12) for done in range(13)]
    assert state.step == 0
    assert not torch.equal(run.points, start)
    reference = fit.start(recipe.replace("data", validation_fraction=0.0), folder)
    assert state.components is not None
    for name, value in vars(reference.components).items():
        assert torch.equal(getattr(state.components, name), value), name


def test_an_aborted_snapshot_leaves_the_encoder_unchanged(
    recipe: Config, folder: Path, base: Checkpoint
) -> None:
    run = Adaptation(started(recipe, folder), base)
    with torch.no_grad():
        run.points.add_(0.1)
    layer = run.state.model.encoder.mean
    assert isinstance(layer, torch.nn.Linear)
    before = layer.weight.clone()

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.snapshot(look=stop)
    assert torch.equal(layer.weight, before)
    saved = run.snapshot()
    torch.testing.assert_close(saved.anchors.mean, run.points.detach())
    assert not torch.equal(layer.weight, before)


def test_training_after_an_interrupted_analysis_begins_with_the_kept_sounds(
    recipe: Config, folder: Path, tmp_path: Path
) -> None:
    state = fit.start(recipe.replace("data", validation_fraction=0.0), folder, analysed=False)
    path = tmp_path / fit.COMPONENTS
    with Analysis(state.sounds.waveforms[:5], recipe.model, path) as interrupted:
        while not interrupted.complete:
            interrupted.known(1.0)
    run, known = Adaptation(state, None), list[int]()
    start = run.points.detach().clone()

    def stop() -> None:
        known.extend(analysis.known())
        raise KeyboardInterrupt

    with Analysis(state.sounds.waveforms, recipe.model, path) as analysis, pytest.raises(KeyboardInterrupt):
        run.begin(analysis, stop)
    assert {*range(5)} <= {*known}
    moved = state.train[(run.points != start).any(1)].tolist()
    assert moved
    assert {*moved} <= {*known}
