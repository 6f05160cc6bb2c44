"""Tests for the measured change from soft to hard hits of a drum, with sounds whose changes are known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.dynamics import (
    ATTACK_S,
    WINDOW_S,
    Drum,
    Slope,
    best_constant,
    fitted,
    layered,
    near,
    same_way,
    standard_errors,
)
from bench.sounds.shots import Shot

RATE = 44_100


def _tone(hz: float, decay_s: float) -> np.ndarray:
    time = np.arange(RATE) / RATE
    return np.sin(2 * np.pi * hz * time) * 10 ** (-time / decay_s)  # falls by 20 dB in decay_s


def _shot(velocity: float, sound: np.ndarray, drum: str = "one") -> Shot:
    return Shot("name", "tom", "kit", drum, velocity, sound.astype(np.float32), np.zeros(0, np.float32))


def test_rise_of_an_octave_and_halved_decay_are_measured() -> None:
    found = fitted([_tone(500, 0.4), _tone(1000, 0.2)], [0.0, 1.0], RATE).change
    assert found["centroid"] == pytest.approx(np.log(2), abs=0.01)
    assert found["decay"] == pytest.approx(np.log(0.5), abs=0.01)
    assert found["fall"] == pytest.approx(np.log((0.2 + WINDOW_S) / (0.4 + WINDOW_S)), abs=0.03)
    assert found["rise"] == pytest.approx(0.0, abs=0.03)
    falls = [2 * np.log(10) / decay_s for decay_s in (0.4, 0.2)]  # the power falls as e^(-fall · t)
    means = [1 / fall - ATTACK_S / np.expm1(ATTACK_S * fall) for fall in falls]
    assert found["attack"] == pytest.approx(np.log(means[1] / means[0]), abs=0.01)


def test_line_through_hits_gives_the_change_from_velocity_0_to_1() -> None:
    velocities = (0.25, 0.5, 0.75)
    found = fitted([_tone(500 * 2**velocity, 0.4) for velocity in velocities], velocities, RATE)
    assert found.change["centroid"] == pytest.approx(np.log(2), abs=0.01)
    assert found.squares == pytest.approx(2 * 0.25**2)
    assert found.free == 1
    assert found.rest["centroid"] < 1e-4


def test_standard_errors_follow_from_the_common_scatter_and_each_drums_velocities() -> None:
    drums = [
        Drum(Slope({"decay": 0.0}, squares, {"decay": rest}, free), {})
        for squares, rest, free in ((0.5, 0.02, 1), (2.0, 0.06, 3))
    ]
    variance = (0.02 + 0.06) / (1 + 3)
    expected = [np.sqrt(variance / 0.5), np.sqrt(variance / 2.0)]
    assert standard_errors(drums, "decay").tolist() == pytest.approx(expected)


def test_drum_with_fewer_than_two_velocities_is_left_out() -> None:
    tone = _tone(500, 0.4)
    shots = [_shot(0.5, tone, "one"), _shot(0.5, tone, "one"), _shot(np.nan, tone, "two")]
    assert layered(shots) == {}
    shots += [_shot(0.9, tone, "one"), _shot(0.1, tone, "two")]
    assert {drum: len(takes) for drum, takes in layered(shots).items()} == {("tom", "kit", "one"): 3}


def test_model_changes_with_the_sign_and_size_of_the_real_changes_are_counted() -> None:
    real, ours = np.array([0.2, 0.2, -0.4, 0.4]), np.array([0.25, 0.5, -0.1, -0.4])
    assert (same_way(real, ours), near(real, ours)) == (3, 1)


def test_best_constant_fits_the_sign_and_size_of_as_many_drums_of_a_class_as_possible() -> None:
    real = np.array([0.2, 0.2, -0.9, 0.5, -0.5, -0.6])
    assert best_constant(real, ["tom", "tom", "tom", "kick", "kick", "kick"]) == (2 + 2, 2 + 2)
