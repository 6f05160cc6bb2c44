"""Tests for three measures of how evenly loudness changes along a path of sounds.

The energy and the momentary loudness of a sound do not depend on the length of its quiet tail; its gated
loudness depends on it.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.evenness import momentary_error, short_term_error
from bench.glide import loudness_error

RATE = 44_100
TIME_S = np.arange(2 * RATE) / RATE


def decaying(fall_s: float, energy: float) -> NDArray[np.float32]:
    """Return a tone with this energy (sum of squares), which falls by a factor of e in `fall_s` seconds."""
    sound = np.exp(-TIME_S / fall_s) * np.sin(2 * np.pi * 1000 * TIME_S)
    return np.asarray(sound * np.sqrt(energy / np.square(sound).sum()), np.float32)


def test_energy_is_even_if_only_the_length_of_the_tail_changes() -> None:
    path = [decaying(fall_s, 100.0) for fall_s in (0.05, 0.5, 0.05)]
    assert short_term_error(path, RATE) < 0.05
    assert loudness_error(path, RATE) > 2.0


def test_energy_error_is_the_deviation_in_decibels_from_a_line_between_the_ends() -> None:
    path = [decaying(0.2, energy) for energy in (100.0, 400.0, 100.0)]
    assert short_term_error(path, RATE) == pytest.approx(10 * np.log10(4), abs=1e-3)


def test_momentary_loudness_is_that_of_the_loudest_400_ms_at_any_position() -> None:
    path = [
        np.roll(decaying(0.1, energy), shift) for energy, shift in ((100.0, 0), (200.0, RATE), (100.0, 0))
    ]
    assert momentary_error(path, RATE) == pytest.approx(10 * np.log10(2), abs=0.1)
