"""Tests for the dispatcher (`Control`), which turns messages into commands for a player and answers senders.

"Point" means the current z, the position in latent space that performers move. Moves in quick succession are
one gesture, which is undone as a unit.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from realtime.control import replies
from realtime.control.dispatcher import BUSY_S, IDLE_S, Control
from realtime.control.osc import encode
from realtime.control.presets import PresetFile
from realtime.control.protocol import REPLY_ITEMS, Message, Sender
from realtime.control.senders.arrivals import MAX_WAITING
from realtime.control.senders.subscriptions import SUBSCRIBED_S
from realtime.model.decoder import Decoder
from realtime.model.schema import CourseInfo, ModelInfo
from realtime.synth.commands import Command, Gain, Goto, Mode, Prepare, SetZ, Trigger
from realtime.util.errors import RealtimeError
from tests.realtime.control.clock import Clock
from tests.realtime.control.recording_player import RecordingPlayer

ME: Sender = ("127.0.0.1", 1000)
ANNA: Sender = ("127.0.0.1", 2000)
BERT: Sender = ("127.0.0.1", 3000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def player() -> RecordingPlayer:
    return RecordingPlayer()


@pytest.fixture
def control(decoder: Decoder, player: RecordingPlayer, clock: Clock) -> Control:
    control = Control(decoder.info, player, clock=clock)
    player.played.clear()  # the first command only prepares sounds
    return control


def test_commands_of_a_bundle_are_submitted_together(control: Control, player: RecordingPlayer) -> None:
    z = (0.5,) * control.info.latent_dim
    answers = control.handle([Message("/morph/z", z), Message("/morph/trigger", (0.5,))], ME, 12.5)
    assert answers == []
    assert player.played == [((SetZ(z), Trigger(0.5)), 12.5)]


def test_invalid_message_is_answered_and_does_not_stop_the_others(
    control: Control, player: RecordingPlayer
) -> None:
    answers = control.handle([Message("/morph/z", (1.0,)), Message("/morph/trigger")], ME)
    (error,) = answers
    assert error.address == "/morph/error"
    assert error.arguments[0] == "/morph/z"
    assert player.played == [((Trigger(1.0),), None)]
    assert control.refused == 1


def test_questions_are_answered_without_commands_to_the_player(
    control: Control, player: RecordingPlayer
) -> None:
    info = control.info
    ask = ["/ping", "/morph/get/z", "/morph/get/classes", "/morph/get/status", "/morph/get/info"]
    pong, z, classes, status, facts = control.handle([Message(address) for address in ask], ME)
    assert pong == Message("/pong")
    assert z == Message("/morph/z.reply", (0.25, -1.0, 0.5, 0.0))
    assert classes == Message("/morph/classes.reply", tuple(each.name for each in info.classes))
    of_player = [x for pair in player.status().items() for x in pair]
    counts = (*of_player, "refused", 0, "malformed", 0, "ignored", 0)
    model = ("model", info.name, "model_id", int(info.digest[:6], 16))
    assert status == Message("/morph/status.reply", (*counts, *model, "seq_revision", 0))
    assert facts.arguments[:4] == ("name", info.name, "architecture", info.architecture)
    keys = dict(zip(facts.arguments[::2], facts.arguments[1::2], strict=True))
    assert keys["latent_dim"] == info.latent_dim
    assert player.played == []


class Naming:
    """Instruments that count how often they are asked for the names of the axes of the latent space."""

    def __init__(self) -> None:
        self.counted = 0

    def name_axes(self) -> tuple[str, ...]:
        self.counted += 1
        return "darker", "brighter", "shorter", "longer"


def test_names_of_the_axes_are_determined_once_for_all_senders(
    decoder: Decoder, player: RecordingPlayer
) -> None:
    instruments = Naming()
    control = Control(decoder.info, player, instruments=instruments)  # type: ignore[arg-type]
    named = Message("/morph/axes.reply", ("darker", "brighter", "shorter", "longer"))
    for sender in (ANNA, BERT, ANNA):
        assert control.handle([Message("/morph/get/axes")], sender) == []
    assert wait_for_news(control, 2) == [named, named]
    assert control.handle([Message("/morph/get/axes")], ME) == [named]
    assert instruments.counted == 1


def test_a_preset_is_saved_while_names_of_the_axes_are_determined(
    decoder: Decoder, player: RecordingPlayer, tmp_path: Path
) -> None:
    begun, named = threading.Event(), threading.Event()

    class Slow(Naming):
        def name_axes(self) -> tuple[str, ...]:
            begun.set()
            assert named.wait(10.0)
            return super().name_axes()

    shelf = PresetFile(tmp_path / "presets.json")
    control = Control(decoder.info, player, preset_file=shelf, instruments=Slow())  # type: ignore[arg-type]
    say(control, "/morph/get/axes")
    assert begun.wait(10.0)
    say(control, "/morph/preset/store", "mine")
    try:
        assert wait_for_news(control, 1) == [Message("/morph/done", ("/morph/preset/store", "mine"))]
        assert [*shelf.open(decoder.info)] == ["mine"]
    finally:
        named.set()
    assert [each.address for each in wait_for_news(control, 1)] == ["/morph/axes.reply"]


def test_long_reply_is_split_into_several_messages(control: Control) -> None:
    answers = control.handle([Message("/morph/get/anchors")], ME)
    anchors, classes = control.info.anchors, control.info.classes
    told: list[str] = []
    for number, answer in enumerate(answers):
        assert answer.arguments[:2] == (number * REPLY_ITEMS, len(anchors))
        assert len(answer.arguments) <= 2 + 2 * REPLY_ITEMS
        told += answer.arguments[2:]
    assert told == [text for a in anchors for text in (a.name, classes[a.label].name)]


def test_full_command_queue_is_reported(control: Control, player: RecordingPlayer) -> None:
    player.full = True
    (error,) = control.handle([Message("/morph/stop")], ME)
    assert error == Message("/morph/error", ("/morph/stop", "too many commands are waiting"))


def test_sender_of_a_glide_is_told_of_its_arrival(control: Control, player: RecordingPlayer) -> None:
    first, second = (each.name for each in control.info.classes[:2])
    control.handle([Message("/morph/goto", (first, 10))], ANNA)
    control.handle([Message("/morph/goto", (second, 10))], BERT)
    tickets = [c.ticket for commands, _ in player.played for c in commands if isinstance(c, Goto)]
    assert len(set(tickets)) == 2
    assert 0 not in tickets
    assert control.news_interval_s() == BUSY_S
    player.arrived = [tickets[1]]  # the second glide has replaced the first
    assert list(control.news()) == [(BERT, Message("/morph/done", ("/morph/goto", second)))]
    assert control.news_interval_s() == IDLE_S


def test_number_of_senders_that_wait_for_a_glide_is_limited(
    control: Control, player: RecordingPlayer
) -> None:
    name = control.info.classes[0].name
    for _ in range(5000):
        control.handle([Message("/morph/goto", (name, 10))], ME)
    player.arrived = [c.ticket for commands, _ in player.played for c in commands if isinstance(c, Goto)]
    assert len(player.arrived) == 5000
    assert len(list(control.news())) == MAX_WAITING


def say(control: Control, address: str, *arguments: object, due: float | None = None) -> list[Message]:
    return control.handle([Message(address, arguments)], ME, due)


def test_settings_of_hits_apply_to_new_hits(control: Control, player: RecordingPlayer) -> None:
    words = {"pitch": 7, "pan": -0.5, "decay": 250, "reverse": 1, "choke": 2}
    for word, value in words.items():
        assert say(control, f"/morph/{word}", value) == []
    say(control, "/morph/note", 72, 127)
    say(control, "/morph/touch/4/trigger", 0.5)
    hit = Trigger(1.0, pitch=19.0, pan=-0.5, decay_ms=250.0, reverse=True, choke=2)
    finger = Trigger(0.5, touch=4, pitch=7.0, pan=-0.5, decay_ms=250.0, reverse=True, choke=2)
    assert player.take() == [hit, finger]
    say(control, "/morph/pitch", 40)
    say(control, "/morph/decay", 0)
    say(control, "/morph/note", 127, 127)
    (high,) = player.take()
    assert isinstance(high, Trigger)
    assert (high.pitch, high.decay_ms) == (48.0, None)


def test_scheduled_settings_apply_to_hits_at_or_after_their_time(
    control: Control, player: RecordingPlayer, clock: Clock
) -> None:
    later = clock.now + 1.0
    control.handle([Message("/morph/pitch", (12,)), Message("/morph/trigger")], ME, later)
    say(control, "/morph/trigger")
    say(control, "/morph/trigger", due=later + 0.5)
    clock.now += 2.0
    say(control, "/morph/trigger")
    assert [c.pitch for c in player.take() if isinstance(c, Trigger)] == [12.0, 0.0, 12.0, 12.0]


def test_glides_in_beats_follow_the_tempo(control: Control, player: RecordingPlayer) -> None:
    kick, snare = (each.centroid for each in control.info.classes[:2])
    say(control, "/morph/seq/tempo", 100)
    say(control, "/morph/glide/beats", 2)
    say(control, "/morph/z", *kick)
    say(control, "/morph/seq/beat", 0.0, 150.0)  # the beat and the tempo from a different program
    say(control, "/morph/z", *snare)
    say(control, "/morph/goto/beats", "kick", 1.0, "smooth")
    say(control, "/morph/path/beats", 4.0, "kick", "snare")
    glides = [each for each in player.take() if isinstance(each, Goto)]
    assert [each.ms for each in glides] == pytest.approx([1200.0, 800.0, 400.0, 1600.0])
    assert [each.curve for each in glides] == ["linear", "linear", "smooth", "linear"]
    (reply,) = say(control, "/morph/get/settings")
    told = dict(zip(reply.arguments[::2], reply.arguments[1::2], strict=True))
    assert (told["glide"], told["glide_beats"]) == (pytest.approx(800.0), 2.0)


def test_moves_use_the_glide_that_was_set(control: Control, player: RecordingPlayer) -> None:
    kick, snare, _ = (c.centroid for c in control.info.classes)
    say(control, "/morph/glide", 80, "smooth", "spherical")
    say(control, "/morph/between", "kick", "snare", 1)
    say(control, "/morph/touch/1/z", *kick)
    say(control, "/morph/goto", "kick", 0)
    say(control, "/morph/glide", 0)
    say(control, "/morph/z", *kick)
    between, touch, goto, z = player.take()
    assert between == Goto(snare, 80.0, "smooth", path="spherical")
    assert touch == Goto(kick, 80.0, "smooth", path="spherical", touch=1)
    assert isinstance(goto, Goto)
    assert goto.ms == 0.0
    assert z == SetZ(kick)


def test_undo_and_redo_restore_the_point_before_and_after_a_gesture(
    control: Control, player: RecordingPlayer, clock: Clock
) -> None:
    begin = tuple(player.at)
    for step in range(5):  # moves in quick succession are one gesture
        say(control, "/morph/z", 1.0, 0.0, 0.0, 0.1 * step)
        clock.now += 0.02
    clock.now += 1.0
    player.at = [1.0, 0.0, 0.0, 0.4]
    say(control, "/morph/goto", "kick", 100)
    clock.now += 1.0
    player.at = list(control.info.classes[0].centroid)
    player.take()
    say(control, "/morph/undo")
    say(control, "/morph/undo")  # the first undo has not reached the mixer yet
    assert player.take() == [SetZ((1.0, 0.0, 0.0, 0.4)), SetZ(begin)]
    (error,) = say(control, "/morph/undo")
    assert error.arguments == ("/morph/undo", "nothing to undo")
    say(control, "/morph/redo")
    say(control, "/morph/redo")
    assert player.take() == [SetZ((1.0, 0.0, 0.0, 0.4)), SetZ(control.info.classes[0].centroid)]
    (error,) = say(control, "/morph/redo")
    assert error.arguments == ("/morph/redo", "nothing to redo")


def test_new_move_clears_the_redo_history(control: Control, player: RecordingPlayer, clock: Clock) -> None:
    say(control, "/morph/z", 1, 1, 1, 1)
    clock.now += 1.0
    say(control, "/morph/undo")
    say(control, "/morph/z/0", 3)
    (error,) = say(control, "/morph/redo")
    assert error.arguments == ("/morph/redo", "nothing to redo")


def wait_for_news(control: Control, count: int) -> list[Message]:
    """Wait until background jobs have given `count` messages to senders; return the messages."""
    news: list[Message] = []
    end = time.monotonic() + 30.0
    while len(news) < count:
        assert time.monotonic() < end
        time.sleep(0.002)
        news += [message for _, message in control.news()]
    return news


def test_presets_are_stored_recalled_and_deleted(control: Control, player: RecordingPlayer) -> None:
    assert say(control, "/morph/preset/store", "fat") == []
    assert wait_for_news(control, 1) == [Message("/morph/done", ("/morph/preset/store", "fat"))]
    assert [(each.address, each.text) for each in control.finished.since(0)] == [
        ("/morph/preset/store", "fat")
    ]
    (prepare,) = player.take()
    assert isinstance(prepare, Prepare)
    assert tuple(player.at) in prepare.points
    say(control, "/morph/z/1", 9)
    say(
        control, "/morph/preset/store", "wide"
    )  # stores the new point, although the mixer has not moved to it yet
    say(control, "/morph/preset/recall", "wide")
    say(control, "/morph/between", "fat", "wide", 0.5)
    moved = [c for c in player.take() if isinstance(c, SetZ)]
    assert moved == [SetZ((0.25, 9.0, 0.5, 0.0)), SetZ((0.25, 4.0, 0.5, 0.0))]
    assert say(control, "/morph/preset/list") == [Message("/morph/presets.reply", ("fat", "wide"))]
    say(control, "/morph/preset/delete", "fat")
    assert say(control, "/morph/get/presets") == [Message("/morph/presets.reply", ("wide",))]
    for wrong in ("kick", " ", "a\nb"):
        (error,) = say(control, "/morph/preset/store", wrong)
        assert error.arguments[0] == "/morph/preset/store"
    (error,) = say(control, "/morph/preset/delete", "fat")
    assert "no preset named 'fat'" in error.arguments[1]


def test_refused_store_changes_nothing(decoder: Decoder, player: RecordingPlayer, tmp_path: Path) -> None:
    control = Control(decoder.info, player, preset_file=PresetFile(tmp_path / "presets.json"))
    presets, patterns = (f"/morph/{kind}/store" for kind in ("preset", "seq"))
    with FileLock(tmp_path / ".presets.json.lock"):  # a different server is saving
        refused = {
            (address, name)
            for name in map(str, range(70))
            for address in (presets, patterns)
            if say(control, address, name)
        }
        assert control.presets.keys() == {
            name for name in map(str, range(70)) if (presets, name) not in refused
        }
        assert len(control.presets) + len(control.presets.patterns.named) == 140 - len(refused)
        assert 140 - len(refused) in (64, 65)  # 64 jobs may wait, and one job may have begun
        (error,) = say(control, "/morph/preset/delete", "0")
        assert error.arguments[1] == "too many background jobs are waiting"
        assert "0" in control.presets
    wait_for_news(control, 140 - len(refused))


def test_presets_of_a_different_model_are_copied_on_request(
    decoder: Decoder, player: RecordingPlayer, tmp_path: Path
) -> None:
    path, address = tmp_path / "presets.json", "/morph/preset/adopt"
    model, z = decoder.info, (1.0, 2.0, 3.0, 4.0)
    shelf = PresetFile(path, lambda line: None)
    checksums = []
    for kept in (1, 2):
        earlier = shelf.open(replace(model, anchors=model.anchors[kept:]))
        earlier.store("fat", (float(kept), *z[1:]))
        shelf.save(earlier)
        checksums.append(earlier.key.split()[-1])
    control = Control(model, player, preset_file=shelf)
    say(control, address, "0123")
    assert "checksum is '0123', not one of" in wait_for_news(control, 1)[0].arguments[1]
    assert dict(control.presets) == {}
    say(control, address)
    assert wait_for_news(control, 1) == [
        Message("/morph/done", (address, checksums[1]))
    ]  # the most recently saved presets
    assert dict(control.presets) == {"fat": (2.0, *z[1:])}
    say(control, address, checksums[0])
    wait_for_news(control, 1)
    assert dict(shelf.open(model)) == {"fat": (2.0, *z[1:])}  # the existing preset stays


def test_refusal_of_an_unknown_preset_lists_the_presets_and_suggests_one(control: Control) -> None:
    def refusal(name: str) -> str:
        (error,) = say(control, "/morph/preset/recall", name)
        return str(error.arguments[1])

    assert refusal("drak") == "no preset named 'drak'; there are no presets yet"
    for name in ("bright one", "dark"):
        say(control, "/morph/preset/store", name)
    assert refusal("drak") == "no preset named 'drak'; did you mean dark? presets are bright one, dark"
    assert refusal("xyz") == "no preset named 'xyz'; presets are bright one, dark"
    for number in range(11):
        say(control, "/morph/preset/store", f"p{number}")
    assert refusal("xyz").endswith("p8, p9, …")  # the list ends after 12 of the 13 presets


def test_refusal_of_a_preset_of_an_earlier_version_shows_the_command_that_adopts_it(
    decoder: Decoder, player: RecordingPlayer, tmp_path: Path
) -> None:
    model, z = decoder.info, (1.0, 2.0, 3.0, 4.0)
    shelf = PresetFile(tmp_path / "presets.json", lambda line: None, "oscsend 10.0.0.1 9001")
    for kept, name in ((1, "fat"), (2, "thin")):
        earlier = shelf.open(replace(model, anchors=model.anchors[kept:]))
        earlier.store(name, z)
        shelf.save(earlier)
        checksum = shelf.open(replace(model, anchors=model.anchors[1:])).key.split()[-1]
    control = Control(model, player, preset_file=shelf)
    for address, wanted in (
        (
            "/morph/preset/recall",
            {"thin": "", "Fat": f" s {checksum}"},
        ),  # the most recently saved section needs no checksum
        ("/morph/trigger", {"thin": ""}),
    ):
        for name, more in wanted.items():
            (error,) = say(control, address, *([1.0] if address == "/morph/trigger" else []), name)
            assert error.arguments[1].endswith(
                f"to take it over: oscsend 10.0.0.1 9001 /morph/preset/adopt{more}"
            )
    say(control, "/morph/preset/adopt", checksum)
    wait_for_news(control, 1)
    assert say(control, "/morph/preset/recall", "fat") == []


def test_adopting_presets_without_another_model_is_refused(control: Control) -> None:
    say(control, "/morph/preset/adopt")
    (error,) = wait_for_news(control, 1)
    assert error.arguments[1] == f"no other model named {control.info.name!r} has presets that fit"


def test_map_dimensions_and_latency_are_reported(control: Control, player: RecordingPlayer) -> None:
    info = control.info
    ask = ["/morph/get/map", "/morph/get/dimensions", "/morph/get/latency"]
    *maps, dimensions, latency = control.handle([Message(address) for address in ask], ME)
    named = [x for answer in maps for x in answer.arguments[2:]]
    assert named == [
        x for a, xy in zip(info.anchors, control.space.map.tolist(), strict=True) for x in (a.name, *xy)
    ]
    lows_and_highs = [x for pair in zip(info.latent.low, info.latent.high, strict=True) for x in pair]
    assert dimensions == Message("/morph/dimensions.reply", (0, info.latent_dim, *lows_and_highs))
    assert latency == Message("/morph/latency.reply", ("queue", 8.0, "total", 8.0))


def test_reply_about_places_contains_the_positions_of_class_centres_on_the_map(control: Control) -> None:
    (answer,) = say(control, "/morph/get/places")
    classes = control.info.classes
    assert answer.arguments[::3] == tuple(each.name for each in classes)
    places = list(zip(answer.arguments[1::3], answer.arguments[2::3], strict=True))
    assert places == [control.space.on_map(each.centroid) for each in classes]


def test_unknown_question_is_an_error(control: Control, player: RecordingPlayer) -> None:
    with pytest.raises(ValueError, match="'statsu' is not a question"):
        replies.answer("statsu", control.space, player, tuple(player.at), {})


def test_probabilities_of_classes_follow_from_normal_distributions(
    control: Control, player: RecordingPlayer
) -> None:
    info = control.info
    player.at = [0.1, -0.2, 0.3, 0.4]
    (answer,) = say(control, "/morph/get/probabilities")
    assert answer.arguments[::2] == tuple(c.name for c in info.classes)
    densities = []
    for c in info.classes:
        variance = c.spread**2 / info.latent_dim
        away = sum((x - y) ** 2 for x, y in zip(player.at, c.centroid, strict=True))
        densities.append((2 * math.pi * variance) ** (-info.latent_dim / 2) * math.exp(-away / 2 / variance))
    expected = [density / sum(densities) for density in densities]
    assert answer.arguments[1::2] == pytest.approx(expected)


def test_subscriber_gets_the_status_at_its_interval(control: Control, clock: Clock) -> None:
    say(control, "/morph/subscribe", 4000, 50)
    assert control.news_interval_s() < IDLE_S
    there = (ME[0], 4000)
    assert [receiver for receiver, _ in control.news()] == [there]
    assert list(control.news()) == []
    clock.now += 0.05
    ((receiver, message),) = control.news()
    assert (receiver, message.address) == (there, "/morph/status.reply")
    say(control, "/morph/unsubscribe", 4000)
    clock.now += 1.0
    assert list(control.news()) == []
    answers = [say(control, "/morph/subscribe", port) for port in range(1, 18)]
    assert answers[:16] == [[]] * 16
    assert "16 subscribers" in answers[16][0].arguments[1]


def test_subscription_ends_an_hour_after_the_last_message_of_its_host(control: Control, clock: Clock) -> None:
    say(control, "/morph/subscribe", 4000, 50)
    for _ in range(3):
        clock.now += SUBSCRIBED_S - 1.0
        assert [receiver for receiver, _ in control.news()] == [(ME[0], 4000)]
        say(control, "/ping")
    control.handle([Message("/ping")], ("192.0.2.1", 1))
    clock.now += SUBSCRIBED_S + 1.0
    assert list(control.news()) == []


def test_long_class_list_takes_several_replies(decoder: Decoder, player: RecordingPlayer) -> None:
    first = decoder.info.classes[0]
    classes = tuple(replace(first, name=f"{number} {'x' * 200}") for number in range(1000))
    control = Control(replace(decoder.info, classes=classes), player)
    answers = say(control, "/morph/get/classes")
    assert [name for answer in answers for name in answer.arguments] == [each.name for each in classes]
    assert len(answers) > 1
    assert max(len(encode(answer)) for answer in answers) < 65_000


def test_replies_go_to_the_port_that_the_sender_set(control: Control) -> None:
    assert control.receiver(ME) == ME
    (done,) = say(control, "/morph/reply", 4001)
    assert done.arguments == ("/morph/reply", 4001)
    assert control.receiver(ME) == (ME[0], 4001)
    for port in range(1, 65):
        control.handle([Message("/morph/reply", (4002,))], (ME[0], port))
    assert control.receiver(ME) == ME


@pytest.mark.parametrize(
    ("address", "arguments", "text"),
    [
        ("/morph/encode", ("a.wav",), "this server does not load files"),
        ("/morph/model", ("a.onnx",), "this server does not load files"),
        ("/morph/record/start", (), "this server does not record takes"),
        ("/morph/record/stop", (), "this server does not record takes"),
        ("/morph/get/axes", (), "this server does not name axes"),
    ],
)
def test_messages_that_need_a_missing_part_are_refused(
    control: Control, address: str, arguments: tuple[str, ...], text: str
) -> None:
    (error,) = say(control, address, *arguments)
    assert error.arguments == (address, text)


def test_restarted_player_gets_the_current_state(control: Control, player: RecordingPlayer) -> None:
    info = control.info
    control.resume(control.info)
    ((prepared, _),) = player.played  # this is the first command
    assert [type(c) for c in prepared] == [Prepare]
    first, second, *_ = (c.centroid for c in info.classes)
    say(control, "/morph/z/1", 0.25)
    assert _commands_of_a_restart(control, player) == [SetZ((first[0], 0.25, *first[2:]))]
    say(control, "/morph/goto", info.classes[1].name, 5000.0)  # the target of this long glide is restored
    say(control, "/morph/gain", -6.0)
    say(control, "/morph/mode", "latch")
    say(control, "/morph/trigger", 1.0)
    assert _commands_of_a_restart(control, player) == [SetZ(second), Gain(-6.0), Mode("latch")]
    assert list(control.news()) == []  # no arrival is reported for the lost glide


def _commands_of_a_restart(control: Control, player: RecordingPlayer) -> list[Command]:
    player.played.clear()
    control.resume(control.info)
    return list(player.played[0][0])


def test_preset_stores_the_current_point_not_a_scheduled_one(
    control: Control, player: RecordingPlayer, clock: Clock
) -> None:
    later, z = clock.now + 30.0, (1.0, 2.0, 3.0, 4.0)
    control.handle([Message("/morph/z", z), Message("/morph/z/1", (9.0,))], ME, later)
    say(control, "/morph/preset/store", "before")
    clock.now = later + 0.01  # the move is due, but the mixer may not have moved yet
    say(control, "/morph/preset/store", "after")
    assert dict(control.presets) == {"before": tuple(player.at), "after": (1.0, 9.0, 3.0, 4.0)}


def test_restarted_player_does_not_get_scheduled_commands(
    control: Control, clock: Clock, player: RecordingPlayer
) -> None:
    z = (1.0, 2.0, 3.0, 4.0)
    control.handle([Message("/morph/z", z), Message("/morph/gain", (-6.0,))], ME, clock.now + 30.0)
    clock.now += 31.0
    say(control, "/morph/z/0", 5.0, due=clock.now + 30.0)
    say(control, "/morph/gain", -9.0, due=clock.now + 30.0)
    assert _commands_of_a_restart(control, player) == [SetZ(z), Gain(-6.0)]


def test_messages_are_refused_while_no_engine_is_running(
    control: Control, player: RecordingPlayer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise RealtimeError("no engine is running")

    for name in ("submit", "submit_from", "status", "z"):
        monkeypatch.setattr(player, name, gone)
    for address in ("/morph/trigger", "/morph/get/z", "/morph/get/status", "/morph/gain"):
        (error,) = say(control, address, *([-3.0] if address == "/morph/gain" else []))
        assert error.arguments == (address, "no engine is running")
    say(control, "/morph/subscribe", 4000, 50)
    assert list(control.news()) == []
    monkeypatch.undo()
    clock.now += 0.05
    assert [receiver for receiver, _ in control.news()] == [(ME[0], 4000)]
    assert _commands_of_a_restart(control, player) == [Gain(-3.0)]


def with_course(info: ModelInfo) -> ModelInfo:
    return replace(info, courses=(CourseInfo(0, 1, (0.0, 0.25, 1.0), (0.0, 6.0, 0.0)),))


def test_between_two_classes_the_point_follows_their_course_and_hits_its_levels(
    decoder: Decoder, player: RecordingPlayer
) -> None:
    control = Control(with_course(decoder.info), player)
    first, second = (np.array(each.centroid) for each in control.info.classes[:2])
    names = [each.name for each in control.info.classes[:2]]
    player.take()
    hit, here = Message("/morph/trigger"), Message("/morph/between", (*names, 0.5))
    control.handle([here, hit, Message("/morph/level", (-2.0,)), hit], ME)
    move, one, two = player.take()
    assert move == SetZ(pytest.approx(0.75 * first + 0.25 * second))  # type: ignore[arg-type]
    assert (one, two) == (Trigger(level_db=6.0), Trigger(level_db=4.0))
    control.handle([Message("/morph/touch/1/trigger"), Message("/morph/trigger", (1.0, names[0])), hit], ME)
    assert [each.level_db for each in player.take()] == [-2.0] * 3  # type: ignore[union-attr]
    control.handle([here, Message("/morph/between", (*names, 0.5, "straight")), hit], ME)
    _, straight, plain = player.take()
    assert straight == SetZ(pytest.approx((first + second) / 2))  # type: ignore[arg-type]
    assert plain == Trigger(level_db=-2.0)


def test_lane_of_the_sequencer_follows_the_course_between_its_classes(
    decoder: Decoder, player: RecordingPlayer
) -> None:
    control = Control(with_course(decoder.info), player)
    names = [each.name for each in control.info.classes[:2]]
    first, second = (np.array(each.centroid) for each in control.info.classes[:2])
    steps = Message("/morph/seq/lane/0/step/0", (1.0, 0.5))
    control.handle([Message("/morph/seq/add", (*reversed(names),)), steps], ME)
    (hit,) = player.take()[-1].hits  # type: ignore[union-attr]
    assert hit.point == pytest.approx(0.75 * first + 0.25 * second)
    assert hit.level_db == 6.0
