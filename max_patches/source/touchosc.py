"""A layout for TouchOSC: zlib-compressed XML, a tree of nodes with properties, values and messages.

A script in the layout (Lua, run by TouchOSC) names the pads and colours the light from the server's answers.
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Sequence

Colour = tuple[float, float, float]

DARK: Colour = (0.16, 0.2, 0.25)
PANEL: Colour = (0.25, 0.29, 0.34)
ORANGE: Colour = (0.85, 0.42, 0.15)
RED: Colour = (0.8, 0.15, 0.15)
GREY: Colour = (0.45, 0.48, 0.52)
BLUE: Colour = (0.3, 0.55, 0.75)

PADS, MACROS, PRESETS = 12, 8, 8
SIZE = (1024, 768)
VALUES: dict[str, dict[str, object]] = {"LABEL": {"text": ""}, "GROUP": {}, "BOX": {}, "XY": {"x": 0, "y": 0}}
CONNECTION = "00001"  # the first of TouchOSC's ten, counted from the right

SCRIPT = """\
local heard = -10
local asked = -10

local function label(name, text)
  local control = self:findByName(name, true)
  if control then control.values.text = text end
end

function update()
  local now = getMillis() / 1000
  if now - asked > 1 then
    asked = now
    sendOSC({'/ping', {}})
    sendOSC({'/morph/get/classes', {}})
    sendOSC({'/morph/get/status', {}})
  end
  local light = self:findByName('light', true)
  if now - heard < 3 then light.color = Color(0.13, 0.69, 0.38) else light.color = Color(0.45, 0.48, 0.52) end
end

function onReceiveOSC(message, connections)
  heard = getMillis() / 1000
  local path, arguments = message[1], message[2]
  if path == '/morph/classes.reply' then
    for i = 1, PADS do
      local name = arguments[i] and arguments[i].value or ''
      label('name' .. i, name)
      self:findByName('pad' .. i, true).tag = name
    end
  elseif path == '/morph/status.reply' then
    for i = 1, #arguments - 1, 2 do
      if arguments[i].value == 'p99_ms' then
        label('p99', string.format('p99 %.1f ms', arguments[i + 1].value))
      end
    end
  end
end
"""
PAD = """\
function onValueChanged(key)
  if key == 'x' and self.values.x == 1 and self.tag ~= '' then
    sendOSC({'/morph/trigger', {{tag = 'f', value = 1}, {tag = 's', value = self.tag}}})
  end
end
"""


def node(
    kind: str, name: str, frame: Sequence[float], colour: Colour, script: str = "", **more: int
) -> ET.Element:
    """A control at x, y, width, height; `more` are further whole-number properties."""
    element = ET.Element("node", ID=str(uuid.uuid5(uuid.NAMESPACE_URL, f"soundmorph/{name}")), type=kind)
    properties = ET.SubElement(element, "properties")
    _property(properties, "s", "name", name)
    _property(properties, "r", "frame", dict(zip("xywh", frame, strict=True)))
    _property(properties, "c", "color", dict(zip("rgba", (*colour, 1), strict=True)))
    for key in ("background", "visible", "interactive"):
        _property(properties, "b", key, int(key != "interactive" or kind in ("BUTTON", "FADER", "XY")))
    for key, value in more.items():
        _property(properties, "i", key, value)
    if script:
        _property(properties, "s", "script", script)
    values = ET.SubElement(element, "values")
    for key, default in VALUES.get(kind, {"x": 0}).items():
        _value(values, key, default)
    _value(values, "touch", "false")
    return element


def _property(parent: ET.Element, kind: str, key: str, content: object) -> None:
    element = ET.SubElement(parent, "property", type=kind)
    ET.SubElement(element, "key").text = key
    value = ET.SubElement(element, "value")
    if isinstance(content, dict):
        for name, number in content.items():
            ET.SubElement(value, name).text = f"{number:g}"
    else:
        value.text = str(content)


def _value(parent: ET.Element, key: str, default: object) -> None:
    element = ET.SubElement(parent, "value")
    for name, text in (
        ("key", key),
        ("locked", 0),
        ("lockedDefaultCurrent", 0),
        ("default", default),
        ("defaultPull", 0),
    ):
        ET.SubElement(element, name).text = str(text)


def osc(
    control: ET.Element, path: str, *arguments: tuple[str, str, str, float, float], when: str = "ANY"
) -> ET.Element:
    """Have a control send a message; an argument is its type, conversion, value, and range to scale to."""
    messages = control.find("messages")
    if messages is None:
        messages = ET.SubElement(control, "messages")
    message = ET.SubElement(messages, "osc")
    for key, text in (
        ("enabled", "1"),
        ("send", "1"),
        ("receive", "0"),
        ("feedback", "0"),
        ("connections", CONNECTION),
    ):
        ET.SubElement(message, key).text = text
    triggers = ET.SubElement(message, "triggers")
    for variable in "xy" if control.get("type") == "XY" else "x":
        trigger = ET.SubElement(triggers, "trigger")
        ET.SubElement(trigger, "var").text = variable
        ET.SubElement(trigger, "condition").text = when
    _partial(ET.SubElement(message, "path"), "CONSTANT", "STRING", path, 0, 1)
    holder = ET.SubElement(message, "arguments")
    for argument in arguments:
        _partial(holder, *argument)
    return control


def _partial(parent: ET.Element, kind: str, conversion: str, value: str, low: float, high: float) -> None:
    element = ET.SubElement(parent, "partial")
    for key, text in (
        ("type", kind),
        ("conversion", conversion),
        ("value", value),
        ("scaleMin", f"{low:g}"),
        ("scaleMax", f"{high:g}"),
    ):
        ET.SubElement(element, key).text = text


def label(name: str, text: str, frame: Sequence[float], colour: Colour) -> ET.Element:
    """A label that says `text`."""
    element = node("LABEL", name, frame, colour, textSize=16)
    default = element.find("values/value/default")
    assert default is not None
    default.text = text
    return element


def layout() -> ET.Element:
    """The whole of it: light, p99, panic; pads; map; macros; presets."""
    root = ET.Element("lexml", version="3")
    page = node("GROUP", "soundmorph", (0, 0, *SIZE), DARK, SCRIPT.replace("PADS", str(PADS)))
    root.append(page)
    all_of_it = ET.SubElement(page, "children")
    add = all_of_it.append
    x = ("VALUE", "FLOAT", "x")

    add(label("title", "soundmorph", (16, 12, 200, 48), DARK))
    add(node("BOX", "light", (232, 20, 32, 32), GREY))
    add(label("p99", "p99 – ms", (280, 12, 180, 48), DARK))
    add(label("where", "host and port: Connections > OSC > 1", (470, 12, 300, 48), DARK))
    add(osc(node("BUTTON", "stop", (780, 12, 100, 48), GREY, buttonType=0), "/morph/stop", when="RISE"))
    add(osc(node("BUTTON", "panic", (892, 12, 116, 48), RED, buttonType=0), "/morph/panic", when="RISE"))
    add(label("stop_name", "stop", (780, 12, 100, 48), GREY))
    add(label("panic_name", "panic", (892, 12, 116, 48), RED))
    for i in range(PADS):
        place = (16 + 124 * (i % 4), 76 + 108 * (i // 4), 116, 100)
        add(node("BUTTON", f"pad{i + 1}", place, ORANGE, PAD, buttonType=0))
        add(label(f"name{i + 1}", "", (place[0], place[1] + 66, 116, 30), ORANGE))
    add(
        osc(
            node("XY", "map", (520, 76, 488, 424), BLUE),
            "/morph/xy",
            (*x, 0, 1),
            ("VALUE", "FLOAT", "y", 0, 1),
        )
    )
    add(osc(node("FADER", "gain", (16, 408, 488, 92), GREY, orientation=1), "/morph/gain", (*x, -60, 6)))
    for i in range(MACROS):
        add(
            osc(
                node("FADER", f"macro{i}", (16 + 124 * i, 516, 116, 160), PANEL),
                f"/morph/macro/{i}",
                (*x, -4, 4),
            )
        )
    for i in range(PRESETS):
        name = ("CONSTANT", "STRING", f"p{i + 1}", 0.0, 1.0)
        button = node("BUTTON", f"preset{i + 1}", (16 + 124 * i, 692, 116, 60), BLUE, buttonType=0)
        add(osc(button, "/morph/preset/recall", name, ("CONSTANT", "FLOAT", "200", 0, 1), when="RISE"))
        add(label(f"preset_name{i + 1}", str(i + 1), (16 + 124 * i, 692, 116, 60), BLUE))
    return root


def content() -> bytes:
    """The file."""
    xml = ET.tostring(layout(), encoding="UTF-8", xml_declaration=True)
    return zlib.compress(xml, 9)
