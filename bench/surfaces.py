"""`python -m bench.surfaces -o docs`: draw pictures of our patches and layouts for other programs.

The pictures are drawn from the files in `max_patches`: Max, Live, TouchOSC and Open Stage Control need not be
installed. Each picture shows a patch or layout before a server answers. Positions, sizes, text and initial
values are those of the file; shading and corners are approximate.
"""

from __future__ import annotations

import json
import math
import re
import sys
import textwrap
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

from realtime.util.parser import Parser

FOLDER = Path(__file__).resolve().parent.parent / "max_patches"
DPI = 100
FIELD, EDGE, MARK, INK, FAINT = "#3a3f4a", "#5a6070", "#e8a04c", "#d8dbe2", "#8a90a0"
SLATE = "#4a6fa5"  # colour of widgets for which the file gives no colour
DEVICE_HEAD = 32  # number of bytes before the patcher in a Max for Live device

Frame = tuple[float, float, float, float]
"""x, y, width, height in pixels, y downwards."""


def main(argv: list[str] | None = None) -> int:
    """Draw all pictures."""
    parser = Parser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="output folder")
    args = parser.parse_args(argv)
    for name, (file, draw) in PICTURES.items():
        draw(FOLDER / file).save(args.out / name)
    return 0


class Canvas:
    """A picture to draw on, empty at first.

    Attributes:
        size: width and height in pixels.
    """

    def __init__(self, width: float, height: float) -> None:
        matplotlib.use("Agg")
        from matplotlib import pyplot

        self.size = width, height
        self._figure = pyplot.figure(figsize=(width / DPI, height / DPI))
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.axis("off")

    def save(self, path: Path) -> None:
        """Write the picture to a file."""
        self._figure.savefig(path, dpi=DPI)

    def rectangle(self, frame: Frame, face: Any, edge: Any = "none", rounded: float = 0.0) -> None:
        """Draw a rectangle whose corners have the radius `rounded`, in pixels."""
        from matplotlib.patches import FancyBboxPatch

        x, y, width, height = frame
        style = f"round,pad=0,rounding_size={rounded}" if rounded else "square,pad=0"
        self._axes.add_patch(
            FancyBboxPatch(
                (x, y), width, height, boxstyle=style, facecolor=face, edgecolor=edge, linewidth=0.7
            )
        )

    def circle(self, x: float, y: float, radius: float, face: Any, edge: Any = "none") -> None:
        """Draw a circle."""
        from matplotlib.patches import Circle

        self._axes.add_patch(Circle((x, y), radius, facecolor=face, edgecolor=edge, linewidth=0.7))

    def line(self, xs: list[float], ys: list[float], colour: Any, width: float = 0.7) -> None:
        """Draw a line through points."""
        self._axes.plot(xs, ys, color=colour, linewidth=width, solid_capstyle="round")

    def label(self, frame: Frame, text: str, size: float, colour: Any = INK, align: str = "center") -> None:
        """Draw text of `size` pixels in the middle of a frame or at its left edge."""
        x, y, width, height = frame
        place = x + 3 if align == "left" else x + width / 2
        self._axes.text(
            place,
            y + height / 2,
            text,
            color=colour,
            size=size * 72 / DPI,
            va="center",
            ha=align,
            clip_on=True,
        )


# ---- Max


def max_patcher(path: Path) -> Canvas:
    """Draw the presentation view of a .maxpat or .amxd file."""
    patcher = _patcher(path)
    *_, width, height = patcher["rect"]
    canvas = Canvas(width, height)
    _draw_patcher(canvas, patcher, 0.0, 0.0)
    return canvas


def _patcher(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    loaded: dict[str, Any] = json.loads(content[DEVICE_HEAD:] if path.suffix == ".amxd" else content)
    return loaded["patcher"]


def _draw_patcher(canvas: Canvas, patcher: dict[str, Any], left: float, top: float) -> None:
    boxes = {entry["box"]["id"]: entry["box"] for entry in patcher["boxes"]}
    loaded = {}  # value that a loadmess sends to each box when the patch opens
    for line in patcher["lines"]:
        source, destination = (boxes[line["patchline"][end][0]] for end in ("source", "destination"))
        words = source.get("text", "").split()
        if words[:1] == ["loadmess"]:
            loaded[destination["id"]] = words[1]
    for box in boxes.values():
        if not box.get("presentation"):
            continue
        x, y, width, height = box["presentation_rect"]
        frame = (x + left, y + top, width, height)
        if box["maxclass"] == "bpatcher":
            _draw_patcher(canvas, _patcher(FOLDER / box["name"]), frame[0], frame[1])
        else:
            MAX.get(box["maxclass"], _field)(canvas, frame, box | {"loaded": loaded.get(box["id"])})


def _field(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    """Draw a button or message box: a rectangle with its text."""
    canvas.rectangle(frame, box.get("bgcolor", FIELD), EDGE, 4)
    canvas.label(frame, box.get("text", ""), box.get("fontsize", 12.0))


def _panel(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    canvas.rectangle(frame, box["bgcolor"], EDGE if box.get("rounded") else "none", box.get("rounded", 0.0))


def _comment(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    size = box.get("fontsize", 12.0)
    wrapped = textwrap.fill(box["text"], max(1, int(frame[2] / (0.5 * size))))
    canvas.label(frame, wrapped, 0.9 * size, align="left")


def _led(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.circle(x + width / 2, y + height / 2, 0.4 * width, [0.3 * c for c in box["oncolor"][:3]], EDGE)


def _number(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, _, height = frame
    first = box["loaded"] or "0"
    canvas.rectangle(frame, FIELD, EDGE, 3)
    canvas.line([x + 5, x + 10, x + 5], [y + 0.3 * height, y + height / 2, y + 0.7 * height], FAINT)
    shown = f"{max(float(first), box.get('minimum', -math.inf)):g}"
    if box["maxclass"] == "flonum" and "." not in shown:
        shown += "."
    canvas.label((x + 11, *frame[1:]), shown, 12, align="left")


def _text_edit(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    canvas.rectangle(frame, FIELD, EDGE)
    canvas.label((frame[0] + 3, *frame[1:]), box["text"], 12, align="left")


def _tab(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    width /= len(box["tabs"])
    for index, name in enumerate(box["tabs"]):
        each = (x + width * index + 1, y, width - 2, height)
        canvas.rectangle(each, FIELD, EDGE, 4)
        canvas.label(each, name, box.get("fontsize", 12.0))


def _menu(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.rectangle(frame, FIELD, EDGE, 4)
    right, middle = x + width - 10, y + height / 2
    canvas.line([right - 4, right, right + 4], [middle - 2, middle + 3, middle - 2], FAINT, 1.2)


def _toggle(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.rectangle(frame, FIELD, EDGE, 3)
    for ys in ([y + 6, y + height - 6], [y + height - 6, y + 6]):
        canvas.line([x + 6, x + width - 6], ys, EDGE, 1.5)


def _slider(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.rectangle(frame, FIELD, EDGE, 3)
    place = x + 3 + (width - 10) * (0.0 - box.get("min", 0.0)) / box["size"]
    canvas.rectangle((place, y + 2, 4, height - 4), box.get("knobcolor", INK))


def _sliders(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.rectangle(frame, FIELD, EDGE)
    width /= box["size"]
    for index in range(box["size"]):
        canvas.line([x + width * index] * 2, [y, y + height], EDGE, 0.5)
        bar = (x + width * index + 1.5, y + height - 3, width - 3, 2.5)
        canvas.rectangle(bar, box.get("slidercolor", FAINT))


def _nodes(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.rectangle(frame, FIELD, EDGE)
    for size, across, up in zip(box["nsize"], box["xplace"], box["yplace"], strict=True):
        middle = x + across * width, y + (1 - up) * height
        canvas.circle(*middle, min(size * width / 2, 0.19 * width), (*_rgb(MARK), 0.25), MARK)
    canvas.circle(x + width / 2, y + height / 2, 4, INK)


def _presets(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    canvas.rectangle(frame, FIELD, EDGE)
    step = 14
    for row in range(int((height - 4) // step)):
        for column in range(int((width - 4) // step)):
            canvas.rectangle((x + 4 + step * column, y + 4 + step * row, 10, 10), EDGE, rounded=2)


def _dial(canvas: Canvas, frame: Frame, box: dict[str, Any]) -> None:
    x, y, width, height = frame
    values = box["saved_attribute_attributes"]["valueof"]
    low, high, (first,) = values["parameter_mmin"], values["parameter_mmax"], values["parameter_initial"]
    canvas.label((x, y, width, 13), values["parameter_shortname"], 11)
    middle, centre, radius = x + width / 2, y + 0.56 * height, 0.24 * height
    start, now = (
        math.radians(135 + 270 * t) for t in ((0 - low) / (high - low), (first - low) / (high - low))
    )
    for (begin, end), colour in (((math.radians(135), math.radians(405)), EDGE), ((start, now), MARK)):
        angles = [begin + (end - begin) * k / 40 for k in range(41)]
        canvas.line(
            [middle + radius * math.cos(a) for a in angles],
            [centre + radius * math.sin(a) for a in angles],
            colour,
            2.4,
        )
    canvas.line(
        [middle, middle + radius * math.cos(now)], [centre, centre + radius * math.sin(now)], MARK, 1.6
    )
    canvas.label((x, y + height - 12, width, 12), f"{first:.2f}", 10.5, FAINT)


MAX: dict[str, Callable[[Canvas, Frame, dict[str, Any]], None]] = {
    "comment": _comment,
    "flonum": _number,
    "led": _led,
    "live.dial": _dial,
    "multislider": _sliders,
    "nodes": _nodes,
    "number": _number,
    "panel": _panel,
    "preset": _presets,
    "slider": _slider,
    "tab": _tab,
    "textedit": _text_edit,
    "toggle": _toggle,
    "umenu": _menu,
}


# ---- TouchOSC


def touchosc(path: Path) -> Canvas:
    """Draw the page of a .tosc file."""
    page = ET.fromstring(zlib.decompress(path.read_bytes())).find("node")
    assert page is not None
    canvas = Canvas(*_frame(page)[2:])
    for node in page.iter("node"):
        _control(canvas, node)
    return canvas


def _control(canvas: Canvas, node: ET.Element) -> None:
    kind, frame, colour = node.get("type"), _frame(node), tuple(_numbers(node, "color").values())[:3]
    x, y, width, height = frame
    dim = tuple(0.55 * c for c in colour)
    if _property(node, "background").text == "1":
        plain = kind in ("GROUP", "LABEL", "BOX")
        canvas.rectangle(
            frame, colour if plain else dim, "none" if plain else colour, 0 if kind == "GROUP" else 4
        )
    first = {value.findtext("key"): value.findtext("default", "") for value in node.iterfind("values/value")}
    if kind == "LABEL":
        canvas.label(frame, first["text"] or "", float(_property(node, "textSize").text or 14), "white")
    elif kind == "XY":
        across, down = x + float(first["x"]) * width, y + (1 - float(first["y"])) * height
        canvas.line([across, across], [y, y + height], colour)
        canvas.line([x, x + width], [down, down], colour)
        canvas.circle(across, down, 16, colour)
    elif kind == "FADER":
        part = float(first["x"])
        horizontal = node.find("properties/property[key='orientation']") is not None
        canvas.rectangle(_filled(frame, part, horizontal), colour, rounded=4)


def _property(node: ET.Element, key: str) -> ET.Element:
    value = node.find(f"properties/property[key='{key}']/value")
    assert value is not None
    return value


def _numbers(node: ET.Element, key: str) -> dict[str, float]:
    return {each.tag: float(each.text or 0) for each in _property(node, key)}


def _frame(node: ET.Element) -> Frame:
    x, y, width, height = _numbers(node, "frame").values()
    return x, y, width, height


def _filled(frame: Frame, part: float, horizontal: bool) -> Frame:
    """Return the filled rectangle of a fader: the fraction `part`, 0 to 1, from the left or from below."""
    x, y, width, height = frame
    return (x, y, width * part, height) if horizontal else (x, y + height * (1 - part), width, height * part)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


# ---- Open Stage Control


def open_stage_control(path: Path) -> Canvas:
    """Draw the widgets of a session file as coloured rectangles with text."""
    root = json.loads(path.read_text())["content"]
    widgets = [each for each in root["widgets"] if "left" in each]
    canvas = Canvas(
        16 + max(each["left"] + each["width"] for each in widgets),
        16 + max(each["top"] + each["height"] for each in widgets),
    )
    canvas.rectangle((0, 0, *canvas.size), root["colorBg"])
    for each in widgets:
        _widget(canvas, each)
    return canvas


def _widget(canvas: Canvas, each: dict[str, Any]) -> None:
    frame = each["left"], each["top"], each["width"], each["height"]
    x, y, width, height = frame
    colour = each.get("colorWidget", SLATE)
    if each["type"] != "text":
        canvas.rectangle(frame, (*_rgb(colour), 0.45), colour)
    if each["type"] == "fader":
        low, high = each["range"]["min"], each["range"]["max"]
        part = (each.get("default", low) - low) / (high - low)
        horizontal = bool(each.get("horizontal"))
        canvas.rectangle(_filled(frame, part, horizontal), (*_rgb(colour), 0.6))
    elif each["type"] == "xy":
        canvas.circle(x + width / 2, y + height / 2, 18, (*_rgb(colour), 0.6), colour)
    shown = each.get("label") or each.get("html") or each.get("default", "")
    text = re.sub(r"<.*?>", "", re.sub(r"VAR\{\w+, '(.*)'\}", r"\1", str(shown)))
    canvas.label(frame, text, 12, align="left" if each["type"] in ("text", "fader") else "center")


PICTURES: dict[str, tuple[str, Callable[[Path], Canvas]]] = {
    "max.png": ("morph.maxpat", max_patcher),
    "live.png": ("morph.amxd", max_patcher),
    "open-stage-control.png": ("morph.open-stage-control.json", open_stage_control),
    "touchosc.png": ("morph.tosc", touchosc),
}

if __name__ == "__main__":
    sys.exit(main())
