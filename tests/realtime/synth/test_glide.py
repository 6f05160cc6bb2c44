"""Glides of z, the position in latent space, are exact at both ends and follow their curve in between."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.synth.glide import CURVES, Glide

A, B = (0.1, -2.0, 0.3), (1.7, 4.0, -0.9)


def test_resting_glide_is_constant() -> None:
    z = Glide.at_rest(A).at([-5, 0, 10**9])
    np.testing.assert_array_equal(z, [A, A, A])


@pytest.mark.parametrize("curve", CURVES)
def test_glide_is_exact_at_both_ends(curve: str) -> None:
    glide = Glide.at_rest(A).towards(B, 100, 50, curve)
    np.testing.assert_array_equal(glide.at([0, 100]), [A, A])
    np.testing.assert_array_equal(glide.at([glide.end, 151, 10**9]), [B, B, B])


@pytest.mark.parametrize(
    ("curve", "part"), [("linear", 0.25), ("smooth", 0.15625), ("in", 0.0625), ("out", 0.4375)]
)
def test_each_curve_has_its_known_value_at_a_quarter_of_the_time(curve: str, part: float) -> None:
    glide = Glide.at_rest(A).towards(B, 1000, 400, curve)
    expected = np.array(A) + part * (np.array(B) - np.array(A))
    np.testing.assert_allclose(glide.at(1100), expected, atol=1e-15)


def test_glide_of_zero_length_jumps() -> None:
    np.testing.assert_array_equal(Glide.at_rest(A).towards(B, 7, 0).at(7), B)


def test_new_glide_starts_at_the_current_position_of_the_earlier_one() -> None:
    first = Glide.at_rest(A).towards(B, 0, 100)
    second = first.towards(A, 50, 100)
    np.testing.assert_array_equal(second.at(50), first.at(50))
    np.testing.assert_array_equal(second.at(150), A)


def test_setting_one_dimension_leaves_the_others_gliding() -> None:
    glide = Glide.at_rest(A).towards(B, 0, 100)
    set_ = glide.with_dimension(1, 9.0)
    np.testing.assert_array_equal(set_.at([0, 40, 100])[:, 1], [9.0, 9.0, 9.0])
    np.testing.assert_array_equal(set_.at([0, 40, 100])[:, [0, 2]], glide.at([0, 40, 100])[:, [0, 2]])
    np.testing.assert_array_equal(glide.at(0), A)  # the first glide is unchanged


def test_output_shape_follows_shape_of_times() -> None:
    assert Glide.at_rest(A).at(3).shape == (3,)
    assert Glide.at_rest(A).towards(B, 0, 9).at(np.zeros((2, 5))).shape == (2, 5, 3)
