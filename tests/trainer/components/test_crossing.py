"""Tests for crossed sounds, whose body (the tone that oscillators play) comes from a different sound."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer.components.analysis import Components, analyse
from trainer.components.crossing import STEP, STEPS, Crossing
from trainer.config import ModelConfig

RATE = 22_050
CONFIG = ModelConfig(
    "modal", RATE, RATE // 60 * 60, 4, hop_length=60, bands=12, hidden=8, values=4, modes=20, knots=16
)
TIME = np.arange(CONFIG.length) / RATE


def _drum(hz: float, seed: int) -> Tensor:
    """Return a decaying tone of `hz` with a hiss at higher frequencies, [1, T], peak 1."""
    hiss = np.diff(np.random.default_rng(seed).standard_normal(len(TIME) + 1))
    sound = 0.8 * np.sin(2 * np.pi * hz * TIME) * np.exp(-9 * TIME) + 0.05 * hiss * np.exp(-25 * TIME)
    return torch.from_numpy(sound / np.abs(sound).max()).float()[None]


@pytest.fixture(scope="module")
def analysed() -> tuple[Tensor, Components, Tensor]:
    sounds = torch.stack([_drum(90.0, 1), _drum(220.0, 2)])
    components, bodies = analyse(sounds, CONFIG)
    return sounds, components, bodies.float()


def test_body_of_each_sound_is_its_tone(analysed: tuple[Tensor, Components, Tensor]) -> None:
    sounds, _, bodies = analysed
    for sound, body, hz in zip(sounds, bodies, (90.0, 220.0), strict=True):
        power = torch.fft.rfft(body[0]).abs()
        assert power.argmax().item() * RATE / CONFIG.length == pytest.approx(hz, abs=2.0)
        assert (sound - body).square().sum() < 0.1 * sound.square().sum()


def test_a_crossed_sound_has_the_other_body_at_several_pitches_and_matching_components(
    analysed: tuple[Tensor, Components, Tensor],
) -> None:
    sounds, components, bodies = analysed
    rows, others = torch.zeros(12, dtype=torch.int64), torch.ones(12, dtype=torch.int64)
    heard, crossed = Crossing(CONFIG)(
        sounds[rows],
        components[rows],
        bodies[rows],
        (components[others], bodies[others]),
        torch.Generator().manual_seed(5),
    )
    assert heard.abs().amax((1, 2)).tolist() == pytest.approx([1.0] * 12)
    hz = crossed.log_f1.exp()
    assert hz.min() > 220.0 * math.exp(-STEPS * STEP) - 2.0
    assert hz.max() < 220.0 * math.exp(STEPS * STEP) + 2.0
    assert hz.max() / hz.min() > 1.2
    found, _ = analyse(heard, CONFIG)
    torch.testing.assert_close(found.log_f1, crossed.log_f1, atol=0.02, rtol=0.0)
    early = slice(2, 6)
    torch.testing.assert_close(
        found.free_level[:, early, 0], crossed.free_level[:, early, 0], atol=0.15, rtol=0.0
    )
    hiss = slice(6, 12)
    torch.testing.assert_close(
        found.noise_level[:, 1:4, hiss].mean((1, 2)),
        crossed.noise_level[:, 1:4, hiss].mean((1, 2)),
        atol=0.3,
        rtol=0,
    )
    assert (found.end_s - crossed.end_s).abs().max() < 0.01


def test_same_seed_gives_the_same_crossed_sounds(analysed: tuple[Tensor, Components, Tensor]) -> None:
    sounds, components, bodies = analysed
    swapped = torch.tensor([1, 0])
    twice = [
        Crossing(CONFIG)(
            sounds,
            components,
            bodies,
            (components[swapped], bodies[swapped]),
            torch.Generator().manual_seed(9),
        )[0]
        for _ in range(2)
    ]
    assert torch.equal(*twice)
