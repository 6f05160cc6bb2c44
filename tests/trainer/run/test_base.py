"""Tests for training runs that start from the weights of a different run, the base."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from trainer import config as configs
from trainer.config import Config
from trainer.errors import CheckpointError
from trainer.models.layers import DilationBlock
from trainer.models.vae import build
from trainer.run import base, checkpoint, fit
from trainer.run.checkpoint import Checkpoint


@pytest.fixture
def known(config: Config, folder: Path, tmp_path: Path) -> Checkpoint:
    """A checkpoint of a run with a different seed; it has a licence and a credit."""
    state = fit.start(config.replace("fit", seed=7), folder)
    return dataclasses.replace(fit.snapshot(state), licence="CC BY 4.0", credits=("a kit: CC BY 4.0",))


def test_a_run_starts_with_encoder_and_decoder_of_its_base_and_a_new_classifier(
    config: Config, folder: Path, known: Checkpoint
) -> None:
    state, fresh = fit.start(config, folder, base=known), fit.start(config, folder)
    for name, value in state.model.state_dict().items():
        source = fresh.model.state_dict() if name.startswith("classifier.") else known.model
        assert torch.equal(value, source[name]), name


def test_run_keeps_the_credits_of_the_base_even_after_a_resume(
    config: Config, folder: Path, known: Checkpoint
) -> None:
    saved = fit.snapshot(fit.start(config, folder, base=known))
    assert saved.licence == "CC BY 4.0; unknown, supplied by the user"
    assert saved.credits == ("a kit: CC BY 4.0",)
    again = fit.snapshot(fit.resume(saved, config, folder))
    assert (again.licence, again.credits) == (saved.licence, saved.credits)


def test_bundled_base_fits_the_default_recipe() -> None:
    recipe = configs.read(configs.DEFAULT)
    saved = base.choose(None, recipe)
    assert saved is not None
    names = build(recipe.model, len(saved.classes)).state_dict().keys()
    assert saved.model.keys() == names
    assert saved.credits
    assert base.choose("none", recipe) is None


def test_default_base_of_a_different_shape_is_ignored_and_a_named_one_is_refused(
    config: Config, known: Checkpoint, tmp_path: Path
) -> None:
    assert base.choose(None, config) is None
    checkpoint.write(tmp_path / "known.safetensors", known)
    assert base.choose(str(tmp_path / "known.safetensors"), config) is not None
    with pytest.raises(
        CheckpointError, match=r"known\.safetensors: its model and the recipe have different shapes"
    ):
        base.choose(str(tmp_path / "known.safetensors"), config.replace("model", latent_dim=4))


def test_deeper_model_starts_with_the_sounds_of_a_shallow_one(
    config: Config, folder: Path, tmp_path: Path
) -> None:
    shallow = fit.start(config.replace("model", layers=3), folder)
    checkpoint.write(tmp_path / "shallow.safetensors", fit.snapshot(shallow))
    deep_config = config.replace("model", layers=12)
    deep = fit.start(
        deep_config, folder, base=base.choose(str(tmp_path / "shallow.safetensors"), deep_config)
    )
    audio = shallow.sounds.waveforms[:2]
    for one, other in zip(shallow.model.encode(audio), deep.model.encode(audio), strict=True):
        torch.testing.assert_close(one, other)
    z = shallow.model.encode(audio)[0]
    torch.testing.assert_close(shallow.model.decoder(z), deep.model.decoder(z))
    with pytest.raises(CheckpointError, match="different shapes"):
        base.choose(str(tmp_path / "shallow.safetensors"), config.replace("model", layers=2))


def test_weights_of_added_layers_get_gradients(config: Config, folder: Path, tmp_path: Path) -> None:
    shallow = fit.start(config.replace("model", layers=3), folder)
    checkpoint.write(tmp_path / "shallow.safetensors", fit.snapshot(shallow))
    config = config.replace("model", layers=5)
    model = fit.start(config, folder, base=base.choose(str(tmp_path / "shallow.safetensors"), config)).model
    audio = shallow.sounds.waveforms[:2]
    (model.decoder(model.encode(audio)[0]) - audio).square().sum().backward()
    blocks = [layer for layer in model.modules() if isinstance(layer, DilationBlock)]
    assert len(blocks) == 2
    for block in blocks:
        assert block.now.grad is not None
        assert (block.now.grad[3:].abs().amax((1, 2)) > 0).all()
