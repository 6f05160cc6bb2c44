"""Tests for the models that come with the package."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from realtime.model.decoder import Decoder, bundled, resolve
from realtime.model.encoder import Encoder, encoder_path

CLASSES = {
    "digits": list("0123456789"),
    "drums": ["clap", "closed-hat", "cymbal", "kick", "open-hat", "perc", "rim", "snare", "tom"],
}


def test_two_models_are_bundled_within_10_mb() -> None:
    assert bundled() == sorted(CLASSES)
    folder = resolve("drums").parent
    assert sum(path.stat().st_size for path in folder.glob("*.onnx")) <= 10e6


@pytest.mark.parametrize("name", CLASSES)
def test_bundled_model_has_metadata_and_a_sound_for_every_class(name: str) -> None:
    decoder = Decoder(resolve(name), provider="cpu")
    info = decoder.info
    assert [each.name for each in info.classes] == CLASSES[name]
    assert info.licence
    assert info.credits
    assert {anchor.label for anchor in info.anchors} == set(range(len(info.classes)))
    sounds = decoder.decode(np.array([each.centroid for each in info.classes], np.float32))
    peaks = np.abs(sounds).max(axis=1)
    assert (peaks > 0.3).all()
    assert (peaks < 1.5).all()
    levels = [float((part**2).mean()) for part in (sounds, sounds[:, -64:])]
    assert levels[1] < 0.05 * levels[0]


@pytest.mark.parametrize("name", CLASSES)
def test_bundled_encoder_places_the_sound_of_each_class_closest_to_its_own_centre(name: str) -> None:
    decoder = Decoder(resolve(name), provider="cpu")
    info = decoder.info
    encoder = Encoder(encoder_path(decoder.path), info)
    sounds = decoder.decode(np.array([each.centroid for each in info.classes]))
    points = np.array([encoder.encode(sound, info.sample_rate) for sound in sounds])
    centres = np.array([each.centroid for each in info.classes])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert nearest.tolist() == list(range(len(sounds)))


def test_bundled_drums_have_a_measured_course_between_each_pair_of_classes() -> None:
    info = Decoder(resolve("drums"), provider="cpu").info
    pairs = set(itertools.combinations(range(len(info.classes)), 2))
    assert {(each.start, each.end) for each in info.courses} == pairs, (
        "run: python -m export.courses drums.onnx"
    )
