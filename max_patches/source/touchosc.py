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
AXIS: Colour = (0.3, 0.5, 0.45)
ORANGE: Colour = (0.85, 0.42, 0.15)
RED: Colour = (0.8, 0.15, 0.15)
GREY: Colour = (0.45, 0.48, 0.52)
BLUE: Colour = (0.3, 0.55, 0.75)

PADS, MACROS, PRESETS = 12, 8, 8
SIZE = (1024, 768)
VALUES: dict[str, dict[str, object]] = {
    "LABEL": {"text": ""},
    "GROUP": {},
    "BOX": {},
    "XY": {"x": 0.5, "y": 0.5},
}
PLAY = {"hit": "/morph/trigger", "beat": "/morph/seq/start", "no beat": "/morph/seq/stop"}
GAIN_DB, MACRO_RANGE = (-60.0, 6.0), 4.0
MAP = (520, 76, 488, 424)  # left, top, width, height
RECEIVE = 9002  # the port that answers are asked to, whatever port TouchOSC sends from
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
    sendOSC({'/morph/reply', {{tag = 'i', value = RECEIVE}}})
    sendOSC({'/ping', {}})
    sendOSC({'/morph/get/classes', {}})
    sendOSC({'/morph/get/places', {}})
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
  elseif path == '/morph/places.reply' then
    for i = 1, PADS do
      local at = 3 * i
      local control = self:findByName('place' .. i, true)
      control.values.text = arguments[at] and arguments[at - 2].value or ''
      if arguments[at] then
        local frame = control.frame
        frame.x = LEFT + arguments[at - 1].value * WIDTH - frame.w / 2
        frame.y = TOP + (1 - arguments[at].value) * HEIGHT - frame.h / 2
        control.frame = frame
      end
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
    kind: str,
    name: str,
    frame: Sequence[float],
    colour: Colour,
    script: str = "",
    *,
    start: float = 0.0,
    background: bool = True,
    **more: int,
) -> ET.Element:
    """A control at x, y, width, height.

    Args:
        kind, name, colour, script: of it.
        start: where a fader is at first, 0 to 1.
        background: whether it hides what is beneath.
        more: further whole-number properties.
    """
    element = ET.Element("node", ID=str(uuid.uuid5(uuid.NAMESPACE_URL, f"soundmorph/{name}")), type=kind)
    properties = ET.SubElement(element, "properties")
    _property(properties, "s", "name", name)
    _property(properties, "r", "frame", dict(zip("xywh", frame, strict=True)))
    _property(properties, "c", "color", dict(zip("rgba", (*colour, 1), strict=True)))
    _property(properties, "b", "background", int(background))
    _property(properties, "b", "visible", 1)
    _property(properties, "b", "interactive", int(kind in ("BUTTON", "FADER", "XY")))
    for key, value in more.items():
        _property(properties, "i", key, value)
    if script:
        _property(properties, "s", "script", script)
    values = ET.SubElement(element, "values")
    for key, default in VALUES.get(kind, {"x": f"{start:g}"}).items():
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


def label(name: str, text: str, frame: Sequence[float], size: int = 16) -> ET.Element:
    """A label that says `text`, over whatever is beneath it."""
    element = node("LABEL", name, frame, DARK, background=False, textSize=size)
    default = element.find("values/value/default")
    assert default is not None
    default.text = text
    return element


def layout() -> ET.Element:
    """The whole of it: light, p99, panic; pads; map; macros; presets."""
    root = ET.Element("lexml", version="3")
    words = {"PADS": PADS, "RECEIVE": RECEIVE}
    words |= dict(zip(("LEFT", "TOP", "WIDTH", "HEIGHT"), MAP, strict=True))
    script = SCRIPT
    for word, value in words.items():
        script = script.replace(word, str(value))
    page = node("GROUP", "soundmorph", (0, 0, *SIZE), DARK, script)
    root.append(page)
    add = ET.SubElement(page, "children").append
    x, y = ("VALUE", "FLOAT", "x"), ("VALUE", "FLOAT", "y")

    add(label("title", "soundmorph", (16, 12, 200, 48), 22))
    add(node("BOX", "light", (232, 20, 32, 32), GREY))
    add(label("p99", "p99 – ms", (280, 12, 140, 48)))
    add(label("where", "host and port: Connections › OSC › 1", (430, 12, 340, 48), 14))
    for name, left, width, colour in (("stop", 780, 100, GREY), ("panic", 892, 116, RED)):
        place = (left, 12, width, 48)
        add(osc(node("BUTTON", name, place, colour, buttonType=0), f"/morph/{name}", when="RISE"))
        add(label(f"{name}_name", name, place))
    for i in range(PADS):
        place = (16 + 124 * (i % 4), 76 + 108 * (i // 4), 116, 100)
        add(node("BUTTON", f"pad{i + 1}", place, ORANGE, PAD, buttonType=0))
        add(label(f"name{i + 1}", "", place))
    add(osc(node("XY", "map", MAP, BLUE), "/morph/xy", (*x, 0, 1), (*y, 0, 1)))
    for i in range(PADS):  # the names of the classes, which the script moves to their places
        add(label(f"place{i + 1}", "", (MAP[0], MAP[1], 100, 24), 14))
    low, high = GAIN_DB
    gain = node("FADER", "gain", (16, 408, 240, 92), GREY, start=-low / (high - low), orientation=1)
    add(osc(gain, "/morph/gain", (*x, low, high)))
    add(label("gain_name", f"gain, {low:g} to {high:g} dB", (16, 412, 240, 28), 14))
    for i, (text, path) in enumerate(PLAY.items()):
        place = (264 + 82 * i, 408, 76, 92)
        add(osc(node("BUTTON", text, place, ORANGE if i == 0 else GREY, buttonType=0), path, when="RISE"))
        add(label(f"{text} name", text, place))
    for i in range(MACROS):
        place = (16 + 124 * i, 516, 116, 160)
        axis = node("FADER", f"macro{i}", place, AXIS, start=0.5)
        add(osc(axis, f"/morph/macro/{i}", (*x, -MACRO_RANGE, MACRO_RANGE)))
        add(label(f"macro_name{i}", f"axis {i + 1}", (place[0], 520, 116, 28), 14))
    for i in range(PRESETS):
        place = (16 + 124 * i, 692, 116, 60)
        preset = ("CONSTANT", "STRING", f"p{i + 1}", 0.0, 1.0)
        button = node("BUTTON", f"preset{i + 1}", place, BLUE, buttonType=0)
        add(osc(button, "/morph/preset/recall", preset, ("CONSTANT", "FLOAT", "200", 0, 1), when="RISE"))
        add(label(f"preset_name{i + 1}", f"p{i + 1}", place))
    return root


def content() -> bytes:
    """The file."""
    xml = ET.tostring(layout(), encoding="UTF-8", xml_declaration=True)
    return zlib.compress(xml, 9)
