"""Tests for the conversion of MIDI to OSC messages, and for rules that are learnt from moved controls.

A knob with pickup has no effect until it passes the current value. With MPE, each finger has its own channel
and moves its own point, a position z in latent space.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from realtime.control.addresses import parse
from realtime.control.dispatcher import Control
from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Message
from realtime.live.engine import Engine
from realtime.model.verify import read as read_model
from realtime.surfaces import midi_ports
from realtime.surfaces.midi import FRESH_S, Mapper, learn
from realtime.surfaces.midi_connection import LocalConnection, load
from realtime.surfaces.midi_map import DEFAULT, Knob, MapError, MidiMap, Mpe, Notes, Program
from tests.realtime.surfaces.midi_messages import cc, midi


def values(mapper: Mapper, number: int, *turned: int, now: float = 0.0) -> list[float]:
    """Set a controller to these values in turn; return the last arguments of the resulting messages."""
    sent = [m for value in turned for m in mapper.feed(cc(number, value), now)]
    return [m.arguments[-1] for m in sent]


def test_notes_become_hits_with_velocity_and_choke_group() -> None:
    kick = Notes("/morph/trigger", 10, 36, 36, "kick", 3)
    mapper = Mapper(MidiMap(notes=(kick, Notes(low=40, high=80))))
    assert mapper.feed(midi("note_on", 10, note=36, velocity=127), 0.0) == (
        Message("/morph/choke", (3,)),
        Message("/morph/trigger", (1.0, "kick")),
    )
    assert mapper.feed(midi("note_on", 2, note=40, velocity=64), 0.0) == (
        Message("/morph/choke", (0,)),
        Message("/morph/note", (40, 64)),
    )
    for silent in (
        midi("note_on", 9, note=36, velocity=100),
        midi("note_on", 10, note=36, velocity=0),
        midi("note_off", 10, note=36, velocity=64),
        midi("note_on", 10, note=81, velocity=1),
        mido.Message("clock"),
    ):
        assert mapper.feed(silent, 0.0) == ()


def test_drum_notes_follow_the_velocity_curve_and_aftertouch_stops_a_cymbal() -> None:
    mapper = Mapper(DEFAULT)
    assert mapper.feed(midi("note_on", 10, note=36, velocity=1), 0.0) == (Message("/morph/drum", (36, 1)),)
    for note, sent in ((49, (Message("/morph/touch/49/stop"),)), (36, ())):
        assert mapper.feed(midi("polytouch", 10, note=note, value=64), 0.0) == sent
    assert mapper.feed(midi("polytouch", 10, note=49, value=63), 0.0) == ()
    for curve, wanted in (
        ("soft", 84),
        ("linear", 64),
        ("hard", 40),
    ):  # wanted is 127 * (64 / 127) ** exponent, with the exponents 0.6, 1 and 1.7
        bent = Mapper(load(Path("melodic"), curve))
        assert bent.feed(midi("note_on", note=60, velocity=64), 0.0) == (
            Message("/morph/note", (60, wanted)),
        )
        assert bent.feed(midi("polytouch", note=49, value=127), 0.0) == ()


def test_channel_pressure_stops_all_cymbals_each_time_it_rises_to_the_threshold() -> None:
    mapper = Mapper(DEFAULT)
    sent = [mapper.feed(midi("aftertouch", 10, value=value), 0.0) for value in (63, 64, 100, 0, 127)]
    cymbals = {f"/morph/touch/{note}/stop" for note in (46, 49, 51, 52, 53, 55, 57, 59)}
    assert [{each.address for each in some} for some in sent] == [set(), cymbals, set(), set(), cymbals]
    knob = Knob("/morph/gain", source="pressure")
    played = Mapper(replace(DEFAULT, knobs=(knob,)))
    assert [each.address for each in played.feed(midi("aftertouch", 10, value=127), 0.0)] == ["/morph/gain"]


def test_program_change_recalls_a_preset() -> None:
    mapper = Mapper(MidiMap(programs=(Program(3, "dark", 250.0, 2), Program(3, "bright"))))
    assert mapper.feed(midi("program_change", 2, program=3), 0.0) == (
        Message("/morph/preset/recall", ("dark", 250.0)),
    )
    assert mapper.feed(midi("program_change", 5, program=3), 0.0) == (
        Message("/morph/preset/recall", ("bright",)),
    )
    assert mapper.feed(midi("program_change", 5, program=4), 0.0) == ()


def test_knob_covers_its_range_which_may_be_reversed() -> None:
    mapper = Mapper(MidiMap((Knob("/morph/between", cc=7, arguments=("kick", "snare"), low=1.0, high=0.0),)))
    (first,) = mapper.feed(cc(7, 0), 0.0)
    assert first == Message("/morph/between", ("kick", "snare", 1.0))
    assert values(mapper, 7, 127) == [0.0]


def test_fourteen_bit_value_is_sent_once_in_full_resolution() -> None:
    knob = Knob("/morph/between", cc=7, bits=14, arguments=("kick", "snare"))
    mapper = Mapper(MidiMap((knob,)))
    sent: list[Message] = []
    for value in range(0, 16_384, 37):
        assert mapper.feed(cc(7, value >> 7), 0.0) == ()
        sent += mapper.feed(cc(39, value & 127), 0.0)
    assert [m.arguments[-1] for m in sent] == [value / 16_383 for value in range(0, 16_384, 37)]
    assert Mapper(MidiMap((knob,))).feed(cc(39, 5), 0.0) == ()  # the low 7 bits alone do not give a value


def test_two_knobs_move_x_and_y_of_the_map() -> None:
    x = Knob("/morph/xy", cc=1, argument="x", arguments=(0.5,))
    y = Knob("/morph/xy", cc=2, argument="y", arguments=(0.5,))
    mapper = Mapper(MidiMap((x, y)))
    assert mapper.feed(cc(1, 127), 0.0) == (Message("/morph/xy", (1.0, 0.5)),)
    assert mapper.feed(cc(2, 0), 0.0) == (Message("/morph/xy", (1.0, 0.0)),)
    assert mapper.feed(cc(1, 0), 0.0) == (Message("/morph/xy", (0.0, 0.0)),)


def test_pitch_bend_reaches_both_ends_and_its_rest_position_is_the_middle() -> None:
    mapper = Mapper(MidiMap((Knob("/morph/macro/0", source="bend", low=-2.0, high=2.0),)))
    sent = [mapper.feed(midi("pitchwheel", pitch=p), 0.0)[0].arguments[0] for p in (-8192, 0, 8191)]
    assert sent == [-2.0, 0.0, 2.0]


# ---- pickup


def test_knob_waits_until_the_server_has_reported_the_value() -> None:
    mapper = Mapper(MidiMap((Knob("/morph/z/1", cc=1, low=0.0, high=127.0),)))
    assert mapper.questions == (Message("/morph/get/z"),)
    assert values(mapper, 1, 10, 20) == []
    mapper.receive(Message("/morph/z.reply", (0.0, 64.2)), 0.0)
    assert values(mapper, 1, 30, 60) == []
    assert values(mapper, 1, 70, 71, 3) == [70.0, 71.0, 3.0]  # the knob has passed 64.2, the value


@pytest.mark.parametrize(("before", "after"), [(100, 50), (10, 90), (64, 64)])
def test_knob_takes_effect_once_it_passes_or_matches_the_value(before: int, after: int) -> None:
    mapper = Mapper(MidiMap((Knob("/morph/macro/0", cc=1, low=-4.0, high=4.0),)))
    mapper.receive(Message("/morph/macros.reply", (-4.0 + 8.0 * 64 / 127,)), 0.0)
    assert bool(values(mapper, 1, before)) == (before == 64)
    assert values(mapper, 1, after) == [pytest.approx(-4.0 + 8.0 * after / 127)]


def test_knob_must_pass_the_value_again_after_another_sender_has_changed_it() -> None:
    mapper = Mapper(MidiMap((Knob("/morph/gain", cc=1, low=-60.0, high=0.0),)))
    mapper.receive(Message("/morph/status.reply", ("voices", 0, "gain_db", 0.0)), 0.0)
    assert values(mapper, 1, 127, 126) == [0.0, pytest.approx(-60.0 / 127)]
    late = 0.9 * FRESH_S  # a reply older than the knob's own move is ignored
    mapper.receive(Message("/morph/status.reply", ("gain_db", -40.0)), late)
    assert values(mapper, 1, 125, now=late) != []
    mapper.receive(Message("/morph/status.reply", ("gain_db", -40.0)), 2 * FRESH_S)
    assert values(mapper, 1, 124, now=2 * FRESH_S) == []
    assert values(mapper, 1, 10, now=2 * FRESH_S) == [pytest.approx(-60.0 + 60.0 * 10 / 127)]


def test_the_knob_that_moved_last_of_two_controls_their_common_value() -> None:
    one, two = Knob("/morph/gain", cc=1, low=-60.0, high=0.0), Knob("/morph/gain", cc=2, low=-60.0, high=0.0)
    mapper = Mapper(MidiMap((one, two)))
    mapper.receive(Message("/morph/status.reply", ("gain_db", 0.0)), 0.0)
    assert len(values(mapper, 1, 127, 100)) == 2
    assert values(mapper, 2, 10, 20) == []
    assert len(values(mapper, 2, 110)) == 1
    assert values(mapper, 1, 99) == []  # the second knob has taken over


def test_knob_without_pickup_changes_the_value_at_once() -> None:
    mapper = Mapper(MidiMap((Knob("/morph/gain", cc=1, low=-60.0, high=0.0, pickup=False),)))
    assert mapper.questions == ()
    mapper.receive(Message("/morph/status.reply", ("gain_db", 0.0)), 0.0)
    assert values(mapper, 1, 0) == [-60.0]


# ---- fingers


def test_each_finger_moves_its_own_point() -> None:
    mapper = Mapper(MidiMap(notes=(Notes(),), mpe=Mpe(release="stop")))
    assert (
        mapper.feed(midi("pitchwheel", 3, pitch=8191), 0.0) == ()
    )  # takes effect with the finger's next note
    assert mapper.feed(midi("note_on", 3, note=62, velocity=90), 0.0) == (
        Message("/morph/touch/3/xy", (1.0, 0.5)),
        Message("/morph/touch/3/note", (62, 90)),
    )
    assert mapper.feed(cc(74, 127, 3), 0.0) == (Message("/morph/touch/3/xy", (1.0, 1.0)),)
    for pressed, pressure in ((5, 90 / 127), (127, 1.0)):  # the pressure is never below the note's velocity
        sent = mapper.feed(midi("aftertouch", 3, value=pressed), 0.0)
        assert sent == (Message("/morph/touch/3/pressure", (pressure,)),)
    mapper.feed(midi("note_on", 4, note=60, velocity=90), 0.0)
    assert mapper.feed(cc(74, 0, 4), 0.0) == (Message("/morph/touch/4/xy", (0.5, 0.0)),)
    assert mapper.feed(midi("note_off", 3, note=62), 0.0) == (Message("/morph/touch/3/stop"),)
    assert mapper.feed(cc(74, 1, 3), 0.0) == ()
    assert mapper.feed(midi("note_on", 1, note=60, velocity=9), 0.0) == (Message("/morph/note", (60, 9)),)


def test_mpe_zone_covers_its_member_channels() -> None:
    assert [c for c in range(1, 17) if Mpe().has(c)] == list(range(2, 17))
    assert [c for c in range(1, 17) if Mpe(members=3).has(c)] == [2, 3, 4]
    assert [c for c in range(1, 17) if Mpe("upper", members=3).has(c)] == [13, 14, 15]


def test_all_notes_off_on_any_channel_stops_the_sounds() -> None:
    for number in (120, 123):
        assert Mapper(MidiMap()).feed(cc(number, 0, 7), 0.0) == (Message("/morph/stop"),)


# ---- rules from moved controls


@pytest.mark.parametrize(
    ("moved", "target", "rule"),
    [
        ([cc(21, 3, 2), cc(21, 5, 2)], "z/3", Knob("/morph/z/3", cc=21, channel=2)),
        ([cc(7, 3), cc(39, 5)], "/morph/macro/1", Knob("/morph/macro/1", cc=7, channel=1, bits=14)),
        ([cc(39, 5), cc(7, 3)], "gain", Knob("/morph/gain", cc=7, channel=1, bits=14)),
        ([cc(40, 5)], "gain", Knob("/morph/gain", cc=40, channel=1)),
        (
            [cc(1, 5)],
            "between kick snare",
            Knob("/morph/between", cc=1, channel=1, arguments=("kick", "snare")),
        ),
        ([midi("pitchwheel", 4, pitch=9)], "z/0", Knob("/morph/z/0", source="bend", channel=4)),
        ([midi("aftertouch", 4, value=9)], "z/0", Knob("/morph/z/0", source="pressure", channel=4)),
        (
            [midi("note_on", 10, note=36, velocity=9), midi("note_off", 10, note=36)],
            "trigger kick",
            Notes("/morph/trigger", 10, 36, 36, "kick"),
        ),
        ([midi("program_change", 3, program=7)], "very dark 250", Program(7, "very dark", 250.0, 3)),
        ([midi("program_change", 3, program=7)], "dark", Program(7, "dark", channel=3)),
    ],
)
def test_rule_follows_from_a_moved_control_and_a_target(moved: list[Any], target: str, rule: Any) -> None:
    learnt = learn(MidiMap(), moved, target)
    assert (*learnt.knobs, *learnt.notes, *learnt.programs) == (rule,)
    again = learn(learnt, moved, target)  # the new rule replaces the earlier one
    assert again == learnt


def test_learnt_rule_takes_precedence_over_other_rules() -> None:
    learnt = learn(DEFAULT, [midi("note_on", 1, note=36, velocity=9)], "trigger kick")
    (hit,) = Mapper(learnt).feed(midi("note_on", 1, note=36, velocity=127), 0.0)
    assert hit == Message("/morph/trigger", (1.0, "kick"))


@pytest.mark.parametrize(
    ("moved", "target", "reason"),
    [
        ([cc(1, 1)], "", "no target"),
        ([cc(1, 1)], "macr/0", "did you mean /morph/macro/<i>?"),
        ([midi("note_on", note=36, velocity=9)], "gain", "target is '/morph/gain'"),
        ([midi("note_off", note=36)], "trigger", "nothing to learn"),
    ],
)
def test_message_or_target_that_gives_no_rule_is_refused(moved: list[Any], target: str, reason: str) -> None:
    with pytest.raises(MapError, match=reason):
        learn(MidiMap(), moved, target)


def test_macros_are_reported_with_the_values_that_were_set(tiny_model: Any) -> None:
    """After `/morph/macro/1 v`, the value reported for axis 1 is v; those of other axes have not changed."""
    space = LatentSpace(read_model(tiny_model).info)
    info = space.info
    start = list(info.classes[0].centroid)
    command: Any = parse(Message("/morph/macro/1", (1.5,)), space)
    along = sum((a - o) * x for a, o, x in zip(start, command.origin, command.axis, strict=True))
    moved = [a + (command.value - along) * x for a, x in zip(start, command.axis, strict=True)]
    before, after = space.macros(start), space.macros(moved)
    assert after[1] == pytest.approx(1.5, abs=1e-5)
    assert after[0] == pytest.approx(before[0], abs=1e-4)
    assert after[2:] == pytest.approx(before[2:], abs=1e-4)


def test_midi_note_sounds_in_the_same_block_as_an_osc_trigger(make_mixer: Any, tiny_model: Any) -> None:
    blocks = []
    for by_midi in (False, True):
        engine = Engine(make_mixer(), block_size=512, pulled=True)
        control = Control(read_model(tiny_model).info, engine)
        link = LocalConnection(lambda messages, due, control=control: control.handle(messages, ("", 0)))  # type: ignore[misc]
        note = midi("note_on", note=36, velocity=127)
        link.send(Mapper(DEFAULT).feed(note, 0.0) if by_midi else [Message("/morph/trigger", (1.0, "kick"))])
        blocks.append(np.zeros((512, 2), np.float32))
        engine.hand_over(blocks[-1])
    assert blocks[0].any()
    np.testing.assert_array_equal(blocks[0], blocks[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has the ALSA sequencer")
def test_error_without_midi_names_only_back_ends_of_this_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(midi_ports, "SEQUENCER", tmp_path / "none")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with pytest.raises(midi_ports.PortError) as refused:
        midi_ports.names()
    assert re.fullmatch(r"MIDI is not available \(alsa: .*none; jack: .*\)", str(refused.value))
    with pytest.raises(midi_ports.PortError, match=r"\(windows: not available on this system\)"):
        midi_ports.names("windows")
