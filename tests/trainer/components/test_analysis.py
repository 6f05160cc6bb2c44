"""Tests for the analysis of recorded drums into components, with sounds that are made of known components.

The components are free oscillators (partials whose pitch may sweep; the lowest has the frequency f1), modes
(ringing partials, each with its own frequency zone) and noise in bands. Levels are given at points in time,
the knots.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import signal

from trainer.components.analysis import Components, analyse
from trainer.components.layout import band_middles_hz, half_zone, knot_frames, zones_hz
from trainer.config import ModelConfig

RATE, MODES, SECONDS = 44_100, 40, 1.0
HOP, BANDS, KNOTS = 60, 20, 24
CONFIG = ModelConfig(
    "modal", RATE, 44_100, 4, hop_length=HOP, bands=BANDS, hidden=8, values=4, modes=MODES, knots=KNOTS
)
TIME = np.arange(int(RATE * SECONDS)) / RATE


def _analysed(sound: NDArray[np.float64]) -> Components:
    return analyse(torch.from_numpy(sound).float()[None, None], CONFIG)[0]


def _swept(f1_hz: float, sweep: float, tau_s: float, decay: float) -> NDArray[np.float64]:
    cycles = f1_hz * (TIME + sweep * tau_s * (1.0 - np.exp(-TIME / tau_s)))
    return np.sin(2 * np.pi * cycles) * np.exp(-decay * TIME)


def test_pitch_and_sweep_of_a_kick_are_recovered() -> None:
    found = _analysed(_swept(60.0, 2.0, 0.03, 8.0))
    assert found.free_weight[0, 0].item() == 1.0
    assert math.exp(found.log_f1.item()) == pytest.approx(60.0, rel=0.02)
    assert found.sweep.item() == pytest.approx(2.0, rel=0.1)
    assert math.exp(found.log_tau.item()) == pytest.approx(0.03, rel=0.1)


def test_a_tone_of_constant_pitch_has_no_sweep() -> None:
    found = _analysed(_swept(150.0, 0.0, 0.03, 8.0))
    assert math.exp(found.log_f1.item()) == pytest.approx(150.0, rel=0.005)
    assert found.sweep.item() < 0.1


def test_frequency_ratio_of_a_second_partial_is_recovered() -> None:
    sound = _swept(120.0, 0.0, 0.03, 6.0) + 0.5 * _swept(120.0 * 1.59, 0.0, 0.03, 6.0)
    found = _analysed(sound)
    assert found.free_weight[0, 1].item() == 1.0
    assert math.exp(found.log_ratio[0, 0].item()) == pytest.approx(1.59, rel=0.01)
    assert found.free_weight[0, 3].item() < 0.1  # the sound has no fourth partial


def test_f1_is_the_tone_although_a_band_of_noise_below_it_is_stronger() -> None:
    drawn = np.random.default_rng(0).standard_normal(len(TIME))
    noise = signal.sosfilt(signal.butter(2, [50, 110], "bandpass", fs=RATE, output="sos"), drawn)
    sound = np.exp(-5 * TIME) * noise / np.abs(noise).max() + 0.2 * _swept(160.0, 0.0, 0.03, 5.0)
    # f1 is the frequency of the tone, not of the noise between 50 and 110 Hz
    assert math.exp(_analysed(sound).log_f1.item()) == pytest.approx(160.0, rel=0.15)


def test_a_steady_partial_among_others_is_a_free_oscillator() -> None:
    found = _analysed(np.mean([_swept(hz, 0.0, 0.03, 6.0) for hz in (205.0, 300.0, 425.0)], 0))
    assert min(abs(math.exp(found.log_f1.item()) - hz) for hz in (205.0, 300.0, 425.0)) < 3.0
    assert found.free_weight[0, 0].item() > 0.9


def test_a_tone_covered_by_a_noisy_attack_is_found_after_the_attack() -> None:
    drawn = np.random.default_rng(0).standard_normal(len(TIME))
    noise = signal.sosfilt(signal.butter(2, [120, 400], "bandpass", fs=RATE, output="sos"), drawn)
    tone = 0.15 * _swept(230.0, 0.0, 0.03, 8.0)
    sound = np.exp(-60 * TIME) * noise / np.abs(noise).max() + tone
    found = _analysed(sound)
    knots = knot_frames(44_100 // HOP, KNOTS) * HOP / RATE
    level, heard = found.free_level[0, :, 0].numpy(), (knots > 0.15) & (knots < 0.3)
    assert math.exp(found.log_f1.item()) == pytest.approx(230.0, rel=0.02)
    assert found.free_weight[0, 0].item() > 0.5
    assert level[heard] == pytest.approx(math.log(0.15) - 8.0 * knots[heard], abs=0.2)
    assert level[knots < 0.02].max() < math.log(0.4)  # most of the attack is still found as noise


def test_partials_of_metal_are_recovered_in_their_zones() -> None:
    zones, half = zones_hz(MODES, RATE), half_zone(MODES, RATE)
    facts = {12: (0.4, 0.05, 20.0), 25: (-0.5, 0.02, 8.0), 33: (0.1, 0.01, 4.0)}  # zone: pitch, level, decay
    sound = np.zeros_like(TIME)
    for zone, (place, level, decay) in facts.items():
        sound += (
            level * np.exp(-decay * TIME) * np.sin(2 * np.pi * zones[zone] * math.exp(place * half) * TIME)
        )
    found = _analysed(sound)
    for zone, (place, level, decay) in facts.items():
        assert found.mode_weight[0, zone].item() == 1.0
        wanted_hz = zones[zone] * math.exp(place * half)
        assert math.exp(found.log_mode[0, zone].item()) == pytest.approx(wanted_hz, rel=1e-3)
        assert found.log_level[0, zone].item() == pytest.approx(math.log(level), abs=0.25)
        assert found.log_decay[0, zone].item() == pytest.approx(math.log(decay), abs=0.25)


def test_noise_has_no_pitch_and_at_most_one_mode() -> None:
    for seed in range(3):
        noise = np.random.default_rng(seed).standard_normal(len(TIME)) * np.exp(-5 * TIME)
        found = _analysed(noise)
        assert found.free_weight.max().item() < 0.3
        assert (found.mode_weight > 0.0).sum().item() <= 1


def test_levels_and_phases_of_a_free_oscillator_are_recovered() -> None:
    found = _analysed(0.5 * _swept(90.0, 1.0, 0.04, 6.0))
    wanted = np.log(0.5) - 6.0 * knot_frames(CONFIG.length // HOP, KNOTS) * HOP / RATE
    level = found.free_level[0, :, 0].numpy()
    np.testing.assert_allclose(level[:-3], wanted[:-3], atol=0.15)
    assert abs(found.phase[0, 0].item()) < 0.05
    assert found.noise_level.max().item() < math.log(0.02)  # nothing is left for the noise


def test_noise_components_of_a_noise_have_its_power() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(TIME)) * np.exp(-5 * TIME)
    level = _analysed(noise).noise_level[0].numpy()
    power = np.exp(2 * level).sum(1)
    wanted = 0.01 * np.exp(-10 * knot_frames(CONFIG.length // HOP, KNOTS) * HOP / RATE)
    np.testing.assert_allclose(10 * np.log10(power[:-1] / wanted[:-1]), 0.0, atol=2.5)


def test_noise_of_a_click_decays_within_milliseconds() -> None:
    click = np.random.default_rng(0).standard_normal(len(TIME)) * np.exp(-1000 * TIME)
    floor = 1e-4 * np.random.default_rng(1).standard_normal(len(TIME))
    level = _analysed(click + floor).noise_level[0].numpy()
    middles = band_middles_hz(BANDS, RATE)
    power = 10 * np.log10(np.exp(2 * level[:, (middles > 500) & (middles < 2000)]).sum(1))
    assert power[4] < power[0] - 30.0  # 5.4 ms after the onset, when the click itself has fallen by 47 dB


def test_the_noise_between_strong_partials_is_found() -> None:
    zones, drawn = zones_hz(MODES, RATE), np.random.default_rng(0).standard_normal(len(TIME))
    noise = 0.1 * drawn * np.exp(-3 * TIME)
    partials = sum(np.sin(2 * np.pi * zones[zone] * TIME + zone) for zone in range(16, 32, 2))
    found = _analysed(noise + 0.3 * partials * np.exp(-3 * TIME)).noise_level[0].numpy()
    alone = _analysed(noise).noise_level[0].numpy()
    middles = band_middles_hz(BANDS, RATE)
    there, later = (middles > zones[16]) & (middles < zones[31]), slice(KNOTS // 2, KNOTS - 1)
    assert np.abs(found[later, there] - alone[later, there]).max() < math.log(2.0)


def test_inaudible_rumble_does_not_count_as_noise() -> None:
    tone = 0.05 * _swept(800.0, 0.0, 0.03, 5.0)
    rumble = 0.3 * np.hanning(len(TIME)) * np.sin(2 * np.pi * 12.0 * TIME)
    assert _analysed(tone + rumble).noise_level[0, :, 0].max().item() < math.log(0.006)


def test_a_sound_ends_after_its_last_sample_within_70_db_of_the_peak() -> None:
    sound = np.zeros(RATE)
    sound[0], sound[5000], sound[9000] = 1.0, 10 ** (-69 / 20), 10 ** (-71 / 20)
    assert _analysed(sound).end_s.item() == pytest.approx(5001 / RATE)


def test_silence_and_a_click_have_finite_components_and_no_modes() -> None:
    click = np.zeros(RATE)
    click[0] = 1.0
    for sound in (np.zeros(RATE), click):
        found = _analysed(sound)
        for column in vars(found).values():
            assert column.isfinite().all()
        assert found.mode_weight.max().item() == 0.0


def test_components_are_in_the_order_of_the_sounds() -> None:
    sounds = torch.from_numpy(np.stack([_swept(80.0, 0.0, 0.03, 5.0), _swept(200.0, 0.0, 0.03, 5.0)])).float()
    found, _ = analyse(sounds[:, None], CONFIG)
    picked = found[torch.tensor([1])]
    assert picked.log_mode.shape == (1, MODES)
    assert math.exp(picked.log_f1.item()) == pytest.approx(200.0, rel=0.01)
