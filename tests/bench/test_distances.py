"""Tests for distances between pairs of sounds; the expected distances are derived by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.sounds import distances

RATE, LENGTH = 44_100, 16_384


def _noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(LENGTH).astype(np.float32) * 0.1


def test_a_sound_has_no_distance_from_itself() -> None:
    sound, mel = _noise(), distances.mel_power(_noise(), RATE)
    assert float(distances.mel_db(mel, mel)) == 0.0
    for distance in (distances.multi_scale, distances.log_spectral, distances.flux_error):
        assert distance(sound, sound) == 0.0
    assert distances.onset_error(sound, sound, RATE) == 0.0


def test_mel_distance_of_a_gain_is_the_gain_in_decibels() -> None:
    real, louder = (distances.mel_power(gain * _noise(), RATE) for gain in (1.0, 2.0))
    assert float(distances.mel_db(real, louder)) == pytest.approx(20 * np.log10(2), abs=0.01)


def test_levels_below_the_floor_do_not_count() -> None:
    """The ends of the two sounds are 100 and 80 dB below their beginnings; the floor is 70 dB below."""
    quiet = [np.concatenate([_noise(), 1e-5 * gain * _noise(1)]) for gain in (1.0, 10.0)]
    real, other = (distances.mel_power(sound, RATE) for sound in quiet)
    assert float(distances.mel_db(real, other)) < 0.3


def test_several_sounds_are_compared_in_one_call() -> None:
    mels = np.stack([distances.mel_power(_noise(seed), RATE) for seed in range(3)])
    together = distances.mel_db(mels[0], mels)
    assert together.shape == (3,)
    assert together[0] == 0.0
    assert together[2] == pytest.approx(float(distances.mel_db(mels[0], mels[2])))


def test_published_distances_of_a_gain_follow_from_their_definitions() -> None:
    sound = 10 * _noise()
    # the convergence is |2x - x| / |x| = 1, and log magnitudes differ by log 2 in every bin
    assert distances.multi_scale(sound, 2 * sound) == pytest.approx(1 + np.log(2), abs=0.01)
    # log powers differ by log 4 in every bin
    assert distances.log_spectral(sound, 2 * sound) == pytest.approx(np.log(4), abs=0.01)
    # flux is quadratic: the doubled sound differs by 4 F - F = 3 F, and silence by F
    silence = np.zeros_like(sound)
    flux = distances.flux_error(sound, silence)
    assert distances.flux_error(sound, 2 * sound) == pytest.approx(3 * flux, rel=1e-4)


def test_onset_error_is_1_if_the_only_attack_is_missing() -> None:
    """The sound is one attack and then silence: the entire onset strength is missing."""
    sound = np.zeros(LENGTH, np.float32)
    sound[4000:5000] = _noise()[:1000]
    assert distances.onset_error(sound, np.zeros_like(sound), RATE) == pytest.approx(1.0, abs=0.01)
