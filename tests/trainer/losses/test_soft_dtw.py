"""Tests for soft DTW (dynamic time warping with a soft minimum), and for the loss term that uses it."""

from __future__ import annotations

import math

import pytest
import torch

from trainer.config import LossConfig
from trainer.losses.soft_dtw import mfcc_soft_dtw, soft_dtw
from trainer.losses.terms import total, variational_terms, weights
from trainer.models.vae import VAEOutput


def alignments(rows: int, columns: int) -> list[list[tuple[int, int]]]:
    """Return all paths through a grid that consist of the steps (1, 0), (0, 1) and (1, 1)."""
    if (rows, columns) == (1, 1):
        return [[(0, 0)]]
    found = []
    for down, right in ((1, 0), (0, 1), (1, 1)):
        if rows > down and columns > right:
            found += [[*path, (rows - 1, columns - 1)] for path in alignments(rows - down, columns - right)]
    return found


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 4), (3, 1), (3, 4), (4, 3), (4, 4)])
def test_soft_dtw_is_the_soft_minimum_over_all_alignments(rows: int, columns: int) -> None:
    cost = torch.rand(2, rows, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for gamma in (0.1, 1.0):
        for grid, found in zip(cost, soft_dtw(cost, gamma), strict=True):
            sums = [sum(grid[i, j].item() for i, j in path) for path in alignments(rows, columns)]
            expected = -gamma * math.log(sum(math.exp(-value / gamma) for value in sums))
            assert found.item() == pytest.approx(expected, rel=1e-9)


def test_soft_dtw_approaches_dtw_for_small_gamma() -> None:
    one = torch.tensor([0.0, 1.0, 2.0, 3.0])
    slow = torch.tensor([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0])
    cost = (one[:, None] - slow[None]).square()[None]
    assert soft_dtw(cost, 1e-3).item() == pytest.approx(0.0, abs=1e-2)
    assert soft_dtw(cost + 0.5, 1e-3).item() == pytest.approx(0.5 * 7, abs=1e-2)


def test_gradient_equals_finite_differences() -> None:
    cost = torch.rand(2, 3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: soft_dtw(x, 0.5), (cost,))


def test_delayed_sound_is_closer_than_a_sound_with_a_different_pitch() -> None:
    time = torch.arange(4096) / 8000

    def hit(frequency_hz: float, delay: int, phase: float = 0.0) -> torch.Tensor:
        sound = torch.exp(-20 * time) * torch.sin(2 * math.pi * frequency_hz * time + phase)
        return torch.nn.functional.pad(sound, (delay, 0))[None, None, :4096]

    there = hit(440, 256)
    late, turned, other = (
        mfcc_soft_dtw(sound, there, 8000, 1.0).item()
        for sound in (hit(440, 768), hit(440, 256, math.pi), hit(1800, 256))
    )
    assert abs(turned - mfcc_soft_dtw(there, there, 8000, 1.0).item()) < 0.05 * other
    assert late < 0.3 * other


def test_soft_dtw_has_a_gradient_at_silence() -> None:
    audio = torch.zeros(1, 1, 1024, requires_grad=True)
    mfcc_soft_dtw(audio, torch.randn(1, 1, 1024), 8000, 1.0).backward()
    assert audio.grad is not None
    assert audio.grad.isfinite().all()
    assert mfcc_soft_dtw(torch.zeros(1, 1, 32), torch.zeros(1, 1, 32), 8000, 1.0).isfinite()


def test_soft_dtw_is_a_term_of_the_loss_if_it_has_a_weight() -> None:
    sound, zeros = torch.randn(1, 1, 1024), torch.zeros(1, 2)
    output = VAEOutput(sound, zeros, zeros, zeros, zeros)
    config = LossConfig(soft_dtw=0.5)
    terms = variational_terms(output, torch.zeros_like(sound), config, 8000)
    assert list(terms) == ["reconstruction", "kl", "soft_dtw"]
    shares = [weights(config, 0)[name] * term.item() for name, term in terms.items()]
    assert total(terms, weights(config, 0)).item() == pytest.approx(sum(shares))
    assert "soft_dtw" not in variational_terms(output, sound, LossConfig())
