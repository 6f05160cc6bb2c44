"""The terms that compare what an ear compares."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from trainer.losses.ear import ear_terms, hop, power

RATE, LENGTH = 44_100, 16_384


def _noise(seed: int, rows: int = 2) -> Tensor:
    return torch.randn(rows, LENGTH, generator=torch.Generator().manual_seed(seed))


def _terms(audio: Tensor, waveform: Tensor, onset: float = 1.0) -> dict[str, float]:
    return {name: term.item() for name, term in ear_terms(audio, waveform, RATE, onset).items()}


def test_equal_sounds_have_no_distance() -> None:
    sound = _noise(0)
    assert _terms(sound, sound) == {"bands": 0.0, "flatness": 0.0}


def test_bands_of_a_louder_sound_are_nepers() -> None:
    sound = _noise(0)
    found = _terms(sound * math.exp(0.5), sound)
    assert found["bands"] == pytest.approx(0.5, rel=1e-3)
    assert found["flatness"] == pytest.approx(0.0, abs=1e-3)


def test_another_draw_of_the_same_noise_is_near_and_a_comb_of_its_energy_is_not() -> None:
    sound, other = _noise(0), _noise(1)
    click = torch.zeros_like(sound)
    click[:, ::64] = 8.0  # as much energy in every band: a comb of 689 Hz
    noise, comb = _terms(other, sound), _terms(click, sound)
    assert noise["bands"] < 0.3
    assert noise["flatness"] < 0.1
    assert comb["flatness"] > 5 * noise["flatness"]


def test_the_onset_weighs_in_the_short_windows() -> None:
    sound = _noise(0)
    early, late = sound.clone(), sound.clone()
    early[:, :800] *= 2.0
    late[:, 8000:8800] *= 2.0
    even = _terms(early, sound)["bands"] / _terms(late, sound)["bands"]
    weighted = _terms(early, sound, 4.0)["bands"] / _terms(late, sound, 4.0)["bands"]
    assert weighted > 2.0 * even


def test_what_is_70_db_below_the_recording_does_not_count() -> None:
    tone = torch.sin(2 * math.pi * 440 / RATE * torch.arange(LENGTH))[None]
    assert _terms(tone + 1e-6 * _noise(0, 1), tone)["bands"] < 0.02


def test_gradients_are_finite_in_silence() -> None:
    audio = torch.zeros(1, LENGTH, requires_grad=True)
    terms = ear_terms(audio, _noise(0, 1), RATE, 4.0)
    (terms["bands"] + terms["flatness"]).backward()
    assert audio.grad is not None
    assert audio.grad.isfinite().all()


@pytest.mark.parametrize("window", [128, 512, 2048, 4096])
def test_power_of_a_full_scale_sine(window: int) -> None:
    sine = torch.sin(2 * math.pi * 0.25 * torch.arange(LENGTH))[None]
    found = power(sine, window)
    assert found.shape == (1, 1 + LENGTH // hop(window), window // 2 + 1)
    middle = found[0, found.shape[1] // 2]
    assert middle.argmax().item() == window // 4
    assert middle.max().item() == pytest.approx((window / 4) ** 2, rel=1e-3)
