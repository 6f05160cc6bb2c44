"""Tests for MFCC features of sounds, their DTW distance, and the deviation of a sound from a class.

The deviation is equation 2 of the paper. It is compared with the deviations of three other sounds: the
medoid, a random take, and the blur (the mean waveform of the takes).
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from trainer import config as configs
from trainer.data.mfcc_dtw import (
    Array,
    Deviation,
    References,
    Settings,
    deviation,
    deviations,
    distance,
    features,
    pairwise,
    references,
)
from trainer.data.sounds import prepare

FSDD = "SOUNDMORPH_FSDD"
"""Environment variable with the folder of the Free Spoken Digit Dataset's recordings."""


def at(*points: float) -> list[Array]:
    """Return a sequence of one frame and one coefficient for each number; distances are plain differences."""
    return [np.array([[point]]) for point in points]


def test_settings_of_the_features_are_printed_in_full() -> None:
    assert str(Settings()).startswith(
        "13 MFCCs (the first included; orthonormal DCT-II) of 40 Slaney mel bands"
    )
    assert "256-sample centred Hann window, hop 128, 8000 Hz" in str(Settings())
    assert Settings.at(8000) == Settings()
    assert (Settings.at(22050).window, Settings.at(22050).hop) == (512, 256)
    assert Settings.at(44100).window == 1024
    assert Settings().to_dict()["local_cost"] == "euclidean"


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000, 96000])
def test_no_mel_band_is_empty_at_any_rate(rate: int) -> None:
    noise = np.random.default_rng(0).standard_normal(4096)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert features(noise, Settings.at(rate)).shape == (1 + 4096 // Settings.at(rate).hop, 13)


def test_sound_shorter_than_the_window_has_features() -> None:
    assert features(np.ones(64), Settings()).shape == (3, 13)


def test_a_gain_changes_only_the_first_coefficient() -> None:
    """The change of the features is the orthonormal DCT of a constant over 40 bands."""
    sound = np.random.default_rng(0).standard_normal(2048)
    loud, soft = features(sound, Settings()), features(sound * 10**-0.5, Settings())
    assert loud[:, 0] - soft[:, 0] == pytest.approx(10 * np.sqrt(40), abs=1e-3)
    assert loud[:, 1:] == pytest.approx(soft[:, 1:], abs=1e-3)


def test_level_of_silence_is_range_db_below_the_loudest_band() -> None:
    half = np.concatenate((np.random.default_rng(0).standard_normal(2048), np.zeros(2048)))
    silent = [features(half, Settings(range_db=range_db))[-1] for range_db in (60.0, 80.0)]
    assert (silent[0] - silent[1]).tolist() == pytest.approx([20 * np.sqrt(40)] + [0.0] * 12, abs=1e-3)


def test_distance_is_that_of_the_best_alignment() -> None:
    slow, fast = np.array([[0.0], [0.0], [3.0], [3.0], [3.0]]), np.array([[0.0], [3.0]])
    assert distance(slow, fast) == 0.0
    assert distance(np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0]])) == 1.0
    assert distance(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])) == 5.0


def test_deviation_equals_that_calculated_by_hand() -> None:
    sounds = at(0.0, 2.0, 6.0)
    among = pairwise(sounds)
    assert among.tolist() == [[0, 2, 6], [2, 0, 4], [6, 4, 0]]
    # distances of each sound to the two others: means 4, 3, 5; standard deviations 2, 1, 1
    # distances of each sound from 1: 1, 1, 5
    assert deviations(np.array([[1.0], [1.0], [5.0]]), among)[:, 0].tolist() == [-1.5, -2.0, 0.0]
    found = deviation(at(1.0)[0], sounds, among)
    assert found.mean == pytest.approx(-3.5 / 3)
    assert found.std == pytest.approx(np.std([-1.5, -2.0, 0.0]))


def test_references_equal_those_calculated_by_hand() -> None:
    sounds = at(0.0, 2.0, 6.0)
    found = references(at(8.0 / 3)[0], sounds, pairwise(sounds), seed=0)
    assert found.medoid_index == 1
    assert found.medoid == Deviation(-1.0, 0.0)  # (2 - 4) / 2 and (4 - 5) / 1
    assert found.every_take.mean == pytest.approx(0.0, abs=1e-15)
    as_centre = [np.mean([-1, 1]), np.mean([-1, -1]), np.mean([1, 1])]
    assert found.every_take.std == pytest.approx(np.std(as_centre))
    assert found.random_take.mean == as_centre[found.random_index]
    blur = [(8 / 3 - 4) / 2, (2 / 3 - 3) / 1, (10 / 3 - 5) / 1]
    assert found.blur.mean == pytest.approx(np.mean(blur))


@pytest.mark.parametrize("count", [4, 9])
def test_deviation_of_a_random_take_is_zero_on_average(count: int) -> None:
    sounds = [np.random.default_rng(i).standard_normal((5 + i, 4)) for i in range(count)]
    found = references(sounds[0] + 1, sounds, pairwise(sounds), seed=3)
    assert found.every_take.mean == pytest.approx(0.0, abs=1e-12)
    assert found.medoid.mean is not None
    assert found.medoid.mean < 0


@pytest.mark.parametrize("points", [(1.0,), (1.0, 2.0), (1.0, 1.0, 1.0)])
def test_too_few_or_equal_sounds_have_no_deviation(points: tuple[float, ...]) -> None:
    sounds = at(*points)
    found = references(at(0.0)[0], sounds, pairwise(sounds), seed=0)
    nothing = Deviation(None, None)
    assert (found.medoid, found.random_take, found.every_take, found.blur) == (nothing,) * 4


@pytest.fixture(scope="module")
def digits() -> list[References]:
    """The references of each digit, over all 50 takes of the speaker jackson."""
    config = configs.read("digits")
    sounds = prepare(
        Path(os.environ[FSDD]), config.model, dataclasses.replace(config.data, include="*_jackson_*")
    )
    assert sounds.labels.bincount().tolist() == [50] * 10
    found = []
    for label in range(10):
        takes = sounds.waveforms[sounds.labels == label][:, 0].numpy()
        known = [features(take, Settings()) for take in takes]
        blur = features(takes.mean(0), Settings())
        # seed 42 draws the fifth take of every class
        found.append(references(blur, known, pairwise(known), seed=42))
    return found


@pytest.mark.fsdd
def test_medoids_of_real_digits_have_the_published_deviation(digits: list[References]) -> None:
    means = [digit.medoid.mean or 0.0 for digit in digits]
    assert [f"{mean:.2f}" for mean in means] == [
        f"-{mean:.2f}" for mean in (0.67, 0.54, 0.78, 0.56, 0.51, 0.46, 0.73, 0.66, 0.65, 0.76)
    ]
    assert f"{np.mean(means):.2f}" == "-0.63"


@pytest.mark.fsdd
def test_blurs_of_real_digits_have_the_published_deviation(digits: list[References]) -> None:
    assert f"{np.mean([digit.blur.mean or 0.0 for digit in digits]):.2f}" == "4.03"


@pytest.mark.fsdd
def test_random_takes_of_real_digits_have_the_published_deviation(digits: list[References]) -> None:
    """One take of each digit is drawn. Over all draws, the deviation has the mean 0 and the spread 0.18."""
    assert [digit.random_index for digit in digits] == [4] * 10
    assert f"{np.mean([digit.random_take.mean or 0.0 for digit in digits]):.2f}" == "0.05"
    assert max(abs(digit.every_take.mean or 0.0) for digit in digits) < 1e-12
    luck = np.sqrt(np.sum([(digit.every_take.std or 0.0) ** 2 for digit in digits])) / len(digits)
    assert f"{luck:.2f}" == "0.18"
