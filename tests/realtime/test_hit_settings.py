"""Each row of `HIT_SETTINGS` is a setting for hits in messages, sequencer lanes, files, MIDI and OSCQuery."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import mido
import pytest

from realtime.control.dispatcher import Control
from realtime.control.pattern import Lane, Pattern, Patterns
from realtime.control.protocol import Message
from realtime.model.decoder import Decoder
from realtime.offline.sequence import read
from realtime.surfaces.midi import Mapper
from realtime.surfaces.midi_map import Knob, MidiMap
from realtime.surfaces.oscquery import find, learn, tree
from realtime.surfaces.web.snapshot import snapshot
from realtime.synth.command_log import from_json, to_json
from realtime.synth.commands import HIT_SETTINGS, HitSetting, SetStep, Trigger
from tests.realtime.control.recording_player import RecordingPlayer

ME = ("127.0.0.1", 1000)

pytestmark = pytest.mark.parametrize("row", HIT_SETTINGS.values(), ids=HIT_SETTINGS.keys())


@pytest.fixture
def player() -> RecordingPlayer:
    return RecordingPlayer()


@pytest.fixture
def control(decoder: Decoder, player: RecordingPlayer) -> Control:
    classes = tuple(replace(each, velocity=(1.0, 0.0, 0.0, 0.0)) for each in decoder.info.classes)
    return Control(replace(decoder.info, classes=classes), player)


def highest(row: HitSetting) -> Trigger:
    """Return a hit with the highest value of the setting."""
    return Trigger().with_settings({row.name: row.quantity.high})


def test_setting_is_a_field_of_a_hit_and_zero_is_its_default(row: HitSetting) -> None:
    assert Trigger().with_settings({row.name: 0}) == Trigger()
    assert Trigger().settings[row.name] == 0
    assert highest(row) != Trigger()
    assert highest(row).settings == {**Trigger().settings, row.name: row.quantity.high}


def test_message_sets_the_value_for_new_hits(
    row: HitSetting, control: Control, player: RecordingPlayer
) -> None:
    player.take()
    control.handle([Message(f"/morph/{row.name}", (row.quantity.high,)), Message("/morph/trigger")], ME)
    assert player.take()[-1] == highest(row)
    (reply,) = control.handle([Message("/morph/get/settings")], ME)
    assert dict(zip(reply.arguments[::2], reply.arguments[1::2], strict=True))[row.name] == row.quantity.high
    (error,) = control.handle([Message(f"/morph/{row.name}", (row.quantity.high + 1,))], ME)
    assert row.quantity.accepted in error.arguments[1]


def test_lane_of_the_sequencer_has_the_setting_and_the_preset_file_keeps_it(
    row: HitSetting, control: Control, player: RecordingPlayer
) -> None:
    lane = "/morph/seq/lane/0"
    drawn = [Message("/morph/seq/add"), Message(f"{lane}/{row.name}", (row.quantity.high,))]
    control.handle([*drawn, Message(f"{lane}/step/0", (1.0,))], ME)
    assert player.take()[-1] == SetStep(0, (highest(row),))
    pattern = Pattern().with_lane(Lane(hit=highest(row)))
    kept = json.loads(json.dumps(Patterns(pattern).section()))
    assert kept["grid"]["lanes"] == [{row.name: row.quantity.high}]
    assert Patterns.read(kept) == (Patterns(pattern), 0)


def test_log_keeps_the_setting(row: HitSetting) -> None:
    line = to_json(0, highest(row))
    assert line == {"at": 0, "do": "trigger", row.field: getattr(highest(row), row.field)}
    assert from_json(line, 4) == (0, highest(row))


def test_step_of_a_sequence_file_has_the_setting(row: HitSetting, tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    value = "true" if row.switch else row.quantity.high
    path.write_text(f"[[step]]\nbeat = 0\n{row.name} = {value}\n")
    assert read(path).steps[0].trigger == highest(row)


def test_midi_oscquery_and_the_web_page_know_the_setting(row: HitSetting, control: Control) -> None:
    knob = Knob(f"/morph/{row.name}", 20, low=row.quantity.low, high=row.quantity.high, pickup=False)
    (turned,) = Mapper(MidiMap((knob,))).feed(mido.Message("control_change", control=20, value=127), 0.0)
    assert turned == Message(f"/morph/{row.name}", (row.quantity.high,))
    control.handle([turned], ME)
    known = learn(lambda messages: control.handle(messages, ME))
    node = find(tree(control.info, known), f"/morph/{row.name}")
    assert node is not None
    assert (node["VALUE"], node["RANGE"]) == (
        [row.quantity.high],
        [{"MIN": row.quantity.low, "MAX": row.quantity.high}],
    )
    assert snapshot(control)["settings"][row.name] == row.quantity.high
