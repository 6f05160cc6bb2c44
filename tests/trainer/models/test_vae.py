"""The models have the shapes of the paper's Tables 1 and 2, and decode causally."""

from __future__ import annotations

import pytest
import torch

from trainer.architectures import ARCHITECTURES
from trainer.config import ModelConfig
from trainer.errors import ConfigError
from trainer.models.vae import build

DIGITS = ModelConfig("dc", 8000, 4096, 20)


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_dc_has_the_weights_of_table_1() -> None:
    model = build(DIGITS, 10)
    block = 50 * 2 * (32 * 32 * 2 + 32)
    front, back = 16 * 32 + 16, 32 * 16 * 32 + 16
    chain = 4 * (2 + 1) + (1 + 1)  # four layers with one filter and kernel size 2, and the 1x1 layer
    encoder = front + (16 * 32 + 32) + block + (32 * 2 + 1) + chain + 2 * (128 * 20 + 20)
    decoder = (20 * 128 + 128) + 5 * (2 + 1) + (1 + 1) + (32 + 32) + block + back + (16 + 1)
    assert _count(model.encoder) == encoder
    assert _count(model.decoder) == decoder
    assert _count(model.classifier) == (20 * 10 + 10) + 2 * (10 * 10 + 10) + (10 * 10 + 10)


def test_cc_has_the_weights_of_table_2() -> None:
    model = build(ModelConfig("cc", 8000, 4096, 20), 10)
    sizes = [(1, 128, 5), (128, 128, 4), (128, 256, 4), (256, 512, 4), (512, 1024, 4)]
    down = sum(a * b * k + b for a, b, k in sizes)
    mirrored = [(1, 1024, 4), (1024, 512, 4), (512, 256, 4), (256, 128, 4), (128, 128, 5)]
    up = sum(a * b * k + b for a, b, k in mirrored)
    assert _count(model.encoder) == down + (1024 + 1) + 2 * (128 * 20 + 20)
    assert _count(model.decoder) == (20 * 128 + 128) + (1 + 1) + up + (128 + 1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("length", "latent_dim"), [(32, 1), (1056, 7)])
def test_models_accept_any_multiple_of_32_and_any_latent_size(
    architecture: str, length: int, latent_dim: int
) -> None:
    model = build(ModelConfig(architecture, 8000, length, latent_dim, layers=3, channels=4), 2)
    out = model(torch.randn(3, 1, length), torch.randn(3, latent_dim))
    assert out.audio.shape == (3, 1, length)
    assert out.mean.shape == out.log_var.shape == out.z.shape == (3, latent_dim)
    assert out.logits.shape == (3, 2)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_later_z_never_changes_earlier_sound(architecture: str) -> None:
    torch.manual_seed(0)
    model = build(ModelConfig(architecture, 8000, 1024, 5, layers=12, channels=8), 2)
    z = torch.randn(1, 32, 5)
    moved = z.clone()
    moved[:, 10:] += 1.0
    with torch.no_grad():
        before, after = model.decode(z), model.decode(moved)
    assert torch.equal(before[..., : 10 * 32], after[..., : 10 * 32])
    assert not torch.equal(before[..., 10 * 32 :], after[..., 10 * 32 :])


def test_z_is_mean_plus_standard_deviation_times_eps() -> None:
    torch.manual_seed(0)
    model = build(ModelConfig("dc", 8000, 64, 3, layers=2, channels=4), 2)
    x, eps = torch.randn(2, 1, 64), torch.randn(2, 3)
    out = model(x, eps)
    torch.testing.assert_close(out.z, out.mean + out.log_var.exp().sqrt() * eps)
    assert torch.equal(model(x).z, out.mean)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ModelConfig(length=100), "multiple of 32"),
        (ModelConfig(architecture="rnn"), "choose from dc, cc, mb"),
    ],
)
def test_impossible_shapes_are_refused_with_the_accepted_values(config: ModelConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(config, 2)
