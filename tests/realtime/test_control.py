"""Messages of many senders: commands together, answers to whom they belong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from realtime.addresses import REPLY_ITEMS, Message
from realtime.commands import Command, Goto, SetZ, Trigger
from realtime.control import Control
from realtime.decoder import Decoder


class Notebook:
    """A player that writes down what it is asked to do."""

    def __init__(self) -> None:
        self.played: list[tuple[tuple[Command, ...], float | None]] = []
        self.come: list[int] = []
        self.full = False

    def submit(self, commands: Sequence[Command], due: float | None = None) -> bool:
        self.played.append((tuple(commands), due))
        return not self.full

    def status(self) -> dict[str, int | float | str]:
        return {"voices": 2, "late_blocks": 0}

    def z(self) -> list[float]:
        return [0.25, -1.0]

    def arrivals(self) -> Iterator[int]:
        while self.come:
            yield self.come.pop(0)


@pytest.fixture
def player() -> Notebook:
    return Notebook()


@pytest.fixture
def control(decoder: Decoder, player: Notebook) -> Control[str]:
    return Control(decoder.info, player)


def test_the_messages_of_a_bundle_go_together(control: Control[str], player: Notebook) -> None:
    z = (0.5,) * control.info.latent_dim
    answers = control.handle([Message("/morph/z", z), Message("/morph/trigger", (0.5,))], "me", 12.5)
    assert answers == []
    assert player.played == [((SetZ(z), Trigger(0.5)), 12.5)]


def test_a_wrong_message_is_answered_and_does_not_stop_the_others(
    control: Control[str], player: Notebook
) -> None:
    answers = control.handle([Message("/morph/z", (1.0,)), Message("/morph/trigger")], "me")
    (error,) = answers
    assert error.address == "/morph/error"
    assert error.arguments[0] == "/morph/z"
    assert player.played == [((Trigger(1.0),), None)]
    assert control.refused == 1


def test_answers(control: Control[str], player: Notebook) -> None:
    info = control.info
    ask = ["/ping", "/morph/get/z", "/morph/get/classes", "/morph/get/status", "/morph/get/info"]
    pong, z, classes, status, facts = control.handle([Message(address) for address in ask], "me")
    assert pong == Message("/pong")
    assert z == Message("/morph/z.reply", (0.25, -1.0))
    assert classes == Message("/morph/classes.reply", tuple(each.name for each in info.classes))
    counts = ("voices", 2, "late_blocks", 0, "refused", 0, "malformed", 0)
    assert status == Message("/morph/status.reply", counts)
    assert facts.arguments[:4] == ("name", info.name, "architecture", info.architecture)
    keys = dict(zip(facts.arguments[::2], facts.arguments[1::2], strict=True))
    assert keys["latent_dim"] == info.latent_dim
    assert player.played == []


def test_many_names_come_in_several_messages(control: Control[str]) -> None:
    answers = control.handle([Message("/morph/get/anchors")], "me")
    anchors, classes = control.info.anchors, control.info.classes
    told: list[str] = []
    for number, answer in enumerate(answers):
        assert answer.arguments[:2] == (number * REPLY_ITEMS, len(anchors))
        assert len(answer.arguments) <= 2 + 2 * REPLY_ITEMS
        told += answer.arguments[2:]
    assert told == [text for a in anchors for text in (a.name, classes[a.label].name)]


def test_a_full_engine_is_no_secret(control: Control[str], player: Notebook) -> None:
    player.full = True
    (error,) = control.handle([Message("/morph/stop")], "me")
    assert error == Message("/morph/error", ("/morph/stop", "too many commands are waiting"))


def test_whoever_sent_a_glide_hears_of_its_arrival(control: Control[str], player: Notebook) -> None:
    first, second = (each.name for each in control.info.classes[:2])
    control.handle([Message("/morph/goto", (first, 10))], "anna")
    control.handle([Message("/morph/goto", (second, 10))], "bert")
    tickets = [c.ticket for commands, _ in player.played for c in commands if isinstance(c, Goto)]
    assert len(set(tickets)) == 2
    assert 0 not in tickets
    assert control.waiting
    player.come = [tickets[1]]  # the second overtook the first
    assert list(control.arrivals()) == [("bert", Message("/morph/done", ("/morph/goto", second)))]
    assert not control.waiting


def test_those_who_wait_do_not_pile_up(control: Control[str], player: Notebook) -> None:
    name = control.info.classes[0].name
    for _ in range(5000):
        control.handle([Message("/morph/goto", (name, 10))], "me")
    assert len(control._waiting) <= 1024
