"""The sequencer by messages: what is edited reaches the player once, and everybody who wants to know."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from realtime.control.dispatcher import Control, Sender
from realtime.control.pattern import MAX_LANES, Pattern, Patterns
from realtime.control.presets import PresetFile
from realtime.control.protocol import Message
from realtime.control.settings import GESTURE_S
from realtime.model.decoder import Decoder
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

ANNA: Sender = ("127.0.0.1", 2000)
BERT: Sender = ("127.0.0.1", 3000)
DRUMS = [("add", "kick", "snare"), ("add", "hihat"), ("add",)]


class Notebook:
    """A player that writes down what it is asked to do."""

    def __init__(self, dim: int) -> None:
        self.asked: list[Command] = []
        self.dues: list[float | None] = []
        self._z = [0.0] * dim

    def submit(self, commands: Sequence[Command], due: float | None = None) -> bool:
        self.asked += commands
        self.dues.append(due)
        return True

    def submit_from(self, commands: Sequence[Command], due: float | None = None) -> tuple[bool, list[float]]:
        return self.submit(commands, due), self._z

    def status(self) -> dict[str, int | float | str]:
        return {"gain_db": 0.0, "mode": "live"}

    def latency(self) -> dict[str, float]:
        return {}

    def z(self) -> list[float]:
        return self._z

    def arrivals(self) -> Iterator[int]:
        return iter(())


class Instruments:
    """Builds the same model again and again."""

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def encode(self, file: str) -> tuple[float, ...]:
        raise RealtimeError("no encoder")

    def build(self, file: str) -> Instruments:
        return self

    def install(self, instrument: Instruments) -> None:
        pass


class Stage:
    """A control, what it asks of its player, and a clock that stands still until it is moved."""

    def __init__(self, info: ModelInfo, shelf: PresetFile | None = None) -> None:
        self.now = 1000.0
        self.player = Notebook(info.latent_dim)
        self.control = Control(
            info, self.player, shelf=shelf, studio=Instruments(info), clock=lambda: self.now
        )
        self.begun = list(self.player.asked)

    def say(
        self, *messages: tuple[Any, ...], due: float | None = None
    ) -> tuple[list[Message], list[Command]]:
        """Send messages, each an address after /morph/seq/ and arguments; the answers, and the commands."""
        self.player.asked.clear()
        bundle = [Message(f"/morph/seq/{address}", tuple(values)) for address, *values in messages]
        answers = self.control.handle(bundle, ANNA, due)
        return answers, list(self.player.asked)

    def error(self, *message: Any) -> str:
        """Send a message that is refused: the reason."""
        (answer,), asked = self.say(message)
        assert (answer.address, asked) == ("/morph/error", [])
        return str(answer.arguments[1])

    def state(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What `/morph/get/seq` says: of the pattern, and of each lane."""
        head, *lanes = self.control.handle([Message("/morph/get/seq")], BERT)
        assert [lane.arguments[0] for lane in lanes] == [*range(len(lanes))]
        return _facts(head.arguments), [_lane(lane) for lane in lanes]

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
def info(decoder: Decoder) -> ModelInfo:
    return decoder.info


@pytest.fixture
def stage(info: ModelInfo) -> Stage:
    return Stage(info)


def between(info: ModelInfo, a: str, b: str, t: float) -> tuple[float, ...]:
    points = {each.name: each.centroid for each in info.classes}
    return tuple((1 - t) * x + t * y for x, y in zip(points[a], points[b], strict=True))


def test_an_edit_tells_the_player_of_the_steps_that_change_and_of_no_others(stage: Stage) -> None:
    stage.say(*DRUMS, ("lane/2/step/3", 0.5))
    answers, asked = stage.say(("lane/0/step/3", 1.0, 0.25))
    morphed = Trigger(1.0, point=between(stage.control.info, "kick", "snare", 0.25))
    assert answers == []
    assert asked == [SetStep(3, (morphed, Trigger(0.5)))]
    assert stage.say(("lane/0/step/3", 1.0))[1] == []
    assert stage.say(("lane/0/step/3", 0.0))[1] == [SetStep(3, (Trigger(0.5),))]


def test_a_lane_is_told_its_number(stage: Stage) -> None:
    answers, _ = stage.say(*DRUMS)
    assert answers == [Message("/morph/done", ("/morph/seq/add", i)) for i in range(3)]


def test_hits_have_the_settings_of_their_lane(stage: Stage) -> None:
    stage.say(("add",), ("lane/0/pitch", -3.0), ("lane/0/pan", 0.5), ("lane/0/decay", 80.0))
    _, asked = stage.say(("lane/0/reverse", 1), ("lane/0/choke", 2), ("lane/0/step/0", 0.5))
    hit = Trigger(0.5, pitch=-3.0, pan=0.5, decay_ms=80.0, reverse=True, choke=2)
    assert asked == [SetStep(0, (hit,))]
    assert stage.say(("lane/0/mute", 1))[1] == [SetStep(0, ())]
    assert stage.say(("lane/0/mute", 0))[1] == [SetStep(0, (hit,))]


def test_whole_rows_start_at_the_first_step_and_leave_hidden_steps_alone(stage: Stage) -> None:
    stage.say(("add", "kick"), ("steps", 17), ("lane/0/step/16", 0.75), ("steps", 16))
    stage.say(("lane/0/velocities", 1.0, 0.0, 0.5), ("lane/0/morphs", *[0.5] * 16))
    stage.say(("lane/0/velocities", 0.25))
    (lane,) = stage.state()[1]
    assert lane["velocities"] == (0.25, *[0.0] * 15)
    assert lane["morphs"] == (0.5,) * 16
    stage.say(("steps", 17))
    (lane,) = stage.state()[1]
    assert (lane["velocities"][16], lane["morphs"][16]) == (0.75, 0.0)


def test_tempo_swing_and_length_go_together_as_finely_as_they_are_kept(stage: Stage) -> None:
    single = 120.09999847412109  # 120.1 as a 32-bit float
    assert stage.say(("tempo", single), ("swing", 66.66), ("steps", 20))[1] == [SetClock(120.1, 66.7, 20)]
    head, _ = stage.state()
    assert (head["tempo"], head["swing"], head["steps"]) == (120.1, 66.7, 20)


def test_start_stop_and_panic_are_seen_by_others(stage: Stage) -> None:
    for message, command, playing in (("start", StartSteps(), 1), ("stop", StopSteps(), 0)):
        assert stage.say((message,))[1] == [command]
        assert stage.state()[0]["playing"] == playing
    stage.say(("start",))
    stage.control.handle([Message("/morph/panic")], BERT)
    assert stage.player.asked[-1] == Panic()
    assert stage.state()[0]["playing"] == 0


def test_edits_of_a_bundle_reach_the_player_before_its_start(stage: Stage) -> None:
    _, asked = stage.say(("start",), ("add",), ("lane/0/step/0", 1.0))
    assert asked == [SetStep(0, (Trigger(1.0),)), StartSteps()]


def test_start_takes_a_time_tag_and_edits_take_none(stage: Stage) -> None:
    assert stage.say(("start",), due=1001.0) == ([], [StartSteps()])
    assert stage.player.dues[-1] == 1001.0
    (answer,), asked = stage.say(("tempo", 90.0), due=1001.0)
    assert (answer.address, asked) == ("/morph/error", [])
    assert "time tag" in str(answer.arguments[1])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (("lane/3/step/0", 1.0), "lanes 0 to 2"),
        (("lane/0/step/16", 1.0), "steps 0 to 15"),
        (("lane/0/velocities", *[1.0] * 17), "up to 16 numbers"),
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
def test_mistakes_are_told_and_change_nothing(stage: Stage, message: tuple[Any, ...], reason: str) -> None:
    stage.say(*DRUMS)
    before = stage.state()
    assert reason in stage.error(*message)
    assert stage.state() == before


def test_there_is_an_end_to_lanes(stage: Stage) -> None:
    assert "there are no lanes" in stage.error("lane/0/mute", 1)
    assert "nothing to undo" in stage.error("undo")
    stage.say(*[("add",)] * MAX_LANES)
    assert "64 lanes already" in stage.error("add")


def test_a_lane_that_goes_takes_its_hits_along(stage: Stage) -> None:
    stage.say(*DRUMS, ("lane/0/step/0", 1.0), ("lane/2/step/0", 0.5))
    assert stage.say(("lane/0/remove",))[1] == [SetStep(0, (Trigger(0.5),))]
    assert [lane["from"] for lane in stage.state()[1]] == ["hihat", ""]
    assert stage.say(("clear",))[1] == [SetStep(0, ())]
    assert stage.state()[1] == []


def test_undo_goes_by_gestures_and_reaches_the_player(stage: Stage) -> None:
    stage.say(("add",))
    stage.now += GESTURE_S
    stage.say(("lane/0/step/0", 0.5))
    stage.say(("lane/0/step/0", 1.0))
    stage.now += GESTURE_S
    stage.say(("tempo", 90.0))
    head, _ = stage.state()
    assert (head["undo"], head["redo"]) == (1, 0)
    assert stage.say(("undo",))[1] == [SetClock(120.0, 50.0, 16)]
    assert stage.say(("undo",))[1] == [SetStep(0, ())]
    assert stage.say(("redo",))[1] == [SetStep(0, (Trigger(1.0),))]
    stage.say(("undo",), ("undo",))
    head, lanes = stage.state()
    assert (head["undo"], head["redo"], lanes) == (0, 1, [])
    stage.say(("add",))
    assert "nothing to redo" in stage.error("redo")


def test_patterns_are_kept_and_come_back_with_tempo_and_swing(stage: Stage, info: ModelInfo) -> None:
    stage.say(("add", "kick"), ("lane/0/step/4", 1.0), ("tempo", 90.0), ("store", "intro"))
    kept = stage.state()[1]
    assert stage.state()[0]["pattern"] == "intro"
    stage.say(("clear",), ("tempo", 150.0))
    assert stage.state()[0]["pattern"] == ""
    _, asked = stage.say(("recall", "intro"))
    kick = Trigger(1.0, point=between(info, "kick", "kick", 0.0))
    assert asked == [SetClock(90.0, 50.0, 16), SetStep(4, (kick,))]
    head, lanes = stage.state()
    assert (head["pattern"], head["tempo"], lanes) == ("intro", 90.0, kept)
    (names,) = stage.control.handle([Message("/morph/get/patterns")], ANNA)
    assert names == Message("/morph/patterns.reply", ("intro",))
    stage.say(("delete", "intro"))
    assert "no pattern named 'intro'" in stage.error("recall", "intro")


def test_patterns_and_the_grid_survive_a_restart_at_rest(info: ModelInfo, tmp_path: Path) -> None:
    shelf = PresetFile(tmp_path / "presets.json")
    first = Stage(info, shelf)
    first.say(("add", "kick", "snare"), ("lane/0/step/1", 0.5, 1.0), ("store", "verse"))
    first.say(("lane/0/step/1", 1.0), ("lane/0/pan", -0.5), ("swing", 60.0), ("start",))
    _, lanes = first.state()
    first.control.close()
    again = Stage(info, shelf)
    head, lanes_again = again.state()
    assert (lanes_again, head["swing"], head["playing"]) == (lanes, 60.0, 0)
    hit = Trigger(1.0, pan=-0.5, point=between(info, "kick", "snare", 1.0))
    assert [each for each in again.begun if not isinstance(each, Prepare)] == [
        SetClock(120.0, 60.0, 16),
        SetStep(1, (hit,)),
    ]
    again.say(("recall", "verse"))
    assert again.state()[1][0]["velocities"][1] == 0.5


def test_another_model_comes_with_its_own_pattern_at_rest(info: ModelInfo, tmp_path: Path) -> None:
    """The pattern that was edited is kept, though nobody has stored it."""
    stage = Stage(info, PresetFile(tmp_path / "presets.json"))
    stage.say(("add",), ("lane/0/step/9", 0.5), ("start",))
    _, lanes = stage.state()
    stage.player.asked.clear()
    stage.control.handle([Message("/morph/model", ("other",))], ANNA)
    while (ANNA, Message("/morph/done", ("/morph/model", "other"))) not in stage.news():
        time.sleep(stage.control.patience())
    head, lanes_again = stage.state()
    assert (head["playing"], head["undo"], lanes_again) == (0, 0, lanes)
    told = [each for each in stage.player.asked if not isinstance(each, Prepare)]
    assert told == [SetStep(9, (Trigger(0.5),))]


def test_presets_stay_with_patterns_in_one_file(info: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    stage = Stage(info, PresetFile(path))
    stage.control.handle([Message("/morph/preset/store", ("fat",))], ANNA)
    stage.say(("add", "fat"), ("store", "one"))
    stage.control.close()
    (section,) = json.loads(path.read_text())["models"].values()
    assert set(section) == {"presets", "last", "sequencer"}
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
def test_what_is_no_pattern_is_left_out(pattern: Any) -> None:
    good = {"tempo": 100, "lanes": [{"velocities": [1, 0.5]}]}
    patterns, odd = Patterns.read({"grid": pattern, "patterns": {"bad": pattern, "good": good}})
    assert (list(patterns), patterns.grid, odd) == (["good"], Pattern(), 2)
    assert patterns["good"].lanes[0].velocities[:3] == (1.0, 0.5, 0.0)


def test_patterns_that_do_not_fit_are_told_and_the_file_is_kept(info: ModelInfo, tmp_path: Path) -> None:
    path, said = tmp_path / "presets.json", list[str]()
    shelf = PresetFile(path, said.append)
    stage = Stage(info, shelf)
    stage.say(("add",), ("store", "one"))
    stage.control.close()
    path.write_text(path.read_text().replace('"tempo": 120.0', '"tempo": 1.0'))
    assert list(shelf.open(info).patterns) == []
    assert said == [f"{path}: 2 patterns do not fit {info.name} and are left out"]
    assert (tmp_path / "presets.json.broken-1").exists()


def test_a_lane_follows_its_preset_and_is_silent_without(stage: Stage, info: ModelInfo) -> None:
    def preset(what: str, *z: float) -> list[Command]:
        stage.player.asked.clear()
        stage.control.handle([Message("/morph/z", z)] if z else [], BERT)
        stage.control.handle([Message(f"/morph/preset/{what}", ("mine",))], BERT)
        return [each for each in stage.player.asked if isinstance(each, SetStep)]

    here, there = (0.5,) * info.latent_dim, (-0.5,) * info.latent_dim
    preset("store", *here)
    stage.say(("add", "mine"), ("lane/0/step/0", 1.0))
    assert preset("store", *there) == [SetStep(0, (Trigger(1.0, point=there),))]
    assert preset("delete") == [SetStep(0, ())]
    (lane,) = stage.state()[1]
    assert (lane["from"], lane["missing"]) == ("mine", "mine")


def test_subscribers_are_told_what_changes_whoever_changes_it(stage: Stage) -> None:
    stage.say(*DRUMS)
    stage.news()
    stage.control.handle([Message("/morph/subscribe", (BERT[1], 1000.0))], BERT)
    stage.news()
    stage.say(("lane/1/step/5", 0.75))
    head, *lanes = stage.control.handle([Message("/morph/get/seq")], ANNA)
    assert stage.news() == [(BERT, head), (BERT, lanes[1])]
    assert stage.news() == []
    stage.say(("start",))
    ((whom, told),) = stage.news()
    assert (whom, _facts(told.arguments)["playing"]) == (BERT, 1)


def test_the_revision_in_the_status_tells_of_every_change(stage: Stage) -> None:
    def revision() -> int:
        (status,) = stage.control.handle([Message("/morph/get/status")], BERT)
        told = _facts(status.arguments)["seq_revision"]
        assert stage.state()[0]["revision"] == told
        return int(told)

    seen = [revision()]
    for message in (("add",), ("lane/0/step/0", 1.0), ("undo",), ("start",), ("stop",), ("store", "a")):
        stage.say(message)
        seen.append(revision())
        assert seen[-1] == revision()
    assert seen == sorted(set(seen))


def test_sounds_are_decoded_ahead_once_an_edit_is_over(stage: Stage, info: ModelInfo) -> None:
    stage.say(("add", "kick", "snare"), ("lane/0/step/0", 1.0, 0.25), ("lane/0/step/8", 1.0, 0.75))
    stage.player.asked.clear()
    stage.news()
    assert stage.player.asked == []
    stage.now += 1.0
    stage.news()
    points = tuple(between(info, "kick", "snare", t) for t in (0.25, 0.75))
    assert stage.player.asked == [Prepare(points)]
    stage.news()
    assert len(stage.player.asked) == 1


def test_a_player_that_begins_anew_gets_the_pattern_and_plays_on(stage: Stage) -> None:
    stage.say(("add",), ("lane/0/step/0", 1.0), ("tempo", 90.0), ("start",))
    stage.player.asked.clear()
    stage.control.resume()
    told = [each for each in stage.player.asked if not isinstance(each, Prepare)]
    assert told == [SetClock(90.0, 50.0, 16), SetStep(0, (Trigger(1.0),)), StartSteps()]
