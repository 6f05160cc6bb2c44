"""Tests for the two offsets that are added to a hit's z (position in latent space).

A direction is the change in z from soft to hard hits; there are directions for classes and for single drums.
The first offset is along a direction, and depends on the velocity of the hit; `dynamics` scales this offset.
The second offset is a random step between the takes (training sounds) of a class; the variation scales this
offset.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from realtime.model.decoder import Decoder
from realtime.model.expression import BACKGROUND, Expression
from realtime.model.schema import Anchor, DrumInfo, ModelInfo


@pytest.fixture
def info(decoder: Decoder) -> ModelInfo:
    """A model with class 0 at the origin, three takes around it, and class 1 far away.

    Each class has a direction.
    """
    far = (100.0, 0.0, 0.0, 0.0)
    classes = tuple(
        replace(decoder.info.classes[at], centroid=centre, spread=1.0, velocity=direction)
        for at, centre, direction in ((0, (0.0,) * 4, (0.0, 2.0, 0.0, 0.0)), (1, far, (0.0, 0.0, 4.0, 0.0)))
    )
    places = [(1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0)]
    anchors = tuple(Anchor(f"{place}", 0, place, (0.0, 0.0)) for place in places)
    return replace(decoder.info, classes=classes, anchors=anchors)


@pytest.mark.parametrize(
    ("velocity", "dynamics", "first", "second"),
    [
        (1.0, 1.0, 1.0, 2.0),
        (0.0, 1.0, -1.0, -2.0),
        (0.5, 2.0, 0.0, 0.0),
        (0.75, 2.0, 1.0, 2.0),
        (1, 0, 0, 0),
    ],
)
def test_velocity_moves_z_along_the_direction_of_the_class(
    info: ModelInfo, velocity: float, dynamics: float, first: float, second: float
) -> None:
    expression = Expression(info)
    centres = [each.centroid for each in info.classes]
    found = [expression.offset(z, velocity, dynamics, 0.0, ()) for z in centres]
    assert found[0] == pytest.approx((0.0, first, 0.0, 0.0))
    assert found[1] == pytest.approx((0.0, 0.0, second, 0.0))
    middle = expression.offset(np.mean(centres, axis=0), velocity, dynamics, 0.0, ())
    assert middle == pytest.approx(np.mean(found, axis=0))  # half of the offset of each class


def test_near_a_drum_velocity_moves_z_along_the_direction_of_that_drum(info: ModelInfo) -> None:
    drum = DrumInfo(z=(0.0, 0.0, 3.0, 0.0), reach=0.5, velocity=(0.0, 0.0, 0.0, 6.0))
    expression = Expression(replace(info, drums=(drum,)))
    there = expression.offset(drum.z, 1.0, 1.0, 0.0, ())
    share = 1 / (1 + BACKGROUND)
    assert there == pytest.approx((0.0, 1.0 - share, 0.0, 3.0 * share))
    weight = np.exp(-0.5)  # at a distance equal to the reach of the drum
    share = weight / (weight + BACKGROUND)
    assert expression.offset((0.0, 0.0, 3.5, 0.0), 1.0, 1.0, 0.0, ())[3] == pytest.approx(3.0 * share)
    assert expression.offset((0.0, 0.0, -2.0, 0.0), 1.0, 1.0, 0.0, ()) == pytest.approx((0.0, 1.0, 0.0, 0.0))


def test_directions_are_not_used_without_dynamics_or_at_the_middle_velocity(info: ModelInfo) -> None:
    nowhere = DrumInfo(z=(np.nan,) * 4, reach=0.5, velocity=(np.nan,) * 4)  # any use of this drum gives NaN
    expression = Expression(replace(info, drums=(nowhere,)))
    z = info.classes[0].centroid
    assert expression.offset(z, 1.0, 0.0, 0.0, ()) == (0.0,) * 4
    assert expression.offset(z, 0.5, 1.0, 0.0, ()) == (0.0,) * 4
    assert sum(expression.offset(z, 1.0, 0.0, 1.0, [1])) == pytest.approx(
        1.0
    )  # only the variation gives an offset
    assert np.isnan(expression.offset(z, 1.0, 1.0, 0.0, ())).all()


def test_variation_stays_between_the_takes_and_each_seed_gives_one_offset(info: ModelInfo) -> None:
    expression = Expression(info)
    z = info.classes[0].centroid
    places = np.array([expression.offset(z, 0.5, 1.0, 1.0, [seed]) for seed in range(300)])
    assert places.min() >= 0.0  # each offset leads to the edge of the triangle between the takes
    np.testing.assert_allclose(places.sum(axis=1), 1.0)
    np.testing.assert_allclose(places.mean(axis=0), (1 / 3, 1 / 3, 1 / 3, 0.0), atol=0.06)
    assert len(np.unique(places, axis=0)) == 300
    half = np.array([expression.offset(z, 0.5, 1.0, 0.5, [seed]) for seed in range(300)])
    np.testing.assert_allclose(half, places / 2)


def test_hits_without_known_takes_or_directions_have_no_offset(
    info: ModelInfo,
) -> None:
    expression = Expression(info)
    assert (expression.knows_velocity, expression.knows_takes) == (True, True)
    assert expression.offset(info.classes[1].centroid, 0.5, 1.0, 1.0, [3]) == (0.0,) * 4
    plain = replace(info, anchors=(), classes=tuple(replace(c, velocity=()) for c in info.classes))
    expression = Expression(plain)
    assert (expression.knows_velocity, expression.knows_takes) == (False, False)
    assert expression.offset((0.0,) * 4, 1.0, 1.0, 1.0, [3]) == (0.0,) * 4


def test_shares_of_the_classes_are_computed_once_for_successive_hits_at_the_same_z(
    info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    expression, looks = Expression(info), []
    at = expression._shares.at

    def look(z: tuple[float, ...]) -> np.ndarray:
        looks.append(z)
        return at(z)

    monkeypatch.setattr(expression._shares, "at", look)
    first, other = info.classes[0].centroid, info.classes[1].centroid
    found = [expression.offset(z, 1.0, 1.0, 0.0, ()) for z in (first, np.array(first), other, first)]
    assert looks == [first, other, first]
    assert found[0] == found[1] == found[3] != found[2]
