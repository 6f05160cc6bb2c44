"""Tests for the picture that shows real sounds beside a model's reconstructions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench import beside
from bench.centres import GAP_S
from bench.sounds.shots import Model, Shot

RATE = 44_100


def _pair(distance: float) -> beside.Pair:
    empty = np.zeros(0, np.float32)
    return beside.Pair(Shot("kick/a", "kick", "", "", 0.0, empty, empty), empty, distance)


def test_worst_pairs_come_first_and_each_pair_appears_once() -> None:
    pairs = [_pair(float(distance)) for distance in range(20, 0, -1)]
    assert [pair.distance for pair in beside.extremes(pairs, 2)] == [20, 19, 2, 1]
    assert beside.extremes(pairs[:3], 2) == pairs[:3]


def test_sound_that_the_model_made_is_closer_to_its_copy_than_noise_is() -> None:
    model = Model("drums")
    z = np.array(model.info.classes[1].centroid, np.float32)
    own, noise = (
        model.decode(z),
        np.random.default_rng(0).standard_normal(model.info.length).astype(np.float32),
    )
    shots = [Shot(name, "kick", "", "", 0.0, sound, z) for name, sound in (("own", own), ("noise", noise))]
    worst, best = beside.ranked(model, shots)
    assert (worst.shot.name, best.shot.name, best.distance) == ("noise", "own", 0.0)


def test_picture_and_sounds_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kick"
    folder.mkdir()
    time = np.arange(8192) / RATE
    soundfile.write(folder / "a.wav", 0.5 * np.sin(2 * np.pi * 60 * time) * np.exp(-20 * time), RATE)
    picture, sound = tmp_path / "beside.png", tmp_path / "beside.flac"
    words = ["drums", str(folder), "-o", str(picture), "--sound", str(sound)]
    assert beside.main(words) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    info = soundfile.info(sound)
    assert info.frames == 2 * 65_536 + 3 * round(GAP_S * RATE)  # real sound, gap, model's sound, two gaps
    assert beside.main(["drums", str(tmp_path / "nowhere"), "-o", str(picture)]) == 2
    assert capsys.readouterr().err.startswith("bench.beside: ")
