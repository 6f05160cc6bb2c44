"""Tests for training on varied copies of the training sounds, which are made and measured once.

There are several sets of copies. Each training sound has its own point, a position in latent space, which is
trained, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.displays import Recorder
from trainer.config import Config
from trainer.errors import ConfigError
from trainer.losses.components import component_term
from trainer.losses.loudness import loudness_term
from trainer.models.modal import ModalDecoder
from trainer.run import checkpoint, fit
from trainer.run.state import State
from trainer.run.steps import batches


@pytest.fixture
def recipe(config: Config) -> Config:
    """The configuration of a small modal model, with two sets of copies and a point for each sound."""
    tables: dict[str, dict[str, Any]] = {
        "model": {
            "architecture": "modal",
            "hop_length": 64,
            "bands": 8,
            "hidden": 16,
            "values": 8,
            "modes": 12,
            "knots": 8,
        },
        "data": {"mix": 0.5, "vary_zones": 1, "vary_db": 3.0, "validation_fraction": 0.0, "copies": 2},
        "loss": {"reconstruction": 0.0, "components": 1.0, "points": 0.05},
        "optim": {"update": "joint"},
    }
    before = config.to_dict()
    return Config.from_dict(before | {name: before[name] | values for name, values in tables.items()})


def loss_at(state: State, points: torch.Tensor) -> float:
    decoder, components = state.model.decoder, state.components
    assert isinstance(decoder, ModalDecoder)
    assert components is not None
    with torch.no_grad():
        return component_term(decoder, points, components[state.train]).item()


def test_initial_point_of_a_sound_is_that_of_the_encoder(recipe: Config, folder: Path) -> None:
    state = fit.start(recipe, folder)
    assert state.points is not None
    with torch.no_grad():
        encoded = state.model.encode(state.sounds.waveforms[state.train])[0]
    torch.testing.assert_close(state.points[state.train], encoded, rtol=1e-2, atol=1e-2)


def test_batch_has_as_many_original_sounds_as_copies(recipe: Config, folder: Path) -> None:
    state = fit.start(recipe, folder)
    originals: list[int] = []
    for batch in batches(state):
        assert batch.own * 2 == len(batch)
        assert batch[: batch.own].own == 0
        assert batch[batch.own - 1 :].own == batch.own
        index = batch.index[batch.own :]
        assert batch.components is not None
        assert state.components is not None
        assert torch.equal(batch.components[slice(batch.own, None)].end_s, state.components[index].end_s)
        originals += index.tolist()
    assert sorted(originals) == sorted(state.train.tolist())


def test_sets_of_copies_are_used_in_turn(recipe: Config, folder: Path) -> None:
    state = fit.start(recipe, folder)

    def ends(epoch: int) -> list[float]:
        state.epoch = epoch
        found = [
            batch.components.end_s[: len(batch) - batch.own] for batch in batches(state) if batch.components
        ]
        return torch.cat(found).tolist()

    first, second, third = (ends(epoch) for epoch in (0, 1, 2))
    assert sorted(first) != sorted(second)
    assert sorted(first) == sorted(third)
    assert first != third


def test_decoder_reproduces_the_sounds_at_their_own_points_after_training(
    recipe: Config, folder: Path, tmp_path: Path
) -> None:
    state = fit.start(recipe.replace("fit", epochs=60), folder)
    assert state.points is not None
    before = loss_at(state, state.points[state.train])
    assert fit.run(state, tmp_path, Recorder())
    own = state.points.detach()[state.train]
    assert loss_at(state, own) < 0.8 * before
    state.model.eval()
    with torch.no_grad():
        encoded = state.model.encode(state.sounds.waveforms[state.train])[0]
    spread = (own - own.mean(0)).norm(dim=1).mean()
    assert (encoded - own).norm(dim=1).mean() < 0.5 * spread
    assert torch.equal(checkpoint.load(tmp_path).anchors.mean, own)


def test_loudness_term_makes_the_loudness_between_sounds_even(
    recipe: Config, folder: Path, tmp_path: Path
) -> None:
    def unevenness(weight: float) -> float:
        state = fit.start(recipe.replace("loss", loudness=weight).replace("fit", epochs=60), folder)
        (tmp_path / f"{weight}").mkdir()
        assert fit.run(state, tmp_path / f"{weight}", Recorder())
        assert state.points is not None
        assert isinstance(state.model.decoder, ModalDecoder)
        with torch.no_grad():
            pairs = torch.combinations(state.train, 2).flatten()
            middle = torch.full((len(pairs) // 2,), 0.5)
            return loudness_term(state.model.decoder, state.points[pairs], middle).item()

    even, uneven = unevenness(20.0), unevenness(0.0)
    assert even < 0.6 * uneven


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        ("data", {"copies": 0}, r"\[loss\] points = 0.05: it needs \[data\] copies"),
        ("optim", {"update": "alternating"}, r'\[data\] copies = 2: it needs \[optim\] update = "joint"'),
        ("loss", {"stft": 1.0}, r"\[data\] copies = 2: \[loss\] stft needs the sounds themselves"),
        ("data", {"leak": True}, r"\[data\] copies = 2: \[data\] leak needs the sounds themselves"),
        ("fit", {"devices": 2}, r"\[data\] copies = 2: it works on one device"),
    ],
)
def test_copies_are_refused_where_they_cannot_work(
    recipe: Config, section: str, values: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        recipe.replace(section, **values)


def test_copies_are_refused_for_an_architecture_without_components(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"\[data\] copies = 2: it must be 0 for dc"):
        config.replace("data", copies=2)
