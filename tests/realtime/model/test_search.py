"""Tests for the mel distance between sounds, and for the search for the point with the closest sound.

A point is a position in latent space (z); its sound is the sound that the decoder makes there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.model import search
from realtime.model.decoder import Decoder
from realtime.model.ear import Ear

RATE = 44_100
NOISE = np.random.default_rng(0).standard_normal(8192).astype(np.float32)


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
