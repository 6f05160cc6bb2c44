"""Every bundled control surface (a patch or layout for another program) has the same parts at its top.

The parts are a light that shows the connection, fields for host and port, a panic button, and the measured
latency of the server ("p99").
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Iterator

import pytest

from max_patches.source.__main__ import FOLDER
from tests.max_files import patcher

PARTS = {"light", "host", "port", "panic", "p99"}
TOP = 120  # the parts lie at most this many pixels from the upper edge

Places = dict[str, float]
"""For each part that is connected to the server, by its name, the distance from the top in pixels."""


# ---- Pure Data


def pure_data(name: str) -> Places:
    """Find the parts by their send and receive names, or by cords from objects that have such names."""
    text = re.sub(r"\n(?!#)", " ", (FOLDER / name).read_text())
    found: Places = {}
    sent, received = (set(re.findall(rf"#X obj \d+ \d+ {way} (\S+);", text)) for way in "sr")
    own = re.sub(r"(?s)\n#N canvas.*?(#X restore [^\n]*)", r"\n\1", text)  # without the content of subpatches
    objects = [line for line in own.split("\n")[1:] if re.match(r"#X (?!connect|coords)", line)]
    cords = re.findall(r"#X connect (\d+) (\d+) (\d+) 0;", own)
    for index, line in enumerate(objects):
        kind, y, words = line.split()[1], float(line.split()[3]), line.rstrip(";").split()[4:]
        names = set(words)
        corded = {
            outlet for source, outlet, end in cords if end == str(index) and "morph" in objects[int(source)]
        }
        if "morph-lamp" in names & sent or ("tgl" in names and corded):
            found["light"] = y
        elif "p99" in line and (names & sent or corded):
            found["p99"] = y
        elif "bng" in names and any(n.endswith("-panic") for n in names & received):
            found["panic"] = y
        elif kind == "symbolatom" and any(n.endswith("-host") for n in names & received):
            found["host"] = y
        elif kind == "floatatom" and any(n.endswith("-port") for n in names & received):
            found["port"] = y
    return found


# ---- Max


def max_patch(name: str) -> Places:
    """Find the parts that have cords to `udpsend` or from `udpreceive`."""
    patch = patcher(name)
    boxes = {entry["box"]["id"]: entry["box"] for entry in patch["boxes"]}
    cords = [(line["patchline"]["source"][0], line["patchline"]["destination"][0]) for line in patch["lines"]]

    def after(start: str, way: Callable[[tuple[str, str]], tuple[str, str]]) -> Iterator[str]:
        seen, ahead = set[str](), [start]
        while ahead:
            at = ahead.pop()
            for source, end in map(way, cords):
                if source == at and end not in seen:
                    seen.add(end)
                    ahead.append(end)
                    yield boxes[end].get("text", "")

    found: Places = {}
    for key, box in boxes.items():
        if not box.get("presentation"):
            continue
        y, kind = box["presentation_rect"][1], box["maxclass"]
        if kind == "bpatcher":
            found |= {part: y + below for part, below in max_patch(box["name"]).items()}
            continue
        onward, before = list(after(key, lambda cord: cord)), list(after(key, lambda cord: cord[::-1]))
        sends = any(text.startswith("udpsend") for text in onward)
        if kind == "led" and any(text.startswith("udpreceive") for text in before):
            found["light"] = y
        elif kind == "flonum" and any(text.startswith("route p99_ms") for text in before):
            found["p99"] = y
        elif kind == "textbutton" and sends and "/morph/panic" in onward:
            found["panic"] = y
        elif sends and box.get("varname") in ("host", "port") and f"prepend {box['varname']}" in onward:
            found[box["varname"]] = y
    return found


# ---- tablets


def touchosc(name: str) -> Places:
    """Find the parts. Host and port are settings of the app; a label of the layout names the app's menu."""
    root = ET.fromstring(zlib.decompress((FOLDER / name).read_bytes()))
    script = root.findtext(".//property[key='script']/value", "")
    found: Places = {}
    for node in root.iter("node"):
        called = node.findtext("properties/property[key='name']/value", "")
        y = float(node.findtext("properties/property[key='frame']/value/y", ""))
        says = [value.findtext("default", "") for value in node.iterfind("values/value[key='text']")]
        if called in ("light", "p99") and f"'{called}'" in script:
            found[called] = y
        elif "/morph/panic" in (path.text for path in node.iterfind(".//osc/path/partial/value")):
            found.setdefault("panic", y)
        elif any("host and port: Connections" in words for words in says):
            found |= {"host": y, "port": y}
    return found


def open_stage_control(name: str) -> Places:
    """Find host and port, to which panic is sent, and the light and the latency, which scripts set."""
    text = (FOLDER / name).read_text()
    widgets = json.loads(text)["content"]["widgets"]
    panic = next(each for each in widgets if each.get("address") == "/morph/panic")
    assert panic["target"] == "@{host}:@{port}"
    by_id = {each["id"]: each for each in widgets}
    wanted = [each for each in ("light", "p99") if f"set('{each}'" in text]
    found = {each: float(by_id[each]["top"]) for each in [*wanted, "host", "port"]}
    return found | {"panic": float(panic["top"])}


# ---- SuperCollider


def super_collider(name: str) -> Places:
    """Find the parts in the first row of the window that the method `gui` opens."""
    text = (FOLDER / name).read_text()
    gui = text[text.index("\tgui {") : text.index("// private")]
    row = gui[gui.index("VLayout(") :].partition("pads,")[0]
    signs = {
        "light": ("light", "light.background_(alive"),
        "host": ("host", "NetAddr(host.string"),
        "port": ("port", "port.value.asInteger"),
        "panic": ("this.panic", "this.panic"),
        "p99": ("late", 'late.string_("p99'),
    }
    return {part: 0.0 for part, (shown, does) in signs.items() if shown in row and does in gui}


SURFACES: dict[str, Callable[[str], Places]] = {
    "morph.pd": pure_data,
    "morph~-help.pd": pure_data,
    "morph-client-help.pd": pure_data,
    "morph.maxpat": max_patch,
    "morph.client.maxpat": max_patch,
    "morph.client.maxhelp": max_patch,
    "morph.amxd": max_patch,
    "morph.tosc": touchosc,
    "morph.open-stage-control.json": open_stage_control,
    "SuperCollider/SoundMorph.sc": super_collider,
}


@pytest.mark.parametrize("name", SURFACES)
def test_surface_has_light_host_port_panic_and_latency_at_its_top(name: str) -> None:
    found = SURFACES[name](name)
    assert set(found) == PARTS
    assert max(found.values()) <= TOP, found


def test_every_surface_is_tested() -> None:
    kinds = (".pd", ".maxpat", ".maxhelp", ".amxd", ".tosc", ".json", ".sc")
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in kinds}
    parts = {name for name in there if name.startswith("parts/")} | {"morph~.pd", "morph-client.pd"}
    assert there - parts == set(SURFACES)
