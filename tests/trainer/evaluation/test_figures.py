"""Tests for the pictures of an evaluation, and for the audio players in its report."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile
import torch

from trainer.evaluation import figures, report
from trainer.evaluation.morph import Morph
from trainer.run.validation import leave_one_out

PNG = b"\x89PNG\r\n\x1a\n"


def size(png: bytes) -> tuple[int, int]:
    """Return the width and height in pixels from the header of a PNG file."""
    assert png.startswith(PNG)
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.fixture
def morph() -> Morph:
    sounds = torch.randn(5, 1, 2048, generator=torch.Generator().manual_seed(0))
    return Morph(("a", "b"), ("x", "y"), (0.0, 0.25, 0.5, 0.75, 1.0), sounds)


def test_tsne_keeps_clusters_apart() -> None:
    labels = torch.arange(20) % 2
    points = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)) + 20 * labels[:, None]
    plane = figures.tsne(points, seed=0)
    assert plane is not None
    assert plane.shape == (20, 2)
    assert leave_one_out(torch.from_numpy(plane), labels) == 1.0
    again = figures.tsne(points, seed=0)
    assert again is not None
    assert np.array_equal(plane, again)


@pytest.mark.parametrize("points", [torch.randn(3, 2), torch.ones(9, 2)])
def test_tsne_of_too_few_or_equal_points_is_none(points: torch.Tensor) -> None:
    assert figures.tsne(points, seed=0) is None


def test_tsne_accepts_points_of_one_dimension() -> None:
    plane = figures.tsne(torch.arange(6.0)[:, None], seed=0)
    assert plane is not None
    assert np.isfinite(plane).all()


@pytest.mark.parametrize("count", [1, 3, 25])
def test_picture_of_points_draws_any_number_of_classes(count: int) -> None:
    points = np.random.default_rng(0).standard_normal((50, 2))
    names = ("_a $x^$ <b>", *map(str, range(1, count)))
    png = figures.plane(points, torch.arange(50) % count, names)
    assert size(png) == (6 * figures.DPI, 5 * figures.DPI)
    assert size(figures.plane(points, torch.zeros(50), ("7", "8"))) == size(png)


def test_pictures_of_a_morph_have_their_sizes(morph: Morph) -> None:
    assert size(figures.morph_in_time(morph, 8000)) == (7 * figures.DPI, 4 * figures.DPI)
    assert size(figures.morph_strip(morph, 8000)) == (int(6.25 * figures.DPI), int(2.6 * figures.DPI))


def test_sine_has_its_peak_at_its_frequency() -> None:
    time = np.arange(4096) / 8000
    levels = figures.levels_db(np.sin(2 * np.pi * 1000 * time).astype(np.float32), 256)
    assert levels.shape == (129, 65)
    assert set(levels[:, 4:-4].argmax(0)) == {32}  # 1000 Hz in bins of 31.25 Hz
    assert levels.max() == pytest.approx(20 * np.log10(np.hanning(256).sum() / 2), abs=0.01)


def test_audio_player_contains_the_sound() -> None:
    sound = torch.tensor([[0.0, 0.5, -0.5, 2.0]])
    found = re.search(r"base64,([^\"]+)", report.player(sound, 22050))
    assert found
    back, rate = soundfile.read(io.BytesIO(base64.b64decode(found[1])))
    assert rate == 22050
    assert back.tolist() == pytest.approx([0.0, 0.5, -0.5, 1.0], abs=1e-4)
