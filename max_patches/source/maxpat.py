"""Builds a Max patcher from boxes and cords, checks it against a table of Max objects, and makes its file."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

APP_VERSION = {"major": 8, "minor": 5, "revision": 0, "architecture": "x64", "modernui": 1}
DEVICE_TYPES = {"midi effect": b"mmmm", "audio effect": b"aaaa", "instrument": b"iiii"}

Shape = tuple[int, int]
"""Numbers of inlets and outlets."""

#: Shapes of objects with a user interface of their own, by `maxclass`.
INTERFACES: dict[str, Shape] = {
    "bpatcher": (1, 2),  # of morph.client, the only one used
    "button": (1, 1),
    "comment": (1, 0),
    "flonum": (1, 2),
    "inlet": (0, 1),
    "led": (1, 1),
    "live.dial": (1, 2),
    "live.numbox": (1, 2),
    "live.text": (1, 2),
    "message": (2, 1),
    "multislider": (1, 2),
    "nodes": (1, 3),
    "number": (1, 2),
    "outlet": (1, 0),
    "panel": (1, 0),
    "preset": (1, 5),
    "slider": (1, 1),
    "tab": (1, 3),
    "textbutton": (1, 3),
    "textedit": (1, 4),
    "toggle": (1, 1),
    "umenu": (1, 3),
}


def _each(arguments: list[str]) -> Shape:
    return len(arguments), 1


#: Shapes of objects given by text, by the first word; a function derives the shape from the arguments.
OBJECTS: dict[str, Shape | Callable[[list[str]], Shape]] = {
    "*": (2, 1),
    "/": (2, 1),
    "autopattr": (1, 4),
    "change": (1, 3),
    "counter": (5, 4),
    "ctlin": (1, 2),  # with a controller number
    "delay": (2, 1),
    "expr": lambda arguments: (max(1, max((int(c) for a in arguments for c in _inputs(a)), default=1)), 1),
    "if": lambda arguments: (1, 1),
    "loadbang": (1, 1),
    "loadmess": (1, 1),
    "metro": (2, 1),
    "midiin": (1, 1),
    "midiout": (1, 0),
    "notein": (1, 3),
    "pack": _each,
    "pak": _each,
    "pattrstorage": (1, 1),
    "prepend": (1, 1),
    "r": (0, 1),
    "route": lambda arguments: (1, len(arguments) + 1),
    "s": (1, 0),
    "scale": (6, 1),
    "sel": lambda arguments: (2 if len(arguments) == 1 else 1, len(arguments) + 1),
    "stripnote": (2, 2),
    "t": lambda arguments: (1, len(arguments)),
    "udpreceive": (1, 1),
    "udpsend": (1, 0),
    "vexpr": lambda arguments: (max(int(c) for a in arguments for c in _inputs(a)), 1),
    "zl": (2, 2),
}


def _inputs(text: str) -> list[str]:
    """Return the numbers of the inlets that an expression refers to as $i1, $f2 …"""
    return [text[i + 2] for i in range(len(text) - 2) if text[i] == "$"]


def shape_of(maxclass: str, text: str) -> Shape:
    """Return the numbers of inlets and outlets of a box.

    Raises:
        KeyError: the table does not know the object.
    """
    if maxclass != "newobj":
        return INTERFACES[maxclass]
    name, *arguments = text.split()
    arguments = arguments[: next((i for i, a in enumerate(arguments) if a.startswith("@")), None)]
    shape = OBJECTS[name]
    return shape(arguments) if callable(shape) else shape


@dataclass(frozen=True)
class Box:
    """A box of a patch; cords refer to its id."""

    id: str
    inlets: int
    outlets: int


@dataclass
class Patch:
    """A patcher under construction. Places are in pixels.

    Args:
        width, height: size of the patcher's window.
    """

    width: float
    height: float
    boxes: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    _row: float = 20.0

    def box(self, maxclass: str, text: str = "", *, shown: tuple[float, ...] = (), **attributes: Any) -> Box:
        """Add a box; `shown` is its place in presentation: x, y, width, height."""
        inlets, outlets = shape_of(maxclass, text)
        made = Box(f"obj-{len(self.boxes) + 1}", inlets, outlets)
        content: dict[str, Any] = {
            "id": made.id,
            "maxclass": maxclass,
            "numinlets": inlets,
            "numoutlets": outlets,
        }
        content["outlettype"] = [""] * outlets
        content["patching_rect"] = [20.0 + 260.0 * (len(self.boxes) % 5), self._row, 240.0, 22.0]
        self._row += 32.0 if len(self.boxes) % 5 == 4 else 0.0
        if text:
            content["text"] = text
        if shown:
            content |= {"presentation": 1, "presentation_rect": [float(x) for x in shown]}
        self.boxes.append({"box": content | attributes})
        return made

    def new(self, text: str, **attributes: Any) -> Box:
        """Add an object given by its text."""
        return self.box("newobj", text, **attributes)

    def wire(self, *way: Box | tuple[Box, int] | tuple[int, Box] | tuple[int, Box, int]) -> None:
        """Connect boxes in a row: `box`, `(box, outlet)`, `(inlet, box)` or `(inlet, box, outlet)`."""
        for source, destination in itertools.pairwise(way):
            start, outlet = _leaving(source)
            end, inlet = _entering(destination)
            assert outlet < start.outlets, f"{start} has no outlet {outlet}"
            assert inlet < end.inlets, f"{end} has no inlet {inlet}"
            self.lines.append({"patchline": {"source": [start.id, outlet], "destination": [end.id, inlet]}})

    def document(self) -> dict[str, Any]:
        """Return the content of a .maxpat file."""
        return {
            "patcher": {
                "fileversion": 1,
                "appversion": APP_VERSION,
                "classnamespace": "box",
                "rect": [80.0, 80.0, self.width, self.height],
                "openinpresentation": 1,
                "default_fontsize": 12.0,
                "default_fontname": "Arial",
                "gridsize": [15.0, 15.0],
                "boxes": self.boxes,
                "lines": self.lines,
            }
        }

    def text(self) -> str:
        """Return the file of a patcher or a help patcher."""
        return json.dumps(self.document(), indent="\t") + "\n"

    def device(self, kind: str) -> bytes:
        """Return the file of a Max for Live device: a header that states its type, and the patcher."""
        body = self.text().encode()
        head = b"ampf" + struct.pack("<I", 4) + DEVICE_TYPES[kind]
        meta = b"meta" + struct.pack("<II", 4, 0)
        return head + meta + b"ptch" + struct.pack("<I", len(body)) + body


def _leaving(end: Any) -> tuple[Box, int]:
    if isinstance(end, Box):
        return end, 0
    if isinstance(end[0], Box):
        return end[0], end[1]
    return end[1], end[2] if len(end) > 2 else 0


def _entering(end: Any) -> tuple[Box, int]:
    if isinstance(end, Box):
        return end, 0
    if isinstance(end[0], Box):
        return end[0], 0
    return end[1], end[0]
