"""Changes of harder hits: known for sounds that are made for it, and counted against the best constant."""

from __future__ import annotations

import numpy as np
import pytest

from bench.dynamics import WINDOW_S, best_constant, changes, near, same_way

RATE = 44_100


def _tone(hz: float, decay_s: float) -> np.ndarray:
    time = np.arange(RATE) / RATE
    return np.sin(2 * np.pi * hz * time) * 10 ** (-time / decay_s)  # 20 dB down after decay_s


def test_octave_up_and_half_the_decay_are_heard_as_that() -> None:
    found = changes(_tone(500, 0.4), _tone(1000, 0.2), RATE)
    assert found["centroid"] == pytest.approx(np.log(2), abs=0.01)
    assert found["decay"] == pytest.approx(np.log((0.2 + WINDOW_S) / (0.4 + WINDOW_S)), abs=0.03)
    assert found["attack"] == pytest.approx(0.0, abs=0.03)


def test_sign_and_size_are_counted() -> None:
    real, ours = np.array([0.2, 0.2, -0.4, 0.4]), np.array([0.25, 0.5, -0.1, -0.4])
    assert (same_way(real, ours), near(real, ours)) == (3, 1)


def test_best_constant_has_the_sign_and_size_of_most_drums_of_each_class() -> None:
    real = np.array([0.2, 0.2, -0.9, 0.5, -0.5, -0.6])
    assert best_constant(real, ["tom", "tom", "tom", "kick", "kick", "kick"]) == (2 + 2, 2 + 2)
