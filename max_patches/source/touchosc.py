"""A layout for TouchOSC: zlib-compressed XML, a tree of nodes with properties, values and messages.

Scripts in the layout (Lua, run by TouchOSC) show the server's replies and edit the steps of its sequencer.
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
GREEN: Colour = (0.13, 0.69, 0.38)

PADS, MACROS, PRESETS = 12, 8, 8
LANES, STEPS = 4, 16
SIZE = (1024, 768)
VALUES: dict[str, dict[str, object]] = {
    "LABEL": {"text": ""},
    "GROUP": {},
    "BOX": {},
    "XY": {"x": 0.5, "y": 0.5},
}
PLAY = {"hit": "/morph/trigger", "beat": "/morph/seq/start", "no beat": "/morph/seq/stop"}
GAIN_DB, MACRO_RANGE = (-60.0, 6.0), 4.0
MAP = (520, 76, 488, 270)  # left, top, width, height
EVERY_MS = 50  # interval of the server's status messages
RECEIVE = 9002  # port on which answers are requested, whatever port TouchOSC sends from
CONNECTION = "00001"  # the first of TouchOSC's connections, counted from the right

SCRIPT = """\
local answered, asked = -10, -10  -- in seconds, when the server last answered and was last asked
local model, axes = nil, false  -- the one that plays; true if its axes are named
local pad = nil  -- the sound of the latest pad
local lanes = {}  -- of the server's sequencer: name, steps (velocities)
local found = {}

local function control(name)
  if not found[name] then found[name] = self:findByName(name, true) end
  return found[name]
end

local function label(name, text)
  control(name).values.text = text
end

local function pairs_of(arguments, first)
  local facts = {}
  for i = first, #arguments - 1, 2 do facts[arguments[i].value] = arguments[i + 1].value end
  return facts
end

local function show(row)
  local lane = lanes[row]
  label('lane' .. row, lane and lane.name or row == #lanes + 1 and '+ ' .. (pad or 'the point') or '')
  for step = 1, STEPS do
    local on = lane and (lane.steps[step] or 0) > 0
    control('step' .. row .. '_' .. step).color = on and Color(ORANGE) or Color(GREY)
  end
end

local function show_lanes()
  for row = 1, LANES do show(row) end
end

local function press(row, step)
  if row > #lanes then
    row = #lanes + 1
    lanes[row] = {name = pad or 'the point', steps = {}}
    sendOSC({'/morph/seq/add', pad and {{tag = 's', value = pad}} or {}})
  end
  local steps = lanes[row].steps
  steps[step] = (steps[step] or 0) > 0 and 0 or 1
  sendOSC({'/morph/seq/lane/' .. row - 1 .. '/step/' .. step - 1, {{tag = 'f', value = steps[step]}}})
  show_lanes()
end

function onReceiveNotify(key, value)
  if key == 'pad' then
    pad = value
    show_lanes()
  elseif key == 'step' then
    local row, step = value:match('step(%d+)_(%d+)')
    press(tonumber(row), tonumber(step))
  end
end

function update()
  local now = getMillis() / 1000
  if now - asked > 1 then
    asked = now
    sendOSC({'/morph/reply', {{tag = 'i', value = RECEIVE}}})
    sendOSC({'/morph/subscribe', {{tag = 'i', value = RECEIVE}, {tag = 'f', value = EVERY_MS}}})
    sendOSC({'/morph/get/classes', {}})
    sendOSC({'/morph/get/places', {}})
    sendOSC({'/morph/get/seq', {}})
    if not axes then sendOSC({'/morph/get/axes', {}}) end
  end
  control('light').color = now - answered < 3 and Color(GREEN) or Color(GREY)
end

function onReceiveOSC(message, connections)
  answered = getMillis() / 1000
  local path, arguments = message[1], message[2]
  if path == '/morph/classes.reply' then
    for i = 1, PADS do
      local name = arguments[i] and arguments[i].value or ''
      label('name' .. i, name)
      control('pad' .. i).tag = name
    end
  elseif path == '/morph/places.reply' then
    for i = 1, PADS do
      local at = 3 * i
      local place = control('place' .. i)
      place.values.text = arguments[at] and arguments[at - 2].value or ''
      if arguments[at] then
        local frame = place.frame
        frame.x = LEFT + arguments[at - 1].value * WIDTH - frame.w / 2
        frame.y = TOP + (1 - arguments[at].value) * HEIGHT - frame.h / 2
        place.frame = frame
      end
    end
  elseif path == '/morph/axes.reply' then
    axes = true
    for i = 1, MACROS do
      if arguments[2 * i] then
        label('low' .. i, arguments[2 * i - 1].value)
        label('high' .. i, arguments[2 * i].value)
      end
    end
  elseif path == '/morph/seq.reply' then
    for row = #lanes, pairs_of(arguments, 1).lanes + 1, -1 do lanes[row] = nil end
    show_lanes()
  elseif path == '/morph/seq/lane.reply' then
    local row = arguments[1].value + 1
    if row <= LANES and row <= #lanes + 1 then
      local facts = pairs_of(arguments, 2)
      local name = facts.from == '' and 'the point' or facts.from
      if facts.to ~= facts.from then name = name .. ' › ' .. facts.to end
      lanes[row] = {name = name, steps = {}}
      local first = #arguments
      while arguments[first].value ~= 'steps' do first = first - 1 end
      for i = first + 1, #arguments, 2 do table.insert(lanes[row].steps, arguments[i].value) end
      show_lanes()
    end
  elseif path == '/morph/status.reply' then
    local facts = pairs_of(arguments, 1)
    label('p99', string.format('p99 %.1f ms', facts.p99_ms))
    if facts.model_id ~= model then model, axes = facts.model_id, false end
    for step = 1, STEPS do
      control('beat' .. step).color = step == facts.seq_step + 1 and Color(GREEN) or Color(GREY)
    end
  end
end
"""
PAD = """\
function onValueChanged(key)
  if key == 'x' and self.values.x == 1 and self.tag ~= '' then
    sendOSC({'/morph/trigger', {{tag = 'f', value = 1}, {tag = 's', value = self.tag}}})
    self.parent:notify('pad', self.tag)
  end
end
"""
STEP = """\
function onValueChanged(key)
  if key == 'x' and self.values.x == 1 then self.parent:notify('step', self.name) end
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
    """Return a control with the frame [x, y, width, height].

    Args:
        kind, name, colour, script: type, name, colour and Lua script of the control.
        start: initial value of a fader, 0 to 1.
        background: True if the control hides the controls beneath.
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
    """Make a control send a message.

    Args:
        arguments: (type, conversion, value, low, high) each; values are scaled to the range from low to high.
        when: condition of the trigger.
    """
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
    """Return a label with `text` and a transparent background."""
    element = node("LABEL", name, frame, DARK, background=False, textSize=size)
    default = element.find("values/value/default")
    assert default is not None
    default.text = text
    return element


def layout() -> ET.Element:
    """Return the whole layout: light, p99, panic; pads; map; steps; axes; presets."""
    root = ET.Element("lexml", version="3")
    words: dict[str, object] = dict(zip(("LEFT", "TOP", "WIDTH", "HEIGHT"), MAP, strict=True))
    words |= {"PADS": PADS, "MACROS": MACROS, "LANES": LANES, "STEPS": STEPS}
    words |= {"RECEIVE": RECEIVE, "EVERY_MS": EVERY_MS}
    words |= {"ORANGE": str(ORANGE)[1:-1], "GREY": str(GREY)[1:-1], "GREEN": str(GREEN)[1:-1]}
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
        place = (16 + 124 * (i % 4), 76 + 70 * (i // 4), 116, 62)
        add(node("BUTTON", f"pad{i + 1}", place, ORANGE, PAD, buttonType=0))
        add(label(f"name{i + 1}", "", place))
    add(osc(node("XY", "map", MAP, BLUE), "/morph/xy", (*x, 0, 1), (*y, 0, 1)))
    for i in range(PADS):  # the names of the classes, which the script moves to their places
        add(label(f"place{i + 1}", "", (MAP[0], MAP[1], 100, 24), 14))
    low, high = GAIN_DB
    gain = node("FADER", "gain", (16, 286, 240, 60), GREY, start=-low / (high - low), orientation=1)
    add(osc(gain, "/morph/gain", (*x, low, high)))
    add(label("gain_name", f"gain, {low:g} to {high:g} dB", (16, 302, 240, 28), 14))
    for i, (text, path) in enumerate(PLAY.items()):
        place = (264 + 82 * i, 286, 76, 60)
        add(osc(node("BUTTON", text, place, ORANGE if i == 0 else GREY, buttonType=0), path, when="RISE"))
        add(label(f"{text} name", text, place))
    for step in range(STEPS):
        left = 140 + 53 * step + 6 * (step // 4)
        add(node("BOX", f"beat{step + 1}", (left, 358, 48, 6), GREY))
        for row in range(LANES):
            place = (left, 370 + 42 * row, 48, 36)
            add(node("BUTTON", f"step{row + 1}_{step + 1}", place, GREY, STEP, buttonType=0))
    for row in range(LANES):
        add(label(f"lane{row + 1}", "", (16, 370 + 42 * row, 116, 36), 14))
    for i in range(MACROS):
        place = (16 + 124 * i, 550, 116, 130)
        axis = node("FADER", f"macro{i}", place, AXIS, start=0.5)
        add(osc(axis, f"/morph/macro/{i}", (*x, -MACRO_RANGE, MACRO_RANGE)))
        add(label(f"high{i + 1}", f"axis {i + 1}", (place[0], 552, 116, 24), 12))
        add(label(f"low{i + 1}", "", (place[0], 654, 116, 24), 12))
    for i in range(PRESETS):
        place = (16 + 124 * i, 692, 116, 60)
        preset = ("CONSTANT", "STRING", f"p{i + 1}", 0.0, 1.0)
        button = node("BUTTON", f"preset{i + 1}", place, BLUE, buttonType=0)
        add(osc(button, "/morph/preset/recall", preset, ("CONSTANT", "FLOAT", "200", 0, 1), when="RISE"))
        add(label(f"preset_name{i + 1}", f"p{i + 1}", place))
    return root


def content() -> bytes:
    """Return the content of the file."""
    xml = ET.tostring(layout(), encoding="UTF-8", xml_declaration=True)
    return zlib.compress(xml, 9)
