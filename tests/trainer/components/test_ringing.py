"""Tests for the ringing share of noise: the fraction of its power in partials too dense to separate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.components.ringing import ringing_share

RATE, BANDS, HOP, SAMPLES = 44_100, 24, 64, 40_000
BEGIN, END = 1000, 20_000


def _share(sound: NDArray[np.float64], taken_hz: tuple[float, ...] = ()) -> NDArray[np.float64]:
    return ringing_share(sound, np.array(taken_hz), RATE, BEGIN, END, BANDS, HOP)


def _noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(SAMPLES)


def _partials(seed: int) -> NDArray[np.float64]:
    """Return partials about 40 Hz apart with random levels and phases, [SAMPLES]."""
    random = np.random.default_rng(seed)
    time = np.arange(SAMPLES)[:, None] / RATE
    hz = np.arange(100.0, 20_000.0, 40.0) + random.uniform(0.0, 40.0, 498)
    sound = np.zeros(SAMPLES)
    for some in np.array_split(hz, 20):
        waves = np.sin(2 * np.pi * (time * some + random.uniform(size=len(some))))
        sound += waves @ np.abs(random.standard_normal(len(some)) + 0.1)
    return sound / sound.std()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gaussian_noise_rings_little_and_dense_partials_ring(seed: int) -> None:
    assert np.median(_share(_noise(seed))) < 0.2
    assert np.median(_share(_partials(seed))) > 0.9


def test_ringing_share_hardly_depends_on_the_decay_of_a_sound() -> None:
    falls = np.exp(-8.0 * np.arange(SAMPLES) / RATE)
    assert np.median(_share(_noise(1) * falls)) < 0.25
    assert np.median(_share(_partials(1) * falls)) > 0.85


def test_ringing_share_of_a_mixture_lies_between_those_of_its_parts() -> None:
    half = _share(np.sqrt(0.5) * (_noise(4) + _partials(5)))
    assert 0.25 < np.median(half) < 0.75


def test_separate_partials_at_given_frequencies_do_not_count_as_ringing() -> None:
    time = np.arange(SAMPLES) / RATE
    hz = tuple(np.arange(2000.0, 12_000.0, 700.0).tolist())
    sound = _noise(6) + 3.0 * sum(np.sin(2 * np.pi * each * time) for each in hz)
    with_them, without = _share(sound), _share(sound, hz)
    assert np.median(without) < 0.25
    assert without.sum() < 0.7 * with_them.sum()


def test_a_short_sound_counts_as_noise() -> None:
    assert not ringing_share(_partials(1), np.zeros(0), RATE, BEGIN, BEGIN + 2000, BANDS, HOP).any()


def test_a_sound_without_power_in_most_bands_has_a_finite_ringing_share() -> None:
    tone = np.sin(2 * np.pi * 200.0 * np.arange(SAMPLES) / RATE)
    assert np.isfinite(_share(tone)).all()
