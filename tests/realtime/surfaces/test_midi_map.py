"""Tests for MIDI maps (rules that turn MIDI messages into OSC messages) and their files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.surfaces.midi_map import (
    DEFAULT,
    Knob,
    MapError,
    MidiMap,
    Mpe,
    Notes,
    Program,
    dump,
    parse,
    read,
    write,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FULL = MidiMap(
    (
        Knob("/morph/z/3", cc=21, channel=2, bits=14, low=-1.5, high=2.0),
        Knob("/morph/between", cc=7, arguments=("kick", 'a "b"\\'), pickup=False),
        Knob("/morph/xy", source="bend", argument="x", arguments=(0.25,)),
        Knob("/morph/gain", cc=8),
    ),
    (Notes("/morph/trigger", 10, 36, 36, "kick", 2), Notes(low=40)),
    (Program(5, "dark", 500.0), Program(6, "bright")),
    Mpe("upper", 4, "pressure", "note", "stop"),
)


@pytest.mark.parametrize("rules", [FULL, DEFAULT, MidiMap()])
def test_map_is_the_same_after_writing_and_reading(tmp_path: Path, rules: MidiMap) -> None:
    write(tmp_path / "map.toml", rules)
    assert read(tmp_path / "map.toml") == rules
    assert [path.name for path in tmp_path.iterdir()] == ["map.toml"]


@given(st.text(min_size=1, max_size=50), st.floats(-4, 3.5, allow_subnormal=False), st.integers(0, 127))
def test_any_name_and_number_is_the_same_after_writing_and_reading(name: str, low: float, cc: int) -> None:
    rules = MidiMap((Knob("/morph/macro/1", cc=cc, low=low, high=4.0),), (), (Program(1, name),))
    assert parse(tomllib.loads(dump(rules))) == rules


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[knobs]]\ntarget = "/morph/gain"', "did you mean knob?"),
        (
            '[[knob]]\ntarget = "/morph/gain"\nchanel = 1',
            "knob 1: key 'chanel' is not known; did you mean channel?",
        ),
        ("[[knob]]\ncc = 1", "knob 1 lacks target"),
        ('[[knob]]\ntarget = "/morph/macr/0"', "did you mean /morph/macro/<i>?"),
        ('[[knob]]\ntarget = "/morph/z"', "takes many numbers"),
        ('[[knob]]\ntarget = "/morph/mode"', "no argument"),
        ('[[knob]]\ntarget = "/morph/xy"\nargument = "z"', "no argument 'z'"),
        ('[[knob]]\ntarget = "/morph/gain"\nhigh = 90', "not a number from -120 to 24"),
        ('[[knob]]\ntarget = "/morph/between"', "takes a b t [way]; got 1"),
        ('[[knob]]\ntarget = "/morph/gain"\ncc = 128', "cc is 128, not a whole number from 0 to 127"),
        ('[[knob]]\ntarget = "/morph/gain"\ncc = 40\nbits = 14', "from 0 to 31"),
        ('[[knob]]\ntarget = "/morph/gain"\ncc = "1"', "cc is '1', not of type int"),
        ('[[knob]]\ntarget = "/morph/touch/200/note"', "i is 200"),
        ('[[notes]]\ntarget = "/morph/triger"', "did you mean /morph/trigger?"),
        ('[[notes]]\ncurve = "sof"', "did you mean soft?"),
        ('[[notes]]\nname = "kick"', "only the target /morph/trigger"),
        ("[[notes]]\nlow = 50\nhigh = 40", "high is 40"),
        ("[[program]]\nnumber = 1", "lacks preset"),
        ('[mpe]\nx = "tmbre"', "did you mean timbre?"),
        ("[[knob]", "line 1"),
    ],
)
def test_invalid_map_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(MapError) as caught:
        read(path)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "map.toml" in str(caught.value)


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="cannot write"):
        write(tmp_path / "gone" / "map.toml", FULL)
    (tmp_path / "map.toml").mkdir()
    with pytest.raises(MapError, match="cannot write"):
        write(tmp_path / "map.toml", FULL)
    assert [path.name for path in tmp_path.iterdir()] == ["map.toml"]
