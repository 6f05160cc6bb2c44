"""Tests for the structure of the session file for Open Stage Control, which does not run here itself.

Its scripts are run in tests/system/test_open_stage_control.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from max_patches.source import openstagecontrol
from max_patches.source.__main__ import FOLDER
from realtime.control.addresses import ADDRESSES, parse
from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Message
from realtime.model.decoder import Decoder

FILE = FOLDER / "morph.open-stage-control.json"
SHIPPED: dict[str, Any] = json.loads(FILE.read_text())

# The accepted properties of the widgets in use, from the documentation of Open Stage Control 1.29.
PLACE = {"left", "top", "width", "height", "expand"}
LOOK = {"colorWidget", "alphaFillOff", "html", "css", "visible"}
OSC = {"address", "preArgs", "typeTags", "decimals", "target", "ignoreDefaults", "bypass"}
OTHER = {"type", "id", "default", "onCreate", "onValue"}
SHOWN = PLACE | LOOK | OSC | OTHER
PROPERTIES = {
    "root": {"type", "id", "colorBg", "widgets"},
    "script": {"type", "id", "onCreate", "target"},
    "variable": OSC | OTHER,
    "text": (SHOWN | {"align"}) - {"typeTags", "ignoreDefaults"},
    "led": (SHOWN | {"mode", "range"}) - {"typeTags", "ignoreDefaults", "decimals"},
    "input": SHOWN | {"numeric", "align"},
    "button": SHOWN | {"label", "mode", "on", "off"},
    "fader": SHOWN | {"range", "horizontal", "design", "snap"},
    "xy": SHOWN | {"rangeX", "rangeY", "snap"},
    "dropdown": SHOWN | {"values", "label", "align"},
    "matrix": SHOWN | {"layout", "widgetType", "quantity", "props"},
}


def widgets(tree: dict[str, Any] = SHIPPED["content"]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree.get("widgets", ()):
        yield from widgets(child)


def sent() -> Iterator[Message]:
    """Yield the messages that widgets send at the ends of their ranges; class names replace variables."""
    names = {"@{from}": "kick", "@{to}": "snare", "VAR{name, ''}": "kick"}
    for each in widgets():
        if each.get("target") != openstagecontrol.SERVER or "typeTags" not in each:
            continue
        before = each["preArgs"] or []
        ends: list[tuple[Any, ...]] = [()]
        if each["type"] == "fader":
            ends = [(float(x),) for x in each["range"].values()]
        elif each["type"] == "xy":
            ends = list(product((0.0, 1.0), repeat=2))
        if each["address"].startswith("#"):
            yield Message("/morph/preset/store", (each["id"],))
            yield Message("/morph/preset/recall", (each["id"], float(openstagecontrol.PRESET_MS)))
            continue
        for end in ends:
            yield Message(each["address"], (*(names.get(x, x) for x in before), *end))


def test_file_matches_its_source() -> None:
    assert FILE.read_bytes() == openstagecontrol.content(), "run: python -m max_patches.source"


def test_widgets_have_only_documented_properties_and_unique_ids() -> None:
    assert (SHIPPED["type"], SHIPPED["content"]["type"]) == ("session", "root")
    for each in widgets():
        assert set(each) <= PROPERTIES[each["type"]], each
    assert set(PROPERTIES["fader"]) >= set(next(w for w in widgets() if w["type"] == "matrix")["props"])
    assert len({w["id"] for w in widgets()}) == len(list(widgets()))


def test_widgets_lie_on_the_page() -> None:
    width, height = openstagecontrol.SIZE
    for each in widgets():
        if "left" in each:
            assert 0 <= each["left"] <= each["left"] + each["width"] <= width
            assert 0 <= each["top"] <= each["top"] + each["height"] <= height


def test_server_accepts_every_message_of_the_session(tiny_model: Path) -> None:
    presets = {f"p{i + 1}": (0.0,) * 4 for i in range(openstagecontrol.PRESETS)}
    space = LatentSpace(Decoder(tiny_model, capacity=1).info, presets)
    messages = list(sent())
    addresses = {m.address for m in messages}
    assert addresses >= {"/morph/panic", "/morph/stop", "/morph/xy", "/morph/gain", "/morph/between"}
    for message in messages:
        if message.address not in [f"/morph/macro/{i}" for i in range(4, 8)]:  # this model has only four axes
            parse(message, space)


def test_addresses_and_widgets_that_scripts_name_exist() -> None:
    text, table = FILE.read_text(), {a.path for a in ADDRESSES}
    answers = {x for a in ADDRESSES for x in re.findall(r"/morph/[\w/]+\.reply", a.reply or "")}
    # replace the variables in addresses that a script composes with numbers
    text = re.sub(r"' \+ (\w+) \+ '/", "0/", text).replace("' + step", "<s>")
    for address in re.findall(r"/morph/[\w./<>]+", text):
        assert re.sub(r"\d+", "<i>", address) in table | answers | {"/morph/z"}, address
    known = {w["id"] for w in widgets()}
    assert set(re.findall(r"\b[sg]et\('(\w+)'[,)]", text)) <= known
    assert set(re.findall(r"@\{(\w+)\}", text)) <= known
