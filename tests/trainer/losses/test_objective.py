"""The terms of the loss that a training step computes."""

from __future__ import annotations

import pytest
import torch

from trainer.config import Config
from trainer.losses.objective import VARIATIONAL, Objective
from trainer.models.vae import build


@pytest.mark.parametrize("architecture", ["dc", "cc"])
def test_with_companding_the_squared_error_compares_compressed_waveforms(architecture: str) -> None:
    shape = {"architecture": architecture, "length": 320, "latent_dim": 5, "layers": 3, "channels": 4}
    config = Config.from_dict({"model": {**shape, "companding": 0.5}})
    torch.manual_seed(0)
    model = build(config.model, 2)
    sound, still = torch.rand(2, 1, 320) * 2 - 1, torch.zeros(2, 5)
    terms = Objective(model, config)(VARIATIONAL, sound, sound, torch.zeros(2, 1).long(), still)
    decoded = model.decode(model.encode(sound)[0])
    error = decoded.sign() * decoded.abs().sqrt() - sound.sign() * sound.abs().sqrt()
    assert terms["reconstruction"].item() == pytest.approx(error.square().sum().item() / 2, rel=1e-5)
