"""Tests for measures of a single sound; the expected values are derived by hand.

A frame is the `HOP` samples that a decoder makes at a time; artefacts repeat at the frame rate, RATE / HOP.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.sounds import timbre

RATE, HOP, LENGTH = 44_100, 64, 32_768
Floats = NDArray[np.float64]


def _noise(seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(LENGTH) * 0.1


def test_comb_filter_raises_harmonics_of_the_frame_rate_by_its_peak_to_valley_ratio() -> None:
    """The filter x[n] + a x[n − 64] multiplies power by (1 + a)² at k · 689 Hz, and by (1 − a)² midway."""
    noises = [_noise(seed) for seed in range(8)]
    flat = np.median([timbre.grid_db(noise, RATE, HOP) for noise in noises])
    assert flat == pytest.approx(0.0, abs=1.5)
    combed = [noise + 0.5 * np.roll(noise, HOP) for noise in noises]
    raised = np.median([timbre.grid_db(sound, RATE, HOP) for sound in combed])
    assert raised - flat == pytest.approx(20 * np.log10(1.5 / 0.5), abs=1.0)


def test_harmonics_of_a_different_frame_length_do_not_count() -> None:
    noises = [_noise(seed) for seed in range(8)]
    combed = [noise + 0.5 * np.roll(noise, 100) for noise in noises]
    assert np.median([timbre.grid_db(sound, RATE, HOP) for sound in combed]) < 3.0


def test_the_power_ratio_within_a_frame_is_that_of_the_modulation() -> None:
    """The power varies as 1 + 0.8 cos, with one period per frame: its extremes have the ratio 1.8 / 0.2."""
    place = 2 * np.pi * np.arange(LENGTH) / HOP
    modulated = _noise() * np.sqrt(1 + 0.8 * np.cos(place))
    assert timbre.frame_power_ratio(_noise(), RATE, HOP) < 1.9
    assert timbre.frame_power_ratio(modulated, RATE, HOP) == pytest.approx(9.0, rel=0.3)


def test_decay_alone_does_not_raise_the_power_ratio() -> None:
    decay = np.exp(-4 * np.arange(LENGTH) / LENGTH)
    assert timbre.frame_power_ratio(_noise() * decay, RATE, HOP) < 1.9


def test_the_texture_of_gaussian_noise_is_that_of_rayleigh_magnitudes() -> None:
    assert timbre.texture(_noise(), RATE) == pytest.approx(np.sqrt(4 / np.pi - 1), abs=0.025)


def test_spectrum_with_equal_magnitudes_has_no_texture() -> None:
    """Each click is at the centre of a window, where all other windows are 0: all magnitudes are equal."""
    clicks = np.zeros(LENGTH)
    clicks[::256] = 1.0
    assert timbre.texture(clicks, RATE) == pytest.approx(0.0, abs=0.01)


def test_partials_raise_the_prominence_above_that_of_noise() -> None:
    assert timbre.ring_db(_noise(), RATE) == pytest.approx(9.3, abs=0.4)
    time = np.arange(LENGTH) / RATE
    partials = sum(np.sin(2 * np.pi * pitch * time) for pitch in np.linspace(3100, 12_900, 45))
    assert timbre.ring_db(_noise() + partials * 0.02, RATE) > 20


def test_treble_of_the_attack_is_measured_only_in_the_first_6_ms() -> None:
    sound = np.sin(2 * np.pi * 60 * np.arange(LENGTH) / RATE)
    click = np.zeros(LENGTH)
    click[RATE // 10] = 1.0
    assert timbre.attack_treble_db(sound + click, RATE) < -60
    assert timbre.attack_treble_db(np.roll(click, 10 - RATE // 10), RATE) > -4


def test_the_tail_is_relative_to_the_peak_and_silence_is_counted_as_such() -> None:
    sound = np.zeros(LENGTH)
    sound[100] = 0.5
    assert timbre.tail_db(sound, RATE) == timbre.SILENCE_DB
    sound[-RATE // 10 :] = 0.5e-3
    assert timbre.tail_db(sound, RATE) == pytest.approx(-60.0)


@pytest.mark.parametrize("sound", [np.zeros(LENGTH), np.ones(500)], ids=["silence", "too short"])
def test_too_little_sound_has_no_measure(sound: Floats) -> None:
    assert np.isnan(timbre.grid_db(sound, RATE, HOP))
    assert np.isnan(timbre.frame_power_ratio(sound, RATE, HOP))
    assert np.isnan(timbre.ring_db(sound, RATE))


def test_a_kick_without_treble_has_no_texture() -> None:
    assert np.isnan(timbre.texture(np.zeros(LENGTH), RATE))
