"""Tests for the preview of a training run: a picture and a sound file of real sounds and reconstructions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from matplotlib import image

from export.play import preview
from export.play.preview import Pair

RATE, LENGTH = 8000, 2000


def test_the_pair_that_differs_most_comes_first(tmp_path: Path) -> None:
    time = np.arange(LENGTH) / RATE
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    pairs = [Pair(f"tone {share}", tone, share * tone, 20 * (1 - share)) for share in (0.9, 0.25, 0.5, 0.75)]
    preview.write(pairs, RATE, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"preview.png", "preview.wav"}
    sound, rate = soundfile.read(tmp_path / "preview.wav")
    step = LENGTH + RATE // 4
    assert (rate, len(sound)) == (RATE, 8 * step)
    peaks = [np.abs(sound[first : first + LENGTH]).max() for first in range(0, len(sound), step)]
    np.testing.assert_allclose(peaks, [1, 0.25, 1, 0.5, 1, 0.75, 1, 0.9], atol=0.01)
    picture = image.imread(tmp_path / "preview.png")
    assert picture.shape[0] > 2 * preview.WAVE_ROWS
    assert picture[..., :3].std() > 0.1


def test_both_columns_of_the_picture_have_headings(tmp_path: Path) -> None:
    tone = np.ones(LENGTH, np.float32)
    preview.write([Pair("a tone", tone, tone, 1.0)], RATE, tmp_path)
    picture = image.imread(tmp_path / "preview.png")[..., :3]
    width = preview.MARGIN + 2 * (preview.COLUMNS + preview.MARGIN) + preview.MARGIN
    scale = picture.shape[1] / width
    head = picture[: round(preview.HEAD * scale)]
    middle = round((1.5 * preview.MARGIN + preview.COLUMNS) * scale)
    left, right = head[:, :middle].min(), head[:, middle:].min()
    assert max(left, right) < 0.5  # both headings are dark on white
