"""Tests for the structure of the TouchOSC layout. TouchOSC itself does not run here."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from max_patches.source import touchosc
from max_patches.source.__main__ import FOLDER
from realtime.control.addresses import parse
from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Message
from realtime.model.decoder import Decoder

SHIPPED = ET.fromstring(zlib.decompress((FOLDER / "morph.tosc").read_bytes()))


def sent() -> Iterator[Message]:
    """Yield the messages that the controls send at the ends of their ranges."""
    for osc in SHIPPED.iter("osc"):
        path = osc.findtext("path/partial/value")
        assert path is not None
        ends: list[tuple[float | str, ...]] = []
        for argument in osc.iterfind("arguments/partial"):
            kind, conversion = argument.findtext("type"), argument.findtext("conversion")
            value = argument.findtext("value")
            assert value is not None
            if kind == "VALUE":
                assert value in ("x", "y")
                ends.append(tuple(float(argument.findtext(key, "")) for key in ("scaleMin", "scaleMax")))
            else:
                ends.append((float(value) if conversion == "FLOAT" else value,))
        for arguments in product(*ends):
            yield Message(path, arguments)


def test_file_matches_its_source() -> None:
    wanted = ET.canonicalize(ET.tostring(touchosc.layout(), encoding="unicode"))
    assert ET.canonicalize(ET.tostring(SHIPPED, encoding="unicode")) == wanted, (
        "run: python -m max_patches.source"
    )


def test_server_accepts_every_message_of_the_layout(tiny_model: Path) -> None:
    presets = {f"p{i + 1}": (0.0,) * 4 for i in range(touchosc.PRESETS)}
    space = LatentSpace(Decoder(tiny_model, capacity=1).info, presets)
    messages = list(sent())
    assert {m.address for m in messages} >= {"/morph/panic", "/morph/xy", "/morph/gain", "/morph/macro/0"}
    for message in messages:
        if message.address in ("/morph/macro/4", "/morph/macro/5", "/morph/macro/6", "/morph/macro/7"):
            continue  # this model has only four axes
        parse(message, space)


def test_server_accepts_the_queries_of_the_script(tiny_model: Path) -> None:
    space = LatentSpace(Decoder(tiny_model, capacity=1).info)
    script = SHIPPED.findtext(".//property[key='script']/value", "")
    asked = re.findall(r"sendOSC\(\{'([^']+)', \{(.*?)\}\}\)", script)
    for address, arguments in asked:
        if address.startswith("/morph/seq/"):
            continue  # messages that edit steps are tested in tests/system/test_touchosc.py
        parse(Message(address, tuple(int(x) for x in re.findall(r"value = (\d+)", arguments))), space)
    assert {address for address, _ in asked} >= {"/morph/reply", "/morph/get/classes", "/morph/get/axes"}


def test_controls_have_unique_ids_and_lie_on_the_page() -> None:
    nodes = list(SHIPPED.iter("node"))
    assert len({node.get("ID") for node in nodes}) == len(nodes)
    width, height = touchosc.SIZE
    for node in nodes:
        frame = node.find("properties/property[@type='r']/value")
        assert frame is not None
        x, y, w, h = (float(frame.findtext(key, "")) for key in "xywh")
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height


def test_controls_that_the_script_names_exist() -> None:
    names = {name.text for name in SHIPPED.iterfind(".//property[@type='s'][key='name']/value")}
    wanted = {"light", "p99", *(f"{what}{i + 1}" for what in ("pad", "name") for i in range(touchosc.PADS))}
    assert wanted <= names
