"""Tests for the distances between sounds, and for the search for the point with the closest sound.

A point is a position in latent space (z); its sound is the sound that the decoder makes there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.model import search
from realtime.model.decoder import Decoder, resolve
from realtime.model.ear import Ear
from realtime.model.ringing import Ringing

RATE = 44_100
NOISE = np.random.default_rng(0).standard_normal(8192).astype(np.float32)
NOISE_20_000 = np.random.default_rng(2).standard_normal(20_000).astype(np.float32)


@pytest.mark.parametrize("change_db", [0.0, -6.0, 3.0])
def test_distance_of_a_copy_with_a_different_gain_is_the_gain(change_db: float) -> None:
    changed = NOISE * 10 ** (change_db / 20)
    assert Ear(NOISE, RATE).distance(changed) == pytest.approx(abs(change_db), abs=1e-4)


def test_differences_70_db_below_the_peak_do_not_count() -> None:
    time = np.arange(8192) / RATE
    tone = np.sin(2 * np.pi * 1000 * time)
    assert (
        Ear(tone, RATE).distance(tone + 1e-6 * NOISE) < 0.01 < Ear(tone, RATE).distance(tone + 0.01 * NOISE)
    )


def _bell(samples: int) -> np.ndarray:
    """Return forty partials from 1 to 14 kHz that fade out."""
    random, time = np.random.default_rng(1), np.arange(samples) / RATE
    hz, phase = random.uniform(1000, 14_000, (40, 1)), random.uniform(0, 6, (40, 1))
    return (np.sin(2 * np.pi * hz * time + phase).sum(0) * np.exp(-8 * time)).astype(np.float32) / 40


def test_partials_ring_more_than_noise_at_any_level() -> None:
    bell = _bell(20_000) + 0.003 * NOISE_20_000
    ringing = Ringing(bell, RATE)
    assert ringing.difference(NOISE_20_000).max() < -6.0
    assert ringing.difference(0.5 * bell) == pytest.approx([0.0, 0.0, 0.0], abs=0.5)
    assert ringing.difference(bell).tolist() == [0.0, 0.0, 0.0]


def test_sounds_that_do_not_ring_are_not_compared() -> None:
    tone = np.sin(2 * np.pi * 100 * np.arange(20_000) / RATE)
    assert Ringing(NOISE_20_000, RATE).difference(_bell(20_000)).size == 0
    assert Ringing(tone, RATE).difference(_bell(20_000)).size == 0  # its loudest partials are too low
    assert Ringing(tone + 1e-6 * _bell(20_000), RATE).difference(tone).size == 0  # its bell is too quiet
    assert Ringing(tone + _bell(20_000), RATE).difference(tone).size == 3


@pytest.mark.parametrize(("rate", "ranges"), [(44_100, 3), (16_000, 2), (8000, 1)])
def test_ringing_is_measured_up_to_half_the_rate(rate: int, ranges: int) -> None:
    assert Ringing(_bell(8000), rate).difference(_bell(8000)).size == 0  # too short
    assert Ringing(_bell(12_000), rate).difference(np.zeros(12_000)).shape == (ranges,)


def test_search_weighs_ringing_against_mel_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "ROUNDS", 0)  # only the training sounds nearest to the start are tried
    decoder = Decoder(resolve("drums"))
    start = next(each.centroid for each in decoder.info.classes if each.name == "open-hat")
    sound = _bell(decoder.info.frames * decoder.info.hop_length) + 0.1 * np.resize(NOISE, 65_536)
    distances = []
    for weight in (0.0, 100.0):
        monkeypatch.setattr(search, "RINGING", weight)
        found = decoder.decode(np.array([search.nearest(decoder, sound, start)], np.float32))[0]
        ringing = np.abs(Ringing(sound, RATE).difference(found)).mean()
        distances.append((float(ringing), Ear(sound, RATE).distance(found)))
    (ringing_of_levels, levels), (ringing, levels_of_ringing) = distances
    assert ringing < ringing_of_levels
    assert levels < levels_of_ringing


def test_search_finds_the_z_of_a_training_sound(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model)
    for anchor in decoder.info.anchors[:3]:
        sound = decoder.decode([anchor.z])[0]
        beside = np.add(anchor.z, 0.2 * np.array(decoder.info.latent.std))
        found = search.nearest(decoder, sound, tuple(beside.tolist()))
        assert np.array_equal(np.array(found, np.float32), np.array(anchor.z, np.float32))


def test_search_nearly_finds_a_z_between_class_centres(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model)
    first, second = (np.array(each.centroid) for each in decoder.info.classes[:2])
    sound = decoder.decode([0.6 * first + 0.4 * second])[0]
    ear = Ear(sound, decoder.info.sample_rate)
    found = search.nearest(decoder, sound, tuple(first.tolist()))
    before, after = (ear.distance(decoder.decode(np.array([point]))[0]) for point in (first, found))
    assert after < 1e-4 * before  # 4e-3 if the slopes were not corrected
    assert found == search.nearest(decoder, sound, tuple(first.tolist()))


def test_search_with_a_slow_decoder_tries_only_training_sounds(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LONGEST_S", 0.0)
    decoder = Decoder(tiny_model)
    first, second = (np.array(each.centroid) for each in decoder.info.classes[:2])
    sound = decoder.decode([0.6 * first + 0.4 * second])[0]
    found = np.array(search.nearest(decoder, sound, tuple(first.tolist())), np.float32)
    tried = np.array([first, *(anchor.z for anchor in decoder.info.anchors)], np.float32)
    assert (tried == found).all(1).any()
