"""Tests for the small picture of a sound on the web page."""

from __future__ import annotations

import numpy as np

from realtime.surfaces.web.portrait import COLUMNS, picture


def test_picture_shows_the_peak_of_each_of_its_equal_time_slices() -> None:
    sound = np.zeros(COLUMNS * 100, np.float32)
    sound[150], sound[-1] = -0.5, 0.25
    assert picture(sound) == [0, 99, *[0] * (COLUMNS - 3), 50]
    assert picture(np.zeros(1000, np.float32)) == [0] * COLUMNS
