"""Tests for the terms of the loss, with sounds for which the terms can be calculated by hand."""

from __future__ import annotations

import math

import pytest
import torch

from trainer.config import LossConfig
from trainer.losses.terms import (
    divergence,
    head_terms,
    morph_term,
    reconstruction,
    spectral_distance,
    total,
    variational_terms,
    weights,
)
from trainer.models.vae import VAEOutput


def test_reconstruction_is_a_sum_or_a_mean_over_the_window() -> None:
    audio, waveform = torch.full((2, 1, 64), 0.5), torch.zeros(2, 1, 64)
    assert reconstruction(audio, waveform, "sum").item() == pytest.approx(64 * 0.25)
    assert reconstruction(audio, waveform, "mean").item() == pytest.approx(0.25)


def test_divergence_of_gaussians_equals_that_calculated_by_hand() -> None:
    zeros = torch.zeros(4, 3)
    assert divergence(zeros, zeros).item() == 0.0
    assert divergence(zeros + 2, zeros).item() == pytest.approx(3 * 2.0)
    wide = zeros + math.log(4.0)
    assert divergence(zeros, wide).item() == pytest.approx(3 * 0.5 * (4 - 1 - math.log(4)))


def test_spectral_distance_of_equal_sounds_is_zero_and_of_doubled_ones_one_plus_log_2() -> None:
    sound = torch.randn(2, 1, 1024, generator=torch.Generator().manual_seed(0))
    sizes, floor = (64, 256, 4096), 1e-7
    assert spectral_distance(sound, sound, sizes, floor).item() == 0.0
    twice = spectral_distance(2 * sound, sound, sizes, floor).item()
    assert twice == pytest.approx(
        1 + math.log(2), rel=1e-4
    )  # the convergence is 1, and log magnitudes differ by log 2


def test_spectral_distance_ignores_differences_below_its_floor() -> None:
    sound = torch.randn(1, 1, 1024, generator=torch.Generator().manual_seed(0))
    silence = torch.zeros_like(sound)
    quiet = spectral_distance(1e-7 * sound, silence, (64,), 2e-5)
    assert quiet.item() < 1e-4


def test_spectral_distance_has_gradients_at_silence() -> None:
    audio = torch.zeros(1, 1, 1024, requires_grad=True)
    waveform = torch.zeros(1, 1, 1024)
    waveform[..., 100] = 1.0
    spectral_distance(audio, waveform, (64, 256), 2e-5).backward()
    assert audio.grad is not None
    assert audio.grad.isfinite().all()
    audio = torch.randn(1, 1, 1024, requires_grad=True)
    spectral_distance(audio, torch.zeros(1, 1, 1024), (64, 256), 2e-5).backward()
    assert audio.grad is not None
    assert audio.grad.isfinite().all()


def test_spectral_distance_needs_a_size_that_fits_into_the_window() -> None:
    with pytest.raises(ValueError, match="none fits into a window of 32"):
        spectral_distance(torch.zeros(1, 1, 32), torch.zeros(1, 1, 32), (64,), 1e-5)


def test_loss_is_the_weighted_sum_of_its_terms() -> None:
    audio, zeros = torch.full((1, 1, 64), 0.5), torch.zeros(1, 2)
    output = VAEOutput(audio, zeros + 2, zeros, zeros, torch.zeros(1, 4))
    terms = variational_terms(output, torch.zeros(1, 1, 64), LossConfig())
    terms |= head_terms({"classification": output.logits}, torch.tensor([[1]]))
    assert {name: round(term.item(), 5) for name, term in terms.items()} == {
        "reconstruction": 16.0,
        "kl": 4.0,
        "classification": round(math.log(4), 5),
    }
    found = total(terms, weights(LossConfig(), 0)).item()
    assert found == pytest.approx(16 + 4e-4 + 1.01 * math.log(4))


def test_morph_term_is_zero_if_levels_are_interpolated_between_the_ends() -> None:
    sound = torch.randn(2, 1, 2048, generator=torch.Generator().manual_seed(0))
    ends, share = (sound, 0.01 * sound), torch.tensor([0.5, 0.25])
    quarter, half = 10**-0.5, 0.1  # gains of -10 and -20 dB
    there = torch.stack((half * sound[0], quarter * sound[1]))
    assert morph_term(there, ends, share, 8000)["morph"].item() == pytest.approx(0.0, abs=1e-3)
    louder = morph_term(sound, ends, share, 8000)["morph"].item()
    assert louder == pytest.approx(0.75 * math.log(10), rel=1e-3)


def test_weight_of_kl_rises_during_the_warm_up() -> None:
    config = LossConfig(kl=0.8, kl_warmup_epochs=4)
    assert [weights(config, epoch)["kl"] for epoch in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
