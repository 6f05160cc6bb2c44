"""Tests for features of sounds, such as brightness, and for the words at the ends of a principal axis."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.model.axes import WORDS, features, words

RATE = 16_000
NAMES = list(WORDS)


def tone(hz: float, decay_s: float = 0.1, level: float = 1.0) -> np.ndarray:
    t = np.arange(RATE) / RATE
    return (level * np.sin(2 * np.pi * hz * t) * np.exp(-t / decay_s)).astype(np.float32)


def test_octave_raises_brightness_by_one_and_doubled_decay_raises_length_by_one() -> None:
    low, high, long, loud = features(
        np.stack([tone(500), tone(1000), tone(500, 0.2), tone(500, level=2)]), RATE
    )
    change = dict(zip(NAMES, high - low, strict=True))
    assert change["brightness"] == pytest.approx(1.0, abs=0.1)
    assert change["length"] == pytest.approx(0.0, abs=0.05)
    assert dict(zip(NAMES, long - low, strict=True))["length"] == pytest.approx(1.0, abs=0.05)
    assert (loud - low)[NAMES.index("level")] == pytest.approx(20 * np.log10(2.0), abs=0.01)


def test_feature_noise_is_higher_for_noise_than_for_a_tone() -> None:
    noise = np.random.default_rng(1).normal(size=RATE).astype(np.float32)
    pure, noisy = features(np.stack([tone(500), noise]), RATE)
    assert noisy[NAMES.index("noise")] > pure[NAMES.index("noise")] + 3.0


def test_axis_is_named_by_the_features_with_the_largest_relative_changes() -> None:
    usual = np.array([1.0, 1.0, 1.0, 1.0, 10.0])
    assert words(np.array([-2.0, 0.5, 0.1, 0.0, 3.0]), usual) == ("brighter", "darker")
    assert words(np.array([2.0, -1.5, 0.1, 0.0, 3.0]), usual) == ("darker, longer", "brighter, shorter")
