"""Tests for the scripts of the session for Open Stage Control, run by Node.js, with a real server.

"Point" means the current z, the position in latent space that the performer moves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from max_patches.source.__main__ import FOLDER
from max_patches.source.openstagecontrol import MACROS, STEPS
from tests.system.rig import Process, Server, program

HARNESS = Path(__file__).with_name("open_stage_control.js")
EVERY_MS = 250  # time between the session's queries

Action = list[Any]


class Surface(Process):
    """A running session of Open Stage Control; a Node.js program takes the place of the application."""

    def __init__(self) -> None:
        session = FOLDER / "morph.open-stage-control.json"
        super().__init__([program("node"), str(HARNESS), str(session)])

    def tell(self, *what: Any) -> list[Action]:
        """Pass an event to the session; return the actions that its scripts request."""
        self.say(json.dumps(what))
        done: list[Action] = json.loads(self.wait_for(r"^\[.*\]$")[0])
        return done

    def play(self, server: Server, name: str, value: float) -> None:
        """Set a widget, as a touch does, and forward the messages of its script to the server."""
        for action, *message in self.tell("touch", name, value):
            if action == "send":
                server.send(*(part["value"] if isinstance(part, dict) else part for part in message))

    def talk(self, server: Server, keep: Callable[[str], bool] = lambda address: True) -> dict[str, Any]:
        """Forward the next queries whose addresses `keep` accepts, and the replies of the server.

        Returns:
            The values that scripts have set, by the names of the widgets.
        """
        questions = [action[1] for action in self.tell("pass", EVERY_MS) if action[0] == "send"]
        done = []
        for question in questions:
            if keep(question):
                address, given = server.ask(question)
                done += self.tell("receive", address, given)
                for _ in range(int(given[given.index("lanes") + 1]) if address == "/morph/seq.reply" else 0):
                    done += self.tell("receive", *server.receive())
        return {action[1]: action[2] for action in done if action[0] == "set"}


@pytest.fixture
def surface() -> Iterator[Surface]:
    with Surface() as running:
        yield running


def move(server: Server, x: float, y: float) -> None:
    """Move the point and change the gain, and wait until both changes have taken effect."""
    server.send("/morph/xy", x, y)
    server.send("/morph/gain", -12.0 * x)
    gain_db = np.float32(-12.0 * x)
    server.wait_until(gain_db=float(gain_db))


def asked(actions: list[Action]) -> set[str]:
    return {action[1] for action in actions if action[0] == "send"}


def variables(actions: list[Action], name: str) -> list[Any]:
    return [action[3] for action in actions if action[0] == "setVar" and action[2] == name]


def test_widgets_follow_a_point_moved_by_another_client(surface: Surface, server: Server) -> None:
    surface.talk(server)
    for place in ((0.2, 0.9), (0.7, 0.1)):
        move(server, *place)
        shown = surface.talk(server)
        _, z = server.ask("/morph/get/z")
        _, axes = server.ask("/morph/get/macros")
        assert [shown[f"z/{i}"] for i in range(len(z))] == z
        assert [shown[f"macro{i}"] for i in range(min(MACROS, len(axes)))] == axes
        assert shown["map"] == server.ask("/morph/get/xy")[1]
        assert shown["gain"] == pytest.approx(-12.0 * place[0], abs=1e-5)
        assert shown["light"] == 1


def test_displayed_values_are_not_sent_back(surface: Surface) -> None:
    surface.tell("pass", 5000)
    answers = [("z", [0.0, 1.0]), ("macros", [0.5]), ("xy", [0.1, 0.2])]
    done = [
        action for what, given in answers for action in surface.tell("receive", f"/morph/{what}.reply", given)
    ]
    assert [action[1] for action in done] == ["z/0", "z/1", "macro0", "map"]
    assert all(action[3]["send"] is False for action in done)


def test_map_shows_the_position_of_the_touch_until_another_client_moves_the_point(
    surface: Surface, server: Server
) -> None:
    surface.tell("touch", "map", [0.4, 0.6])
    move(server, 0.4, 0.6)
    for _ in range(8):  # for two seconds, the point rests near the touch
        assert "map" not in surface.talk(server)
    move(server, 0.9, 0.1)
    assert surface.talk(server)["map"] == server.ask("/morph/get/xy")[1]


def test_query_is_repeated_until_its_reply_arrives(surface: Surface, server: Server) -> None:
    wanted = {"/morph/get/classes", "/morph/get/places", "/morph/get/dimensions"}
    for _ in range(3):
        surface.talk(server, keep=lambda address: address not in wanted)
        assert asked(surface.tell("pass", EVERY_MS)) >= wanted
    surface.talk(server, keep=lambda address: address != "/morph/get/dimensions")
    assert asked(surface.tell("pass", EVERY_MS)) & wanted == {"/morph/get/dimensions"}
    surface.talk(server)
    assert not asked(surface.tell("pass", EVERY_MS)) & wanted


def test_ranges_of_many_dimensions_are_joined_from_several_replies(surface: Surface) -> None:
    ranges = [[-float(i), float(i) + 0.5] for i in range(40)]
    first, second = ([x for pair in part for x in pair] for part in (ranges[:32], ranges[32:]))
    lost = surface.tell("receive", "/morph/dimensions.reply", [32, 40, *second])
    assert variables(lost, "ranges") == []
    done = surface.tell("receive", "/morph/dimensions.reply", [0, 40, *first])
    assert variables(done, "ranges") == [ranges]


def test_class_names_are_shown_at_their_positions_on_the_map(surface: Surface, server: Server) -> None:
    _, places = server.ask("/morph/get/places")
    (html,) = variables(surface.tell("receive", "/morph/places.reply", places), "names")
    shown = re.findall(r'<span style="left: (\S+)%; bottom: (\S+)%">(\w+)</span>', html)
    assert [name for _, _, name in shown] == places[::3]
    assert [float(left) / 100 for left, _, _ in shown] == pytest.approx(places[1::3])
    assert [float(bottom) / 100 for _, bottom, _ in shown] == pytest.approx(places[2::3])


def lit(shown: dict[str, Any], row: int) -> list[int]:
    return [step for step in range(STEPS) if shown[f"step{row}_{step}"]]


def test_setting_a_step_in_an_empty_row_adds_a_lane_with_the_sound_of_the_latest_pad(
    surface: Surface, server: Server
) -> None:
    surface.talk(server)
    surface.talk(server)
    surface.tell("touch", "pad2", 1)
    surface.play(server, "step0_2", 1)
    surface.tell("touch", "pad1", 1)
    surface.play(server, "step3_8", 1)  # the new lane appears in the first empty row
    surface.talk(server)
    shown = surface.talk(server)
    assert [shown[f"lane{row}"] for row in range(4)] == ["snare", "kick", "+ kick", ""]
    assert [lit(shown, row) for row in range(3)] == [[2], [8], []]
    surface.play(server, "step0_2", 0)
    server.send("/morph/seq/lane/0/sound", "kick", "snare")
    server.send("/morph/seq/lane/0/step/5", 0.5)
    surface.talk(server)
    shown = surface.talk(server)
    assert shown["lane0"] == "kick › snare"
    assert lit(shown, 0) == [5]


def test_axes_have_the_names_that_the_server_sends(surface: Surface, server: Server) -> None:
    _, ends = server.ask("/morph/get/axes")
    named = variables(surface.tell("receive", "/morph/axes.reply", ends), "ends")
    assert [re.findall(r"<span>(.*?)</span>", html)[::-1] for html in named] == [
        ends[at : at + 2] for at in range(0, len(ends), 2)
    ]


def test_change_of_model_or_end_of_the_server_repeats_the_queries(surface: Surface, server: Server) -> None:
    surface.talk(server)
    surface.talk(server)
    _, status = server.ask("/morph/get/status")
    status[status.index("model_id") + 1] = 77
    surface.tell("receive", "/morph/status.reply", status)
    assert asked(surface.tell("pass", EVERY_MS)) >= {"/morph/get/classes", "/morph/get/dimensions"}
    surface.talk(server)
    surface.talk(server)
    dark = surface.tell("pass", 3000)
    assert ["set", "light", 0, {}] in dark
    assert asked(dark) >= {"/morph/get/classes", "/morph/get/dimensions"}
