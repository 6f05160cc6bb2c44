"""Tests for edits of the sequencer's pattern: each edit reaches the player once, and all subscribers.

A pattern has lanes; a lane plays one sound, or a morph between two sounds, at some of the steps.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from realtime.control.dispatcher import Control
from realtime.control.pattern import MAX_LANES, Pattern, Patterns
from realtime.control.presets import PresetFile
from realtime.control.protocol import Message, Sender
from realtime.control.state.history import GESTURE_S
from realtime.model.schema import ModelInfo
from realtime.synth.commands import (
    Command,
    Panic,
    Prepare,
    SetClock,
    SetStep,
    StartSteps,
    StopSteps,
    Trigger,
)
from realtime.util.errors import RealtimeError
from tests.realtime.control.recording_player import RecordingPlayer

ANNA: Sender = ("127.0.0.1", 2000)
BERT: Sender = ("127.0.0.1", 3000)
DRUMS = [("add", "kick", "snare"), ("add", "hihat"), ("add",)]


class Instruments:
    """Instruments that return the same model, `info`, for every file."""

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def encode(self, file: str) -> tuple[float, ...]:
        raise RealtimeError("no encoder")

    def name_axes(self) -> tuple[str, ...]:
        return ()

    def build(self, file: str) -> Instruments:
        return self

    def install(self, instrument: Instruments) -> None:
        pass


class Rig:
    """A dispatcher of messages with a player that records its commands, and a clock that the test sets."""

    def __init__(self, info: ModelInfo, shelf: PresetFile | None = None) -> None:
        self.now = 1000.0
        self.player = RecordingPlayer([0.0] * info.latent_dim)
        self.instruments = Instruments(info)
        self.control = Control(
            info, self.player, preset_file=shelf, instruments=self.instruments, clock=lambda: self.now
        )
        self.begun = self.player.take()

    def say(
        self, *messages: tuple[Any, ...], due: float | None = None
    ) -> tuple[list[Message], list[Command]]:
        """Send messages, each an address after /morph/seq/ and arguments; return replies and commands."""
        self.player.take()
        bundle = [Message(f"/morph/seq/{address}", tuple(values)) for address, *values in messages]
        answers = self.control.handle(bundle, ANNA, due)
        return answers, self.player.take()

    def error(self, *message: Any) -> str:
        """Send a message that must be refused; return the reason in the reply."""
        (answer,), asked = self.say(message)
        assert (answer.address, asked) == ("/morph/error", [])
        return str(answer.arguments[1])

    def state(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the replies to `/morph/get/seq`: the state of the pattern, and that of each lane."""
        head, *lanes = self.control.handle([Message("/morph/get/seq")], BERT)
        assert [lane.arguments[0] for lane in lanes] == [*range(len(lanes))]
        return _facts(head.arguments), [_lane(lane) for lane in lanes]

    def change_model(self, name: str) -> None:
        """Switch to a model; return when the change is complete."""
        self.control.handle([Message("/morph/model", (name,))], ANNA)
        end = time.monotonic() + 30.0
        while (ANNA, Message("/morph/done", ("/morph/model", name))) not in self.news():
            assert time.monotonic() < end
            time.sleep(self.control.news_interval_s())

    def news(self) -> list[tuple[Sender, Message]]:
        return list(self.control.news())


def _facts(arguments: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(arguments[::2], arguments[1::2], strict=True))


def _lane(message: Message) -> dict[str, Any]:
    at = message.arguments.index("steps")
    steps = message.arguments[at + 1 :]
    rows = {"velocities": steps[::2], "morphs": steps[1::2]}
    return {**_facts(message.arguments[1:at]), **rows}


@pytest.fixture
def rig(info: ModelInfo) -> Rig:
    return Rig(info)


def between(info: ModelInfo, a: str, b: str, t: float) -> tuple[float, ...]:
    points = {each.name: each.centroid for each in info.classes}
    return tuple((1 - t) * x + t * y for x, y in zip(points[a], points[b], strict=True))


def test_edit_sends_the_player_only_the_changed_steps(rig: Rig) -> None:
    rig.say(*DRUMS, ("lane/2/step/3", 0.5))
    answers, asked = rig.say(("lane/0/step/3", 1.0, 0.25))
    morphed = Trigger(1.0, point=between(rig.control.info, "kick", "snare", 0.25))
    assert answers == []
    assert asked == [SetStep(3, (morphed, Trigger(0.5)))]
    assert rig.say(("lane/0/step/3", 1.0))[1] == []
    assert rig.say(("lane/0/step/3", 0.0))[1] == [SetStep(3, (Trigger(0.5),))]


def test_add_replies_with_the_index_of_the_lane(rig: Rig) -> None:
    answers, _ = rig.say(*DRUMS)
    assert answers == [Message("/morph/done", ("/morph/seq/add", i)) for i in range(3)]


def test_hits_use_the_settings_of_their_lane(rig: Rig) -> None:
    rig.say(("add",), ("lane/0/pitch", -3.0), ("lane/0/pan", 0.5), ("lane/0/decay", 80.0))
    _, asked = rig.say(("lane/0/reverse", 1), ("lane/0/choke", 2), ("lane/0/step/0", 0.5))
    hit = Trigger(0.5, pitch=-3.0, pan=0.5, decay_ms=80.0, reverse=True, choke=2)
    assert asked == [SetStep(0, (hit,))]
    assert rig.say(("lane/0/mute", 1))[1] == [SetStep(0, ())]
    assert rig.say(("lane/0/mute", 0))[1] == [SetStep(0, (hit,))]


def test_lists_of_velocities_and_morphs_replace_all_steps_within_the_patterns_length(rig: Rig) -> None:
    rig.say(("add", "kick"), ("steps", 17), ("lane/0/step/16", 0.75), ("steps", 16))
    rig.say(("lane/0/velocities", 1.0, 0.0, 0.5), ("lane/0/morphs", *[0.5] * 16))
    rig.say(("lane/0/velocities", 0.25))
    (lane,) = rig.state()[1]
    assert lane["velocities"] == (0.25, *[0.0] * 15)
    assert lane["morphs"] == (0.5,) * 16
    rig.say(("steps", 17))
    (lane,) = rig.state()[1]
    assert (lane["velocities"][16], lane["morphs"][16]) == (0.75, 0.0)


def test_tempo_swing_and_length_reach_the_player_rounded_and_in_one_command(rig: Rig) -> None:
    single = 120.09999847412109  # the 32-bit float closest to 120.1
    assert rig.say(("tempo", single), ("swing", 66.66), ("steps", 20))[1] == [SetClock(120.1, 66.7, 20)]
    head, _ = rig.state()
    assert (head["tempo"], head["swing"], head["steps"]) == (120.1, 66.7, 20)


def test_state_shows_whether_the_sequencer_plays_after_start_stop_and_panic(rig: Rig) -> None:
    for message, command, playing in (("start", StartSteps(), 1), ("stop", StopSteps(), 0)):
        assert rig.say((message,))[1] == [command]
        assert rig.state()[0]["playing"] == playing
    rig.say(("start",))
    rig.control.handle([Message("/morph/panic")], BERT)
    assert rig.player.take()[-1] == Panic()
    assert rig.state()[0]["playing"] == 0


def test_edits_of_a_bundle_reach_the_player_before_its_start_command(rig: Rig) -> None:
    _, asked = rig.say(("start",), ("add",), ("lane/0/step/0", 1.0))
    assert asked == [SetStep(0, (Trigger(1.0),)), StartSteps()]


def test_start_accepts_a_time_tag_and_edits_refuse_one(rig: Rig) -> None:
    assert rig.control.handle([Message("/morph/seq/start")], ANNA, 1001.0) == []
    assert rig.player.played[-1] == ((StartSteps(),), 1001.0)
    (answer,), asked = rig.say(("tempo", 90.0), due=1001.0)
    assert (answer.address, asked) == ("/morph/error", [])
    assert "time tag" in str(answer.arguments[1])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (("lane/3/step/0", 1.0), "lane is 3, not 0 to 2"),
        (("lane/0/step/16", 1.0), "step is 16, not 0 to 15"),
        (("lane/0/velocities", *[1.0] * 17), "at most 16 numbers"),
        (("add", "kik"), "did you mean kick"),
        (("lane/0/sound", "kick", "snar"), "did you mean snare"),
        (("tempo", 10.0), "a number from 20 to 300"),
        (("swing", 80.0), "a number from 50 to 75"),
        (("steps", 8), "from 16 to 64"),
        (("recall", "nothing"), "no pattern named 'nothing'"),
        (("delete", "nothing"), "no pattern named 'nothing'"),
        (("store", " "), "printable characters"),
    ],
)
def test_invalid_edit_is_refused_and_changes_nothing(rig: Rig, message: tuple[Any, ...], reason: str) -> None:
    rig.say(*DRUMS)
    before = rig.state()
    assert reason in rig.error(*message)
    assert rig.state() == before


def test_number_of_lanes_is_limited(rig: Rig) -> None:
    assert "there are no lanes" in rig.error("lane/0/mute", 1)
    assert "nothing to undo" in rig.error("undo")
    rig.say(*[("add",)] * MAX_LANES)
    assert "64 lanes already" in rig.error("add")


def test_removing_a_lane_removes_its_hits(rig: Rig) -> None:
    rig.say(*DRUMS, ("lane/0/step/0", 1.0), ("lane/2/step/0", 0.5))
    assert rig.say(("lane/0/remove",))[1] == [SetStep(0, (Trigger(0.5),))]
    assert [lane["from"] for lane in rig.state()[1]] == ["hihat", ""]
    assert rig.say(("clear",))[1] == [SetStep(0, ())]
    assert rig.state()[1] == []


def test_undo_reverts_a_gesture_and_reaches_the_player(rig: Rig) -> None:
    rig.say(("add",))
    rig.now += GESTURE_S
    rig.say(("lane/0/step/0", 0.5))
    rig.say(("lane/0/step/0", 1.0))
    rig.now += GESTURE_S
    rig.say(("tempo", 90.0))
    head, _ = rig.state()
    assert (head["undo"], head["redo"]) == (1, 0)
    assert rig.say(("undo",))[1] == [SetClock(120.0, 50.0, 16)]
    assert rig.say(("undo",))[1] == [SetStep(0, ())]
    assert rig.say(("redo",))[1] == [SetStep(0, (Trigger(1.0),))]
    rig.say(("undo",), ("undo",))
    head, lanes = rig.state()
    assert (head["undo"], head["redo"], lanes) == (0, 1, [])
    rig.say(("add",))
    assert "nothing to redo" in rig.error("redo")


def test_recall_restores_lanes_tempo_and_swing_of_a_pattern(rig: Rig, info: ModelInfo) -> None:
    rig.say(("add", "kick"), ("lane/0/step/4", 1.0), ("tempo", 90.0), ("store", "intro"))
    kept = rig.state()[1]
    assert rig.state()[0]["pattern"] == "intro"
    rig.say(("clear",), ("tempo", 150.0))
    assert rig.state()[0]["pattern"] == ""
    _, asked = rig.say(("recall", "intro"))
    kick = Trigger(1.0, point=between(info, "kick", "kick", 0.0))
    assert asked == [SetClock(90.0, 50.0, 16), SetStep(4, (kick,))]
    head, lanes = rig.state()
    assert (head["pattern"], head["tempo"], lanes) == ("intro", 90.0, kept)
    (names,) = rig.control.handle([Message("/morph/get/patterns")], ANNA)
    assert names == Message("/morph/patterns.reply", ("intro",))
    rig.say(("delete", "intro"))
    assert "no pattern named 'intro'" in rig.error("recall", "intro")


def test_patterns_survive_a_restart_and_the_sequencer_is_stopped(info: ModelInfo, tmp_path: Path) -> None:
    shelf = PresetFile(tmp_path / "presets.json")
    first = Rig(info, shelf)
    first.say(("add", "kick", "snare"), ("lane/0/step/1", 0.5, 1.0), ("store", "verse"))
    first.say(("lane/0/step/1", 1.0), ("lane/0/pan", -0.5), ("swing", 60.0), ("start",))
    _, lanes = first.state()
    first.control.close()
    again = Rig(info, shelf)
    head, lanes_again = again.state()
    assert (lanes_again, head["swing"], head["playing"]) == (lanes, 60.0, 0)
    hit = Trigger(1.0, pan=-0.5, point=between(info, "kick", "snare", 1.0))
    assert [each for each in again.begun if not isinstance(each, Prepare)] == [
        SetClock(120.0, 60.0, 16),
        SetStep(1, (hit,)),
    ]
    again.say(("recall", "verse"))
    assert again.state()[1][0]["velocities"][1] == 0.5


def test_change_of_model_restores_the_pattern_of_that_model_and_stops_the_sequencer(
    info: ModelInfo, tmp_path: Path
) -> None:
    """The pattern is restored although it was never stored under a name."""
    rig = Rig(info, PresetFile(tmp_path / "presets.json"))
    rig.say(("add",), ("lane/0/step/9", 0.5), ("start",))
    _, lanes = rig.state()
    rig.player.take()
    rig.change_model("other")
    head, lanes_again = rig.state()
    assert (head["playing"], head["undo"], lanes_again) == (0, 0, lanes)
    told = [each for each in rig.player.take() if not isinstance(each, Prepare)]
    assert told == [SetStep(9, (Trigger(0.5),))]


def test_new_version_of_the_model_keeps_the_loop_playing_and_the_presets(info: ModelInfo) -> None:
    rig = Rig(info)
    rig.control.handle([Message("/morph/preset/store", ("fat",))], ANNA)
    rig.say(("add", "fat"), ("lane/0/step/9", 0.5), ("store", "one"), ("start",))
    before = rig.state()
    rig.player.take()
    newer = dataclasses.replace(info, loudness_db=info.loudness_db - 1.0)
    rig.instruments.info = newer
    rig.change_model("newer")
    head, lanes = rig.state()
    assert rig.control.info is newer
    assert (head["playing"], lanes) == (1, before[1])
    assert list(rig.control.presets) == ["fat"]
    assert list(rig.control.presets.patterns) == ["one"]
    told = [each for each in rig.player.take() if not isinstance(each, Prepare)]
    assert not any(isinstance(each, StartSteps | StopSteps) for each in told)


def test_presets_and_patterns_share_one_file(info: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    rig = Rig(info, PresetFile(path))
    rig.control.handle([Message("/morph/preset/store", ("fat",))], ANNA)
    rig.say(("add", "fat"), ("store", "one"))
    rig.control.close()
    (section,) = json.loads(path.read_text())["models"].values()
    assert set(section) == {"sounds", "presets", "last", "sequencer"}
    assert list(section["presets"]) == ["fat"]
    assert list(section["sequencer"]["patterns"]) == ["one"]


@pytest.mark.parametrize(
    "pattern",
    [
        7,
        {"tempo": 5.0},
        {"tempo": float("nan")},
        {"lanes": 3},
        {"lanes": [{"velocities": [2.0]}]},
        {"lanes": [{"velocities": [0.0] * 65}]},
        {"lanes": [{"start": 1, "end": 1}]},
        {"lanes": [{"start": "kick"}]},
        {"lanes": [{"choke": 1.5}]},
        {"lanes": [{}] * (MAX_LANES + 1)},
        {"colour": "red"},
    ],
)
def test_invalid_pattern_is_left_out(pattern: Any) -> None:
    good = {"tempo": 100, "lanes": [{"velocities": [1, 0.5]}]}
    patterns, odd = Patterns.read({"grid": pattern, "patterns": {"bad": pattern, "good": good}})
    assert (list(patterns), patterns.grid, odd) == (["good"], Pattern(), 2)
    assert patterns["good"].lanes[0].velocities[:3] == (1.0, 0.5, 0.0)


def test_patterns_that_do_not_fit_are_reported_and_stay_in_the_file(info: ModelInfo, tmp_path: Path) -> None:
    path, said = tmp_path / "presets.json", list[str]()
    shelf = PresetFile(path, said.append)
    rig = Rig(info, shelf)
    rig.say(("add",), ("store", "one"))
    rig.control.close()
    path.write_text(path.read_text().replace('"tempo": 120.0', '"tempo": 1.0'))
    presets, before = shelf.open(info), path.read_text()
    assert list(presets.patterns) == []
    assert said == [f"{path}: 2 patterns do not fit {info.name} and are left out"]
    shelf.save(presets)
    assert path.read_text() == before


def test_lane_follows_its_preset_and_is_silent_once_the_preset_is_deleted(rig: Rig, info: ModelInfo) -> None:
    def preset(what: str, *z: float) -> list[Command]:
        rig.player.take()
        rig.control.handle([Message("/morph/z", z)] if z else [], BERT)
        rig.control.handle([Message(f"/morph/preset/{what}", ("mine",))], BERT)
        return [each for each in rig.player.take() if isinstance(each, SetStep)]

    here, there = (0.5,) * info.latent_dim, (-0.5,) * info.latent_dim
    preset("store", *here)
    rig.say(("add", "mine"), ("lane/0/step/0", 1.0))
    assert preset("store", *there) == [SetStep(0, (Trigger(1.0, point=there),))]
    assert preset("delete") == [SetStep(0, ())]
    (lane,) = rig.state()[1]
    assert (lane["from"], lane["missing"]) == ("mine", "mine")


def test_subscribers_are_told_of_changes_that_any_sender_makes(rig: Rig) -> None:
    rig.say(*DRUMS)
    rig.news()
    rig.control.handle([Message("/morph/subscribe", (BERT[1], 1000.0))], BERT)
    rig.news()
    rig.say(("lane/1/step/5", 0.75))
    head, *lanes = rig.control.handle([Message("/morph/get/seq")], ANNA)
    assert rig.news() == [(BERT, head), (BERT, lanes[1])]
    assert rig.news() == []
    rig.say(("start",))
    ((receiver, told),) = rig.news()
    assert (receiver, _facts(told.arguments)["playing"]) == (BERT, 1)


def test_revision_of_the_pattern_in_the_status_rises_with_every_change(rig: Rig) -> None:
    def revision() -> int:
        (status,) = rig.control.handle([Message("/morph/get/status")], BERT)
        told = _facts(status.arguments)["seq_revision"]
        assert rig.state()[0]["revision"] == told
        return int(told)

    seen = [revision()]
    for message in (("add",), ("lane/0/step/0", 1.0), ("undo",), ("start",), ("stop",), ("store", "a")):
        rig.say(message)
        seen.append(revision())
        assert seen[-1] == revision()
    assert seen == sorted(set(seen))


def test_sounds_of_the_pattern_are_decoded_ahead_after_an_edit(rig: Rig, info: ModelInfo) -> None:
    rig.say(("add", "kick", "snare"), ("lane/0/step/0", 1.0, 0.25), ("lane/0/step/8", 1.0, 0.75))
    rig.player.take()
    rig.news()
    assert rig.player.take() == []
    rig.now += 1.0
    rig.news()
    points = tuple(between(info, "kick", "snare", t) for t in (0.25, 0.75))
    assert rig.player.take() == [Prepare(points)]
    rig.news()
    assert rig.player.take() == []


def test_restarted_player_gets_the_pattern_and_the_command_to_start(rig: Rig) -> None:
    rig.say(("add",), ("lane/0/step/0", 1.0), ("tempo", 90.0), ("start",))
    rig.player.take()
    rig.control.resume(rig.control.info)
    told = [each for each in rig.player.take() if not isinstance(each, Prepare)]
    assert told == [SetClock(90.0, 50.0, 16), SetStep(0, (Trigger(1.0),)), StartSteps()]


def test_path_moves_the_point_through_its_positions_on_the_map_in_each_loop(rig: Rig) -> None:
    place = rig.control.space.map.tolist()
    asked = rig.say(("path", *place[0], *place[1], *place[2]))[1]
    ways = [each.path for each in asked if isinstance(each, SetStep)]
    assert len(ways) == 16
    assert all(way[-1] == following[0] for way, following in pairwise(ways))
    for step, sound in ((0, 0), (8, 1)):
        assert ways[step][0] == pytest.approx(rig.control.info.anchors[sound].z)
    assert ways[15][-1] == pytest.approx(rig.control.info.anchors[2].z)
    head, path = rig.control.handle([Message("/morph/get/seq")], BERT)
    assert _facts(head.arguments)["path"] == 3
    assert path == Message("/morph/seq/path.reply", tuple(x for each in place[:3] for x in each))
    assert rig.say(("path",))[1] == [SetStep(step, ()) for step in range(16)]
    assert "x and y" in rig.error("path", 0.1, 0.2, 0.3)
    assert "x and y" in rig.error("path", *[0.5] * 130)


def test_a_path_is_stored_with_its_pattern(rig: Rig) -> None:
    pattern = Pattern(path=((0.25, 0.5), (1.0, 0.0)))
    kept = json.loads(json.dumps(Patterns(pattern).section()))
    assert Patterns.read(kept) == (Patterns(pattern), 0)
    for broken in ([[0.5]], [[0.5, 2.0]], [[0.5, "x"]], 7, [[0.1, 0.1]] * 65):
        kept["grid"]["path"] = broken
        assert Patterns.read(kept) == (Patterns(), 1)
