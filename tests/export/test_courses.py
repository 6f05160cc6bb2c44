"""Tests for courses: straight paths between two class centres, divided into steps that sound equal.

Adding courses changes the decoder file; the encoder file must then be updated to match the decoder.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from export import courses
from realtime.model import verify
from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from realtime.offline.levels import lufs

MODELS = Path(__file__).parents[1] / "models"


class Ramp(courses._Line):
    """A path between two points; the tilt of its spectrum grows with the square of the position."""

    def sound(self, t: float) -> np.ndarray:
        noise = np.random.default_rng(0).standard_normal(9_000)
        tilt = 10 ** (t * t * np.linspace(-1.0, 1.0, 4_501))
        return np.fft.irfft(np.fft.rfft(noise) * tilt, 9_000).astype(np.float32) / 100


def test_steps_between_the_positions_of_a_course_sound_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "_Line", Ramp)
    decoder = Decoder(MODELS / "tiny.onnx", capacity=1)
    t, level_db = courses.measure(decoder, np.zeros(4), np.ones(4))
    line, shares = Ramp(decoder, np.zeros(4), np.ones(4)), np.linspace(0, 1, courses.STEPS + 1)
    steps = line.steps(t, shares)
    assert steps.max() / steps.mean() < 1.05
    straight = line.steps(shares.tolist(), shares)
    assert straight.max() / straight.mean() > 1.5
    assert level_db == pytest.approx(line.gains(t, shares), abs=0.01)


def test_fractions_of_a_path_end_at_exactly_one_despite_rounding() -> None:
    draws = np.random.default_rng(0)
    for _ in range(200):
        steps = draws.exponential(size=32) * np.geomspace(1.0, 1e-9, 32)
        shares = courses.path_shares(steps)
        assert shares[0] == 0.0
        assert shares[-1] == 1.0
        assert (np.diff(shares) >= 0.0).all()


def test_courses_are_added_to_a_decoder_and_its_encoder_is_updated(tmp_path: Path) -> None:
    for name in ("tiny.onnx", "tiny.encoder.onnx"):
        shutil.copy(MODELS / name, tmp_path)
    path = tmp_path / "tiny.onnx"
    before = Decoder(path, capacity=1)
    info = courses.add(path)
    assert [(each.start, each.end) for each in info.courses] == list(itertools.combinations(range(3), 2))
    after = Decoder(path, capacity=1)
    assert verify.read(path).info == info
    Encoder(encoder_path(path), after.info)  # raises an error if the encoder belongs to a different decoder
    course, centres = info.courses[0], np.array([each.centroid for each in info.classes])
    sounds = [
        after.decode(((1 - t) * centres[0] + t * centres[1])[None].astype(np.float32))[0] for t in course.t
    ]
    np.testing.assert_array_equal(sounds[0], before.decode(centres[:1].astype(np.float32))[0])
    loudness = np.array([lufs(sound[:, None], after.info.sample_rate) for sound in sounds])
    levelled = loudness + course.level_db
    np.testing.assert_allclose(levelled, np.linspace(levelled[0], levelled[-1], len(levelled)), atol=0.02)
