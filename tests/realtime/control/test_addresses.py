"""Tests for the table of OSC addresses: the resulting requests, refused messages, and the generated page.

"Point" means the current z, the position in latent space that the performer moves. A touch has its own point.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.cli import documents
from realtime.control.addresses import ADDRESSES, parse
from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Message
from realtime.control.requests import Asked, ChangeSetting, Hit, Move, Nothing, Query, Store, Subscribe
from realtime.control.state.settings import Travel
from realtime.model.schema import ModelInfo
from realtime.synth.commands import Gain, Goto, Mode, Panic, SetAxis, SetDimension, Stop
from realtime.util.errors import RealtimeError

DOCS = Path(__file__).parents[3] / "docs"
PRESETS = {"fat": (0.5, 0.25, -1.0, 2.0)}


def ask(info: ModelInfo, address: str, *arguments: Any) -> Asked:
    return parse(Message(address, arguments), LatentSpace(info, PRESETS))


def test_messages_about_the_point_become_moves(info: ModelInfo) -> None:
    z = tuple(float(i) for i in range(info.latent_dim))
    assert ask(info, "/morph/z", *z) == Move(z)
    assert ask(info, "/morph/z", *range(info.latent_dim)) == Move(z)  # whole numbers are accepted, too
    last = info.latent_dim - 1
    assert ask(info, f"/morph/z/{last}", 2) == SetDimension(last, 2.0)


def test_named_points_are_resolved_to_z(info: ModelInfo) -> None:
    a, b = info.classes[0], info.classes[1]
    assert ask(info, "/morph/goto", a.name, 250) == Goto(a.centroid, 250.0, "linear")
    sound = info.anchors[0]
    assert ask(info, "/morph/goto", sound.name, 0, "smooth") == Goto(sound.z, 0.0, "smooth")
    assert ask(info, "/morph/between", a.name, b.name, 0) == Move(a.centroid)
    assert ask(info, "/morph/between", a.name, b.name, 1) == Move(b.centroid)
    third = ask(info, "/morph/between", a.name, b.name, 0.25)
    assert isinstance(third, Move)
    ways = zip(third.z, a.centroid, b.centroid, strict=True)
    assert all(z == pytest.approx(0.75 * x + 0.25 * y) for z, x, y in ways)


def test_trigger_becomes_a_hit(info: ModelInfo) -> None:
    assert ask(info, "/morph/trigger") == Hit(1.0)
    assert ask(info, "/morph/trigger", 0.5) == Hit(0.5)
    name = info.classes[1].name
    assert ask(info, "/morph/trigger", 1, name) == Hit(1.0, info.classes[1].centroid)


@pytest.mark.parametrize("said", ["KICK", "kicks", "Bass Drum", "bd"])
def test_names_are_recognised_in_other_spellings(info: ModelInfo, said: str) -> None:
    assert ask(info, "/morph/trigger", 1, said) == Hit(1.0, info.point("kick"))
    assert ask(info, "/morph/preset/recall", "Fat") == Move(PRESETS["fat"])


@pytest.mark.parametrize("said", ["six", "Sixes", "6", 6, 6.0])
def test_digits_are_recognised_as_words_text_and_numbers(info: ModelInfo, said: object) -> None:
    digits = replace(
        info, classes=tuple(replace(c, name=n) for c, n in zip(info.classes, "568", strict=True))
    )
    assert ask(digits, "/morph/goto", said, 0) == Goto(info.classes[1].centroid, 0.0)


def test_xy_moves_the_point_to_a_mean_of_sounds_weighted_by_distance_on_the_map(info: ModelInfo) -> None:
    """At a sound's map position, z is the sound's z; elsewhere, a sound's weight is 1 / distance^4."""
    square = LatentSpace(info).map
    assert (square.min(axis=0) == 0.0).all()
    assert (square.max(axis=0) == 1.0).all()
    assert ask(info, "/morph/xy", *square[5].tolist()) == Move(info.anchors[5].z)
    moved = ask(info, "/morph/xy", 0.4, 0.6)
    assert isinstance(moved, Move)
    away = np.hypot(*(square - (0.4, 0.6)).T)
    weights = away**-4 / (away**-4).sum()
    np.testing.assert_allclose(moved.z, weights @ np.array([a.z for a in info.anchors]))


def test_point_is_projected_onto_the_map(info: ModelInfo) -> None:
    """The midpoint of two sounds lies midway between their positions, and a far point lies at the edge."""
    space = LatentSpace(info)
    sounds = np.array([a.z for a in info.anchors])
    rounding = 1e-3 / np.ptp([a.xy for a in info.anchors], axis=0).min()  # stored with three decimals
    for at in (0, 5, 69):
        np.testing.assert_allclose(space.on_map(sounds[at]), space.map[at], rtol=0, atol=rounding)
    midway = space.map[:2].mean(axis=0)
    np.testing.assert_allclose(space.on_map(sounds[:2].mean(axis=0)), midway, rtol=0, atol=rounding)
    assert set(space.on_map(sounds[5] + 1e6 * (sounds[1] - sounds[0]))) <= {0.0, 1.0}


def test_weights_move_the_point_to_a_weighted_mean(info: ModelInfo) -> None:
    kick, snare, _ = (np.array(c.centroid) for c in info.classes)
    for arguments in [(3, 1, 0), ("kick", 0.75, "snare", 0.25)]:
        mixed = ask(info, "/morph/weights", *arguments)
        assert isinstance(mixed, Move)
        np.testing.assert_allclose(mixed.z, 0.75 * kick + 0.25 * snare)
    assert ask(info, "/morph/weights", "fat", 2) == Move(PRESETS["fat"])


def test_macros_move_the_point_along_principal_axes(info: ModelInfo) -> None:
    asked = ask(info, "/morph/macro/1", -2)
    deviation = info.pca.variance[1] ** 0.5
    assert asked == SetAxis(info.pca.basis[1], info.latent.mean, -2 * deviation)


def test_note_becomes_a_transposed_hit(info: ModelInfo) -> None:
    assert ask(info, "/morph/note", 67, 127) == Hit(1.0, semitones=7.0)
    assert ask(info, "/morph/note", 48.0, 64.0) == Hit(64 / 127, semitones=-12.0)
    assert ask(info, "/morph/note", 60, 0) == Nothing()


@pytest.mark.parametrize(
    ("note", "name", "semitones", "choke"),
    [
        (36, "kick", 0, 0),
        (40, "snare", -2, 0),
        (42, "hihat", 0, 16),
        (46, "hihat", 0, 16),
        (49, "hihat", 0, 0),
    ],
)
def test_drum_note_plays_the_class_that_fits_best(
    info: ModelInfo, note: int, name: str, semitones: float, choke: int
) -> None:
    z = LatentSpace(info).point(name)
    assert ask(info, "/morph/drum", note, 127) == Hit(1.0, z, note, semitones, choke)
    assert ask(info, "/morph/drum", note, 0) == Nothing()


@pytest.mark.parametrize("note", [0, 34, 45, 82])  # 45 is a tom, which the model lacks
def test_note_without_a_drum_plays_at_its_pitch(info: ModelInfo, note: int) -> None:
    assert ask(info, "/morph/drum", note, 127) == ask(info, "/morph/note", note, 127)


def test_dynamics_and_vary_need_a_model_that_supports_them(info: ModelInfo) -> None:
    with pytest.raises(RealtimeError, match="velocity does not change the timbre"):
        ask(info, "/morph/dynamics", 0.5)
    assert ask(info, "/morph/dynamics", 0) == ChangeSetting("dynamics", 0.0)
    known = replace(info, classes=tuple(replace(c, velocity=c.centroid) for c in info.classes))
    assert ask(known, "/morph/dynamics", 0.5) == ChangeSetting("dynamics", 0.5)
    assert ask(info, "/morph/vary", 0.5) == ChangeSetting("vary", 0.5)
    with pytest.raises(RealtimeError, match="no training sounds"):
        ask(replace(info, anchors=()), "/morph/vary", 0.5)


def test_messages_of_a_touch_become_requests_with_its_number(info: ModelInfo) -> None:
    z = (1.0, 2.0, 3.0, 4.0)
    assert ask(info, "/morph/touch/3/z", *z) == Move(z, 3)
    assert ask(info, "/morph/touch/0/trigger") == Hit(1.0, None, 0)
    assert ask(info, "/morph/touch/127/trigger", 0.5, "fat") == Hit(0.5, PRESETS["fat"], 127)
    assert ask(info, "/morph/touch/5/note", 72, 127) == Hit(1.0, None, 5, 12.0)
    assert ask(info, "/morph/touch/5/xy", *LatentSpace(info).map[0].tolist()) == Move(info.anchors[0].z, 5)
    assert ask(info, "/morph/touch/5/weights", 0, 1, 0) == Move(info.classes[1].centroid, 5)
    assert ask(info, "/morph/touch/5/stop") == Stop(5)


def test_goto_and_path_become_glides(info: ModelInfo) -> None:
    kick, snare, _ = (c.centroid for c in info.classes)
    assert ask(info, "/morph/glide", 50) == ChangeSetting("travel", Travel(50.0))
    assert ask(info, "/morph/glide/beats", 2, "smooth") == ChangeSetting(
        "travel", Travel(2.0, "smooth", in_beats=True)
    )
    assert ask(info, "/morph/goto", "kick", 5, "in", "spherical") == Goto(kick, 5.0, "in", path="spherical")
    path = ask(info, "/morph/path", 900, "kick", "fat", "snare")
    assert path == Goto(snare, 900.0, path="spline", through=(kick, PRESETS["fat"]))


def test_preset_is_preferred_to_a_sound_named_without_its_folder(info: ModelInfo) -> None:
    z = (1.0, 2.0, 3.0, 4.0)
    sound = LatentSpace(info).point("0.wav")
    assert sound == info.anchors[0].z
    assert LatentSpace(info, {"0.WAV": z}).point("0.wav") == z


def test_presets_are_accepted_in_place_of_sounds(info: ModelInfo) -> None:
    fat = PRESETS["fat"]
    assert ask(info, "/morph/preset/recall", "fat") == Move(fat)
    assert ask(info, "/morph/preset/recall", "fat", 30) == Goto(fat, 30.0)
    assert ask(info, "/morph/between", "kick", "fat", 1) == Move(fat)
    assert ask(info, "/morph/preset/store", "thin") == Store("thin")


def test_other_messages_become_requests(info: ModelInfo) -> None:
    assert ask(info, "/morph/stop") == Stop()
    assert ask(info, "/morph/panic") == Panic()
    assert ask(info, "/morph/gain", -6) == Gain(-6.0)
    assert ask(info, "/morph/mode", "latch") == Mode("latch")
    assert ask(info, "/morph/subscribe", 9100.0) == Subscribe(9100, 200.0)
    assert ask(info, "/morph/unsubscribe", 9100) == Subscribe(9100, None)
    assert ask(info, "/morph/reverse", 1) == ChangeSetting("reverse", 1)
    assert ask(info, "/wek/outputs", 1, 2, 3, 4) == Move((1.0, 2.0, 3.0, 4.0))
    assert ask(info, "/ping") == Query("ping")
    assert ask(info, "/morph/get/status") == Query("status")


@pytest.mark.parametrize(
    ("address", "arguments", "text"),
    [
        ("/morph/trigger", (1.5,), "velocity is 1.5, not a number from 0 to 1"),
        ("/morph/trigger", (-0.1,), "velocity is -0.1"),
        ("/morph/trigger", (math.nan,), "velocity is nan"),
        ("/morph/trigger", ("loud",), "velocity is 'loud', not a number from 0 to 1"),
        ("/morph/trigger", (True,), "velocity is True"),
        ("/morph/trigger", (None,), "velocity is NoneType"),
        ("/morph/trigger", (b"blob",), "velocity is bytes"),
        ("/morph/trigger", ([1.0],), "velocity is list"),
        ("/morph/trigger", (1.0, "nothing-like-it"), "no point named 'nothing-like-it'"),
        ("/morph/trigger", (1.0, 3), "no point named '3': classes are"),
        ("/morph/trigger", (1.0, 3.5), "name is 3.5, not text"),
        ("/morph/trigger", (1.0, "x" * 201), "not text of up to 200 characters"),
        ("/morph/trigger", (1.0, "kick", 3), r"takes \[velocity \[name\]\]; got 3"),
        ("/morph/z/0", (), "takes value; got 0"),
        ("/morph/z/0", (math.inf,), "value is inf, not a number from -10000 to 10000"),
        ("/morph/z/99999", (0.0,), "dimension is 99999, not 0 to 3"),
        ("/morph/z/-1", (0.0,), "no such address"),
        ("/morph/z/1e3", (0.0,), "no such address"),
        ("/morph/z/²", (0.0,), "no such address"),
        ("/morph/gain", (25,), "gain is 25, not a number from -120 to 24 dB"),
        ("/morph/goto", ("kick",), r"takes name ms \[curve \[path\]\]; got 1"),
        ("/morph/goto", ("kick", 10, "zigzag"), "curve is 'zigzag', not one of linear, smooth, in, out"),
        ("/morph/goto", ("kick", -1), "ms is -1, not a number from 0 to 600000 ms"),
        ("/morph/mode", ("dead",), "not one of live, latch"),
        ("/morph/xy", (0.5, 1.1), "y is 1.1, not a number from 0 to 1"),
        ("/morph/weights", (0.5, 0.5), "takes 3 weights, one for each class, or names and weights; got 2"),
        ("/morph/weights", (0, 0, 0), "all weights are 0"),
        ("/morph/weights", ("kick", 1, "snare"), "name weight name weight"),
        ("/morph/weights", (1, "kick", 1, "snare"), "name weight name weight"),
        ("/morph/weights", ("kick", -1), "weights is -1, not a number from 0"),
        ("/morph/weights", ("kick", 1, "gong", 1), "no point named 'gong'"),
        ("/morph/macro/4", (0,), "macro is 4, not 0 to 3"),
        ("/morph/macro/0", (5,), "value is 5, not a number from -4 to 4 standard deviations"),
        ("/morph/path", (100,), "takes ms name …; got 1"),
        ("/morph/path", (100, *["kick"] * 1026), "takes up to 1025 names; got 1026"),
        ("/morph/note", (60.5, 100), "pitch is 60.5, not a whole number from 0 to 127"),
        ("/morph/note", (60, 128), "velocity is 128, not a whole number from 0 to 127"),
        ("/morph/choke", (17,), "group is 17, not a whole number from 0 to 16"),
        ("/morph/touch/128/stop", (), "i is 128, not a whole number from 0 to 127"),
        ("/morph/touch/one/stop", (), "no such address"),
        ("/morph/preset/recall", ("kick",), "no preset named 'kick'"),
        ("/morph/subscribe", (0,), "port is 0, not a whole number from 1 to 65535"),
        ("/morph/stop", (1,), "takes no arguments; got 1"),
        ("/morph/triger", (), "no such address; did you mean /morph/trigger?"),
        ("/tuio/2Dcur", (), "no such address$"),
        ("/", (), "no such address$"),
    ],
)
def test_invalid_message_is_refused_with_a_reason(
    info: ModelInfo, address: str, arguments: tuple[Any, ...], text: str
) -> None:
    with pytest.raises(RealtimeError, match=text.replace("?", r"\?")):
        ask(info, address, *arguments)


@pytest.mark.parametrize("change", [-1, 1])
def test_z_of_the_wrong_length_is_refused(info: ModelInfo, change: int) -> None:
    count = info.latent_dim + change
    text = f"takes {info.latent_dim} numbers, one for each dimension of z; got {count}"
    with pytest.raises(RealtimeError, match=text):
        ask(info, "/morph/z", *[0.0] * count)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e5, "0"])
def test_every_number_of_z_is_checked(info: ModelInfo, bad: Any) -> None:
    with pytest.raises(RealtimeError, match="z is "):
        ask(info, "/morph/z", *[0.0] * (info.latent_dim - 1), bad)


def test_optional_arguments_come_last_and_addresses_are_unique() -> None:
    assert len({address.path for address in ADDRESSES}) == len(ADDRESSES)
    for address in ADDRESSES:
        assert address.path.count("<") == len(address.placeholders)
        optional = [argument.optional for argument in address.arguments]
        assert optional == sorted(optional)
        assert not any(argument.many for argument in address.arguments[:-1])


def test_documents_are_up_to_date() -> None:
    """If this test fails, run `make docs`, which writes the documents again."""
    page = (DOCS / "osc.md").read_text(encoding="utf-8")
    assert page == documents.osc()
    for address in ADDRESSES:
        assert f"`{address.path}`" in page
    page = (DOCS / "render.md").read_text(encoding="utf-8")
    assert page == documents.render(page)
