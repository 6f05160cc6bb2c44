"""Tests for the scripts of the TouchOSC layout, run by Lua, with a real server."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lupa import lua51

from max_patches.source import touchosc
from max_patches.source.__main__ import FOLDER
from tests.system.rig import Server

HARNESS = Path(__file__).with_name("touchosc.lua")
PAGE = "soundmorph"
# These messages ask for replies at a different port, which is not needed here: `talk` forwards the replies.
REDIRECTS = ("/morph/reply", "/morph/subscribe")


class Layout:
    """The open layout; a Lua program takes the place of TouchOSC.

    Attributes:
        sent: messages that the layout has sent, and that `talk` has not forwarded yet.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any]]] = []
        self.now_s = 100.0
        self._lua = lua51.LuaRuntime(unpack_returned_tuples=True)
        begin = self._lua.eval(f"function(...)\n{HARNESS.read_text()}\nend")
        add, self._call, self._controls = begin(self._send, lambda: 1000 * self.now_s)
        (page,) = ET.fromstring(zlib.decompress((FOLDER / "morph.tosc").read_bytes())).findall("node")
        for node in (page, *page.iterfind("children/node")):
            name, script = (
                node.findtext(f"properties/property[key='{key}']/value", "") for key in ("name", "script")
            )
            corner = node.find("properties/property[key='frame']/value")
            assert corner is not None
            frame = self._lua.table_from({each.tag: float(each.text or 0) for each in corner})
            add(name, script, PAGE, frame)

    def _send(self, message: Any) -> None:
        self.sent.append((message[1], [each.value for each in message[2].values()]))

    def press(self, name: str) -> None:
        """Press and release a button."""
        for x in (1, 0):
            self._controls[name]["values"]["x"] = x
            self._call(name, "onValueChanged", "x")

    def receive(self, address: str, arguments: Sequence[Any]) -> None:
        """Pass an OSC message to the layout."""
        values = self._lua.table_from([self._lua.table_from({"value": each}) for each in arguments])
        self._call(PAGE, "onReceiveOSC", self._lua.table_from([address, values]), None)

    def text(self, name: str) -> str:
        """Return the text of a label."""
        said: str = self._controls[name]["values"]["text"]
        return said

    def colour(self, name: str) -> tuple[float, ...]:
        """Return the colour that a script has given to a control."""
        return tuple(self._controls[name]["color"].values())

    def lit(self, row: int) -> list[int]:
        """Return the numbers, from 1, of the steps in a row that are on."""
        steps = range(1, touchosc.STEPS + 1)
        return [step for step in steps if self.colour(f"step{row}_{step}") == touchosc.ORANGE]

    def talk(self, server: Server) -> None:
        """Forward the messages that the layout sends in the next two seconds, and the server's replies."""
        self.now_s += 2
        self._call(PAGE, "update")
        while self.sent:
            address, arguments = self.sent.pop(0)
            if address == "/morph/get/seq":
                _, facts = reply = server.ask(address)
                self.receive(*reply)
                for _ in range(int(facts[facts.index("lanes") + 1])):
                    self.receive(*server.receive())
            elif "/get/" in address:
                self.receive(*server.ask(address))
            elif address not in REDIRECTS:
                server.send(address, *arguments)
        self.receive(*server.ask("/morph/get/status"))


def test_pads_and_axes_and_positions_on_the_map_have_the_names_that_the_server_sends(server: Server) -> None:
    layout = Layout()
    layout.talk(server)
    classes = [str(each) for each in server.ask("/morph/get/classes")[1]]
    assert [layout.text(f"name{i + 1}") for i in range(4)] == [*classes, ""]
    assert sorted(layout.text(f"place{i + 1}") for i in range(3)) == sorted(classes)
    ends = server.ask("/morph/get/axes")[1]
    assert [layout.text(f"{end}{i + 1}") for i in range(4) for end in ("low", "high")] == ends
    assert layout.text("p99").startswith("p99 ")


def test_setting_a_step_in_an_empty_row_adds_a_lane_with_the_sound_of_the_latest_pad(server: Server) -> None:
    layout = Layout()
    layout.talk(server)
    assert layout.text("lane1") == "+ the point"
    layout.press("pad2")
    assert layout.text("lane1") == "+ snare"
    layout.press("step1_3")
    layout.press("step1_9")
    layout.press("pad1")
    layout.press("step4_1")  # the new lane appears in the first empty row
    layout.talk(server)
    layout.talk(server)
    assert [layout.text(f"lane{row}") for row in (1, 2, 3, 4)] == ["snare", "kick", "+ kick", ""]
    assert [layout.lit(row) for row in (1, 2, 3)] == [[3, 9], [1], []]
    layout.press("step1_3")
    assert layout.lit(1) == [9]
    assert layout.sent[-1] == ("/morph/seq/lane/0/step/2", [0])


def test_steps_show_the_edits_by_other_clients_and_the_current_step(server: Server) -> None:
    layout = Layout()
    server.send("/morph/seq/add", "kick", "snare")
    server.send("/morph/seq/lane/0/step/5", 0.5)
    layout.talk(server)
    assert layout.text("lane1") == "kick › snare"
    assert layout.lit(1) == [6]
    server.send("/morph/seq/clear")
    layout.talk(server)
    assert layout.text("lane1") == "+ the point"
    assert layout.lit(1) == []
    layout.receive("/morph/status.reply", ["p99_ms", 3.0, "model_id", 1, "seq_step", 15])
    green = [step for step in range(1, 17) if layout.colour(f"beat{step}") == touchosc.GREEN]
    assert green == [16]
