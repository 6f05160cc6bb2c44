"""A variation, for training, changes a sound and its components (partials and noise) in the same way.

Pitches change by an integer number of zones; a zone is the frequency range of one ringing partial.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from trainer.components.analysis import analyse
from trainer.components.layout import half_zone
from trainer.components.variation import Variation
from trainer.config import DataConfig, ModelConfig

RATE, LENGTH = 44_100, 22_080
CONFIG = ModelConfig(
    "modal", RATE, LENGTH, 4, hop_length=60, bands=20, hidden=8, values=4, modes=120, knots=24
)
TIME = np.arange(LENGTH) / RATE


def _drum() -> torch.Tensor:
    tone = np.sin(2 * np.pi * 120 * TIME) * np.exp(-8 * TIME)
    ring = 0.1 * np.sin(2 * np.pi * 3000 * TIME) * np.exp(-12 * TIME)
    sound = tone + ring + 0.02 * np.random.default_rng(0).standard_normal(LENGTH) * np.exp(-10 * TIME)
    return torch.from_numpy(sound / np.abs(sound).max()).float()[None, None]


@pytest.mark.parametrize(
    "extent",
    [
        {"vary_zones": 2},
        {"vary_db": 4.0},
        {"vary_attack_db": 6.0},
        {"vary_damping": 40.0},
        {"vary_zones": 2, "vary_db": 4.0, "vary_attack_db": 2.0, "vary_damping": 20.0},
    ],
)
def test_components_of_a_varied_sound_are_the_varied_components(extent: dict[str, Any]) -> None:
    sound = _drum()
    variation = Variation(CONFIG, DataConfig(**extent))
    heard, varied = variation(sound, analyse(sound, CONFIG)[0], torch.Generator().manual_seed(3))
    found = analyse(heard, CONFIG)[0]
    assert heard.abs().max().item() == pytest.approx(1.0, abs=0.03)
    assert found.log_f1.item() == pytest.approx(varied.log_f1.item(), abs=0.01)
    np.testing.assert_allclose(found.free_level[0, 1:15, 0], varied.free_level[0, 1:15, 0], atol=0.15)
    mode = int(varied.log_level[0].argmax())
    assert int(found.log_level[0].argmax()) == mode
    assert found.log_mode[0, mode].item() == pytest.approx(varied.log_mode[0, mode].item(), abs=0.003)
    assert found.log_level[0, mode].item() == pytest.approx(varied.log_level[0, mode].item(), abs=0.3)
    difference = (found.noise_level - varied.noise_level)[0, 2:15, 6:].abs()
    assert difference.mean().item() < 0.5
    assert found.end_s.item() == pytest.approx(varied.end_s.item(), rel=0.05)


def test_pitch_changes_by_whole_zones() -> None:
    sound = _drum().repeat(40, 1, 1)
    own = analyse(sound[:1], CONFIG)[0][torch.zeros(40, dtype=torch.int64)]
    _, varied = Variation(CONFIG, DataConfig(vary_zones=2))(sound, own, torch.Generator().manual_seed(0))
    steps = ((varied.log_f1 - own.log_f1) / (2 * half_zone(CONFIG.modes, RATE))).tolist()
    assert {round(step) for step in steps} == {-2, -1, 0, 1, 2}
    assert max(abs(step - round(step)) for step in steps) < 1e-3


def test_damping_shortens_about_half_of_the_sounds() -> None:
    sound = _drum().repeat(40, 1, 1)
    own = analyse(sound[:1], CONFIG)[0][torch.zeros(40, dtype=torch.int64)]
    variation = Variation(CONFIG, DataConfig(vary_damping=40.0))
    heard, varied = variation(sound, own, torch.Generator().manual_seed(0))
    mode = int(own.log_level[0].argmax())
    faster = (varied.log_decay.exp() - own.log_decay.exp())[:, mode]
    assert 0 <= faster.min() < 0.01
    assert 20 < faster.max() <= 40.01
    assert 12 <= int((faster < 0.01).sum()) <= 28
    energy = heard.square().sum((1, 2))
    assert energy[faster.argmax()] < 0.7 * energy[faster.argmin()]
    assert varied.end_s[faster.argmax()] < 0.7 * own.end_s[0]


def test_variation_without_extent_changes_nothing_and_a_seed_repeats_a_variation() -> None:
    sound = _drum()
    own = analyse(sound, CONFIG)[0]
    heard, same = Variation(CONFIG, DataConfig())(sound, own, torch.Generator().manual_seed(0))
    torch.testing.assert_close(heard, sound, atol=1e-5, rtol=0)
    torch.testing.assert_close(same.noise_level, own.noise_level, atol=1e-4, rtol=0)
    variation = Variation(
        CONFIG, DataConfig(vary_zones=3, vary_db=4.0, vary_attack_db=3.0, vary_damping=20.0)
    )
    draws = [variation(sound, own, torch.Generator().manual_seed(7))[0] for _ in range(2)]
    assert torch.equal(*draws)
    assert math.isfinite(draws[0].sum().item())
