"""Tests for facts about a sound: its brightness, decay and attack.

These facts are measured on sounds, or computed from the parameters with which a decoder makes a sound.
"""

from __future__ import annotations

import math

import pytest
import torch

from export import facts
from trainer.config import ModelConfig
from trainer.models.modal import ModalDecoder

RATE = 22_050


def test_brightness_decay_and_attack_of_tones_are_measured() -> None:
    time = torch.arange(RATE) / RATE
    low = torch.sin(2 * math.pi * 1_000 * time) * 10 ** (-time / 0.4)  # falls by 20 dB in 0.4 s
    high = torch.sin(2 * math.pi * 2_000 * time) * 10 ** (-time / 0.2)
    brightness, decay, attack = (facts.of_sounds(torch.stack((low, high)), RATE)).T
    assert brightness.tolist() == pytest.approx([math.log(1_000), math.log(2_000)], abs=0.02)
    assert decay.tolist() == pytest.approx([math.log(0.4), math.log(0.2)], abs=0.03)
    falls = [2 * math.log(10) / decay_s for decay_s in (0.4, 0.2)]  # the power falls as e^(-fall · t)
    means = [
        1 / fall - 0.05 / math.expm1(0.05 * fall) for fall in falls
    ]  # mean time of the power, in the first 50 ms
    assert attack.tolist() == pytest.approx([math.log(mean) for mean in means], abs=0.01)


def test_decay_lasts_until_a_hundredth_of_the_energy_even_after_a_loud_click() -> None:
    time = torch.arange(RATE) / RATE
    sound = 0.03 * torch.sin(2 * math.pi * 1_000 * time) * 10 ** (-time / 0.4)
    body = float(sound.square().sum())  # energy; the fraction 10^(-t / 0.2) of it remains after t
    sound[0] = 1.0
    seconds = 0.2 * math.log10(body / (0.01 * (body + 1.0)))
    assert float(facts.of_sounds(sound[None], RATE)[0, 1]) == pytest.approx(math.log(seconds), abs=0.04)


def test_facts_from_the_parameters_of_a_decoder_equal_those_from_its_sounds() -> None:
    config = ModelConfig(architecture="modal", sample_rate=RATE, length=16_384, hop_length=64, latent_dim=4)
    torch.manual_seed(1)
    decoder = ModalDecoder(config).eval()
    z = 2.0 * torch.randn(8, 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        told, heard = facts.of_points(decoder, z), facts.of_sounds(decoder(z)[:, 0], RATE)
    assert (told - heard).abs().max() < 0.25
    assert (told - heard)[:, 0].std() < 0.05
