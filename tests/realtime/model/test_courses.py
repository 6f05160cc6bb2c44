"""Tests for courses, which are paths between two class centres whose steps sound equal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from realtime.model.courses import STRAIGHT, Course, Courses
from realtime.model.decoder import Decoder
from realtime.model.schema import INFO_KEY, CourseInfo, ModelInfo
from realtime.util.errors import ModelError

THERE = CourseInfo(0, 2, (0.0, 0.25, 1.0), (0.0, 6.0, -1.0))


@pytest.fixture
def info(decoder: Decoder) -> ModelInfo:
    return replace(decoder.info, courses=(THERE,))


@pytest.mark.parametrize(
    ("share", "t", "level_db"), [(0.0, 0.0, 0.0), (0.25, 0.125, 3.0), (0.5, 0.25, 6.0), (1.0, 1.0, -1.0)]
)
def test_course_maps_a_fraction_of_the_way_to_a_position_and_a_level(
    info: ModelInfo, share: float, t: float, level_db: float
) -> None:
    first, _, last = (each.name for each in info.classes)
    courses = Courses(info)
    assert courses.between(first, last).at(share) == pytest.approx((t, level_db))
    assert courses.between(last, first).at(1.0 - share) == pytest.approx((1.0 - t, level_db))


def test_pair_of_classes_without_a_measured_course_has_a_straight_one(info: ModelInfo) -> None:
    assert Courses(info).between(info.classes[0].name, info.classes[1].name) is STRAIGHT
    assert Course().at(0.3) == pytest.approx((0.3, 0.0))


def test_metadata_keeps_courses_and_omits_an_empty_list(info: ModelInfo) -> None:
    assert ModelInfo.from_metadata(info.to_metadata()).courses == (THERE,)
    assert replace(info, courses=()).digest != info.digest
    assert "courses" not in json.loads(replace(info, courses=()).to_metadata()[INFO_KEY])


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("end", 3, "end is 3, not a whole number from 0 to 2"),
        ("t", [0.0, 0.5, 0.9], "do not rise from 0 to 1"),
        ("t", [0.0, 1.5, 1.0], "do not rise from 0 to 1"),
        ("t", [0.0], "1 positions, not 2 to 257"),
        ("level_db", [0.0, 25.0, 0.0], "exceeds 24 dB"),
        ("level_db", [0.0, 1.0], "level_db"),
    ],
)
def test_damaged_course_is_refused(info: ModelInfo, key: str, value: Any, told: str) -> None:
    metadata = info.to_metadata()
    content = json.loads(metadata[INFO_KEY])
    content["courses"][0][key] = value
    with pytest.raises(ModelError, match=told):
        ModelInfo.from_metadata({**metadata, INFO_KEY: json.dumps(content)})
