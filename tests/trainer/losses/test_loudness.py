"""Tests for the loss term of the loudness along a path between two points in latent space (z)."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
import torch

from trainer.config import ModelConfig
from trainer.losses.loudness import k_weighting, log_energy, loudness_term
from trainer.models.modal import ModalDecoder

RATE = 44_100
SHAPE = ModelConfig(
    "modal", RATE, 512 * 64, 4, hop_length=64, bands=24, hidden=16, values=8, modes=30, knots=20
)


@pytest.fixture
def decoder() -> ModalDecoder:
    torch.manual_seed(0)
    made = ModalDecoder(SHAPE)
    with torch.no_grad():
        made.knot_values.mul_(3.0)
        made.levels.bias.fill_(-4.0)
        made.levels.bias[-4:] = -2.5
        made.mode_heads.bias[: SHAPE.modes].fill_(-4.0)
    return made


Z = 2.0 * torch.randn(16, 4, generator=torch.Generator().manual_seed(1))


def _measured(sound: np.ndarray) -> float:
    """Return the logarithm of the K-weighted energy in the first 0.4 s of a sound, filtered by pyloudnorm."""
    for one in pyloudnorm.Meter(RATE)._filters.values():
        sound = one.apply_filter(sound)
    return math.log(np.square(sound[: round(0.4 * RATE)]).sum() / RATE)


def test_k_weighting_has_the_gains_of_bs_1770() -> None:
    gains = 10 * k_weighting(torch.tensor([38.0, 1000.0, 10_000.0])).log10()
    assert gains.tolist() == pytest.approx([-6.0, 0.7, 4.0], abs=0.25)


@torch.no_grad()
def test_loudness_of_the_parameters_is_that_of_the_decoded_sound(decoder: ModalDecoder) -> None:
    measured = [_measured(sound.double().numpy()) for sound in decoder(Z)[:, 0]]
    error_db = 10 / math.log(10) * (log_energy(decoder, Z).numpy() - measured)
    assert np.corrcoef(measured, log_energy(decoder, Z).numpy())[0, 1] > 0.9
    assert np.abs(error_db).max() < 1.0


def test_the_term_is_the_distance_from_the_straight_line(decoder: ModalDecoder) -> None:
    between = torch.tensor([0.25, 0.5])
    with torch.no_grad():
        first, second = Z[0:4:2], Z[1:4:2]
        ends = torch.lerp(log_energy(decoder, first), log_energy(decoder, second), between)
        middle = log_energy(decoder, torch.lerp(first, second, between[:, None]))
        wanted = 0.5 * (middle - ends).abs().mean()
    assert wanted > 1e-3
    assert loudness_term(decoder, Z[:5], between).item() == pytest.approx(wanted.item(), rel=1e-4)


def test_descending_the_term_makes_the_loudness_even(decoder: ModalDecoder) -> None:
    between = torch.linspace(0.2, 0.8, 8)
    before = loudness_term(decoder, Z, between)
    optimiser = torch.optim.Adam(decoder.parameters(), 3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        loudness_term(decoder, Z, between).backward()
        optimiser.step()
    assert loudness_term(decoder, Z, between) < 0.5 * before


def test_gradient_moves_loud_and_soft_bands_alike(decoder: ModalDecoder) -> None:
    with torch.no_grad():
        decoder.knot_values.zero_()
        decoder.levels.bias[:12] -= 1.0  # 8.7 dB softer; the energy's own gradient would be 7 times smaller
    log_energy(decoder, Z).sum().backward()
    assert decoder.levels.bias.grad is not None
    slopes = decoder.levels.bias.grad[8:16]
    assert slopes.min() > 0.5 * slopes.max() > 0.0
