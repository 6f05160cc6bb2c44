"""Tests for the structure of the Max patches. Max itself does not run here."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import pytest

from max_patches.source.__main__ import FOLDER, files
from max_patches.source.maxpat import shape_of
from realtime.control.addresses import ADDRESSES
from tests.max_files import HEAD, boxes, patcher

NAMES = sorted(files())


@pytest.mark.parametrize("name", NAMES)
def test_file_matches_its_source(name: str) -> None:
    assert (FOLDER / name).read_bytes() == files()[name], "run: python -m max_patches.source"


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_known_and_has_its_inlets_and_outlets(name: str) -> None:
    for box in boxes(name):
        shape = shape_of(box["maxclass"], box.get("text", ""))
        assert (box["numinlets"], box["numoutlets"]) == shape, box
        assert len(box["outlettype"]) == shape[1]


@pytest.mark.parametrize("name", NAMES)
def test_cords_lead_from_existing_outlets_to_existing_inlets(name: str) -> None:
    known = {box["id"]: box for box in boxes(name)}
    assert len(known) == len(boxes(name))
    for line in patcher(name)["lines"]:
        (source, outlet), (destination, inlet) = line["patchline"]["source"], line["patchline"]["destination"]
        assert outlet < known[source]["numoutlets"]
        assert inlet < known[destination]["numinlets"]


@pytest.mark.parametrize("name", NAMES)
def test_every_object_and_message_has_a_cord(name: str) -> None:
    ends = {
        end
        for line in patcher(name)["lines"]
        for end in (line["patchline"]["source"][0], line["patchline"]["destination"][0])
    }
    loose = [b["text"] for b in boxes(name) if b["maxclass"] in ("newobj", "message") and b["id"] not in ends]
    assert set(loose) <= {"autopattr"}


def addresses(name: str) -> Iterator[tuple[str, int]]:
    """Yield the addresses that a patch sends, each with its number of arguments, or -1 if unknown."""
    for box in boxes(name):
        words = box.get("text", "").split()
        if box["maxclass"] == "message" and words and words[0].startswith("/"):
            yield words[0], len(words) - 1
        elif box["maxclass"] == "newobj" and words[0] == "prepend" and words[1].startswith("/"):
            yield words[1], -1


@pytest.mark.parametrize("name", NAMES)
def test_every_address_is_in_the_table_and_has_the_right_number_of_arguments(name: str) -> None:
    table = {re.sub(r"<i>", "0", each.path): each for each in ADDRESSES}
    sent = list(addresses(name))
    assert sent
    for address, count in sent:
        row = table[re.sub(r"/\d+", "/0", address)]
        if count >= 0:
            least = sum(not argument.optional for argument in row.arguments)
            many = any(argument.many for argument in row.arguments)
            assert least <= count
            assert many or count <= len(row.arguments)


@pytest.mark.parametrize("name", NAMES)
def test_patch_opens_in_presentation_mode_with_all_boxes_in_the_window(name: str) -> None:
    found = patcher(name)
    assert found["openinpresentation"] == 1
    *_, width, height = found["rect"]
    shown = [box for box in boxes(name) if box.get("presentation")]
    assert len(shown) > 5
    for box in shown:
        x, y, w, h = box["presentation_rect"]
        assert x >= 0, box
        assert y >= 0, box
        assert x + w <= width, box
        assert y + h <= height, box


@pytest.mark.parametrize("name", ["morph.client.maxpat", "morph.amxd"])
def test_patch_has_a_light_host_port_panic_and_latency(name: str) -> None:
    classes = [box["maxclass"] for box in boxes(name)]
    assert {"led", "textedit", "number"} <= set(classes)
    texts = [box.get("text", "") for box in boxes(name)]
    assert "PANIC" in texts
    assert "route p99_ms model_id" in texts


def test_device_file_begins_with_its_type_and_length() -> None:
    content = (FOLDER / "morph.amxd").read_bytes()
    assert content[:12] == b"ampf" + struct.pack("<I", 4) + b"mmmm"
    assert content[12:24] == b"meta" + struct.pack("<II", 4, 0)
    assert content[24:28] == b"ptch"
    assert struct.unpack("<I", content[28:32])[0] == len(content) - HEAD


def test_dials_of_the_device_have_names_and_are_saved_with_the_live_set() -> None:
    dials = [box for box in boxes("morph.amxd") if box["maxclass"] == "live.dial"]
    names = [dial["saved_attribute_attributes"]["valueof"]["parameter_longname"] for dial in dials]
    assert len(set(names)) == len(names) == 18
    assert all(dial["parameter_enable"] == 1 for dial in dials)
