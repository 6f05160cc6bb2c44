"""A session for Open Stage Control: JSON, a tree of widgets with properties.

The widgets show values from the server's replies. Scripts in the session (JavaScript, run by Open Stage
Control) set the widgets. They repeat their queries until the replies arrive, and again for another model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Widget = dict[str, Any]

VERSION = "1.29.2"  # version of Open Stage Control whose documentation defines the properties
DARK, ORANGE, RED, GREY, BLUE, GREEN = "#2a3440", "#d06020", "#c02020", "#66707c", "#4d8cc0", "#22b060"
PADS, MACROS, PRESETS = 12, 8, 8
LANES, STEPS = 4, 16
SIZE = (1024, 768)
PRESET_MS = 200
SERVER = "@{host}:@{port}"

ASK = """\
globals.answered = 0
globals.forget = function() {
  globals.classes = null
  globals.places = null
  globals.ranges = []
  globals.ready = false
  globals.named = false
}
globals.forget()
globals.pad = ''  // the sound of the latest pad
globals.lanes = []  // of the server's sequencer: name, steps (velocities)
globals.showLanes = function() {
  for (var row = 0; row < LANES; row++) {
    var lane = globals.lanes[row]
    var free = row === globals.lanes.length ? '+ ' + (globals.pad || 'the point') : ''
    set('lane' + row, lane ? lane.name : free)
    for (var step = 0; step < STEPS; step++) {
      set('step' + row + '_' + step, lane && lane.steps[step] > 0 ? 1 : 0, SHOWN)
    }
  }
}
globals.press = function(row, step, on) {
  if (row >= globals.lanes.length) {
    row = globals.lanes.length
    globals.lanes.push({name: globals.pad || 'the point', steps: []})
    if (globals.pad) send('/morph/seq/add', globals.pad)
    else send('/morph/seq/add')
  }
  globals.lanes[row].steps[step] = on
  send('/morph/seq/lane/' + row + '/step/' + step, {type: 'f', value: on})
  globals.showLanes()
}
setInterval(function() {
  send('/morph/get/status')
  send('/morph/get/z')
  send('/morph/get/xy')
  send('/morph/get/macros')
  if (globals.classes === null) send('/morph/get/classes')
  if (globals.places === null) send('/morph/get/places')
  if (!globals.ready) send('/morph/get/dimensions')
  if (!globals.named) send('/morph/get/axes')
  if (globals.revision !== globals.shown) send('/morph/get/seq')
  if (Date.now() - globals.answered > 2500) {
    globals.forget()
    set('light', 0)
    set('p99', 'no server')
  }
}, 250)
"""
STATUS = """\
var facts = {}
for (var i = 0; i + 1 < value.length; i += 2) facts[value[i]] = value[i + 1]
globals.answered = Date.now()
globals.revision = facts.seq_revision
set('light', 1)
set('p99', 'p99 ' + facts.p99_ms.toFixed(1) + ' ms')
set('gain', facts.gain_db, SHOWN)
if (locals.model !== facts.model_id) globals.forget()
locals.model = facts.model_id
"""
CLASSES = """\
var names = [].concat(value)
for (var i = 0; i < PADS; i++) setVar('pad' + (i + 1), 'name', names[i] || '')
globals.classes = names
setTimeout(function() {  // the menus exist by then
  if (names.indexOf(get('from')) < 0) set('from', names[0])
  if (names.indexOf(get('to')) < 0) set('to', names[1] || names[0])
}, 200)
"""
PLACES = """\
globals.places = [].concat(value)
var names = ''
for (var i = 0; i + 2 < globals.places.length; i += 3) {
  var left = 100 * globals.places[i + 1], bottom = 100 * globals.places[i + 2]
  names += '<span style="left: ' + left + '%; bottom: ' + bottom + '%">' + globals.places[i] + '</span>'
}
setVar('map', 'names', names)
"""
#: The names lie on the pad of the map, inside its margin, and let touches through.
ON_THE_MAP = """\
.html { position: absolute; z-index: 1; pointer-events: none; }
.html { left: 20rem; right: 20rem; top: 20rem; bottom: 20rem; }
.html span { position: absolute; transform: translate(-50%, 50%); opacity: 0.8; }
"""
DIMENSIONS = """\
var first = value[0], total = value[1]
for (var i = 2; i + 1 < value.length; i += 2) globals.ranges[first + i / 2 - 1] = [value[i], value[i + 1]]
globals.ready = globals.ranges.filter(Boolean).length === total  // an answer of several parts may lose one
if (globals.ready) setVar('z', 'ranges', globals.ranges)
"""
POINT = """\
var z = [].concat(value)
for (var i = 0; i < z.length; i++) set('z/' + i, z[i], SHOWN)
"""
AXES = """\
var axes = [].concat(value)
for (var i = 0; i < MACROS; i++) if (typeof axes[i] === 'number') set('macro' + i, axes[i], SHOWN)
"""
NAMES = """\
var ends = [].concat(value)
globals.named = true
for (var i = 0; i < MACROS && 2 * i + 1 < ends.length; i++) {
  setVar('macro' + i, 'ends', '<span>' + ends[2 * i + 1] + '</span><span>' + ends[2 * i] + '</span>')
}
"""
#: The high end at the top, the low one at the bottom.
ENDS = ".html { position: absolute; z-index: 1; inset: 6rem; pointer-events: none; display: flex; }"
ENDS += " .html { flex-direction: column; justify-content: space-between; font-size: 80%; }"
PATTERN = """\
var facts = {}
for (var i = 0; i + 1 < value.length; i += 2) facts[value[i]] = value[i + 1]
globals.shown = facts.revision
globals.lanes.splice(facts.lanes)
globals.showLanes()
"""
LANE = """\
var row = value[0], first = value.lastIndexOf('steps') + 1, facts = {}
for (var i = 1; i + 1 < first; i += 2) facts[value[i]] = value[i + 1]
if (row < LANES && row <= globals.lanes.length) {
  var name = facts.from || 'the point'
  if (facts.to !== facts.from) name += ' › ' + facts.to
  globals.lanes[row] = {name: name, steps: value.slice(first).filter(function(x, i) { return i % 2 === 0 })}
  globals.showLanes()
}
"""
MAP = """\
var place = [].concat(value), point = place.join()
if (Date.now() - globals.touched < 600) {
  globals.rests = point  // the map puts the point near the touch, not at it; the touch stays shown
} else if (place.length === 2 && point !== globals.rests) {
  globals.rests = null
  set('map', place, SHOWN)
}
"""
PRESSED = """\
if (value) {
  globals.pad = getVar('this', 'name')
  globals.showLanes()
}
"""
TOUCHED = "globals.touched = Date.now()\n"
SHOWN = "{send: false, external: true, script: false}"  # for set(): only move the widget


def widget(kind: str, name: str, frame: Sequence[int] | None = None, **properties: Any) -> Widget:
    """Return a widget at left, top, width, height in pixels."""
    place = dict(zip(("left", "top", "width", "height"), frame, strict=True)) if frame else {}
    return {"type": kind, "id": name, **place, **properties}


def sending(address: str, before: Sequence[Any] = (), tags: str = "f") -> Widget:
    """Return the properties of a widget that sends its value after the arguments `before`."""
    return {
        "address": address,
        "preArgs": list(before) or "",
        "typeTags": tags,
        "decimals": 4,
        "target": SERVER,
        "ignoreDefaults": True,
    }


def silent(name: str) -> Widget:
    """Return the properties of a widget that sends nothing."""
    return {"address": f"/surface/{name}", "bypass": True}


def receiving(address: str, script: str) -> Widget:
    """Return a variable widget, which runs a script on each reply of the server."""
    name = address.rpartition("/")[2].replace(".", "_")  # a dot would begin the name of a property
    return widget("variable", name, address=address, bypass=True, onValue=filled(script))


def filled(script: str) -> str:
    """Return a script with numbers in place of their names."""
    numbers = {"PADS": PADS, "MACROS": MACROS, "LANES": LANES, "STEPS": STEPS, "SHOWN": SHOWN}
    for name, value in numbers.items():
        script = script.replace(name, str(value))
    return script


def button(name: str, text: str, frame: Sequence[int], colour: str, **properties: Any) -> Widget:
    """Return a button that sends when it is touched, and nothing when it is released."""
    return widget(
        "button",
        name,
        frame,
        label=text,
        mode="momentary",
        colorWidget=colour,
        alphaFillOff=0.5,
        **properties,
    )


def text(name: str, words: str, frame: Sequence[int], align: str = "left") -> Widget:
    """Return a text widget, which sends nothing."""
    return widget("text", name, frame, default=words, align=align, **silent(name))


def fader(name: str, words: str, frame: Sequence[int], low: float, high: float, **properties: Any) -> Widget:
    """Return a slider with its name on it."""
    look = {
        "design": "compact",
        "html": words,
        "css": ".html { position: absolute; z-index: 1; margin: 6rem; pointer-events: none; }",
    }
    return widget("fader", name, frame, range={"min": low, "max": high}, **look, **properties)


def widgets() -> list[Widget]:
    """Return all widgets, from light, server and panic at the top to the presets at the bottom."""
    made = [
        widget("script", "asks", onCreate=filled(ASK), target=SERVER),
        receiving("/morph/status.reply", STATUS),
        receiving("/morph/classes.reply", CLASSES),
        receiving("/morph/places.reply", PLACES),
        receiving("/morph/dimensions.reply", DIMENSIONS),
        receiving("/morph/z.reply", POINT),
        receiving("/morph/macros.reply", AXES),
        receiving("/morph/axes.reply", NAMES),
        receiving("/morph/seq.reply", PATTERN),
        receiving("/morph/seq/lane.reply", LANE),
        receiving("/morph/xy.reply", MAP),
        text("title", "soundmorph", (16, 12, 130, 48)),
        widget("led", "light", (150, 20, 32, 32), colorWidget=GREEN, **silent("light")),
        text("host_name", "server", (190, 12, 60, 48)),
        widget("input", "host", (250, 16, 150, 40), default="127.0.0.1", **silent("host")),
        text("port_name", "port", (410, 12, 40, 48)),
        widget("input", "port", (450, 16, 80, 40), default=9000, numeric=True, decimals=0, **silent("port")),
        text("p99", "no server", (546, 12, 150, 48)),
        button("stop", "stop", (780, 12, 100, 48), GREY, **sending("/morph/stop")),
        button("panic", "panic", (892, 12, 116, 48), RED, **sending("/morph/panic")),
    ]
    for i in range(PADS):
        place = (16 + 124 * (i % 4), 76 + 46 * (i // 4), 116, 40)
        made.append(
            button(
                f"pad{i + 1}",
                "VAR{name, ''}",
                place,
                ORANGE,
                visible="#{VAR{name, ''} !== ''}",
                onValue=PRESSED,
                **sending("/morph/trigger", (1, "VAR{name, ''}"), "fs"),
            )
        )
    made += [
        widget(
            "dropdown", "from", (16, 216, 120, 40), values="#{[].concat(@{classes_reply})}", **silent("from")
        ),
        fader(
            "morph",
            "morph",
            (144, 216, 236, 40),
            0,
            1,
            horizontal=True,
            **sending("/morph/between", ("@{from}", "@{to}"), "ssf"),
        ),
        widget(
            "dropdown", "to", (388, 216, 120, 40), values="#{[].concat(@{classes_reply})}", **silent("to")
        ),
        fader(
            "gain",
            "gain in dB",
            (16, 264, 244, 40),
            -60,
            6,
            horizontal=True,
            default=0,
            **sending("/morph/gain"),
        ),
        button("hit", "hit", (268, 264, 76, 40), ORANGE, **sending("/morph/trigger")),
        button("start", "beat", (352, 264, 74, 40), GREY, **sending("/morph/seq/start")),
        button("rest", "no beat", (434, 264, 74, 40), GREY, **sending("/morph/seq/stop")),
        widget(
            "xy",
            "map",
            (520, 76, 488, 228),
            snap=True,
            html="VAR{names, ''}",
            css=ON_THE_MAP,
            colorWidget=BLUE,
            onValue=TOUCHED,
            **sending("/morph/xy"),
        ),
        text("z_name", "dimensions of z, over the range of the training sounds", (16, 308, 500, 20)),
        widget(
            "matrix",
            "z",
            (16, 330, 992, 80),
            layout="horizontal",
            widgetType="fader",
            quantity="#{(VAR{ranges, []} || []).length}",
            address="/morph/z",
            target=SERVER,
            props={
                "design": "compact",
                "expand": True,
                "typeTags": "f",
                "decimals": 4,
                "ignoreDefaults": True,
                "range": {
                    "min": "#{((VAR{ranges, []} || [])[$] || [-1, 1])[0]}",
                    "max": "#{((VAR{ranges, []} || [])[$] || [-1, 1])[1]}",
                },
            },
        ),
    ]
    for row in range(LANES):
        made.append(text(f"lane{row}", "", (16, 418 + 36 * row, 120, 32)))
        for step in range(STEPS):
            place = (140 + 53 * step + 6 * (step // 4), 418 + 36 * row, 48, 32)
            made.append(
                widget(
                    "button",
                    f"step{row}_{step}",
                    place,
                    label=False,
                    mode="toggle",
                    colorWidget=ORANGE,
                    onValue=f"globals.press({row}, {step}, value)",
                    **silent(f"step/{row}/{step}"),
                )
            )
    for i in range(MACROS):
        place = (16 + 124 * i, 570, 116, 116)
        named = f"VAR{{ends, '<span>axis {i + 1}</span>'}}"
        axis = fader(f"macro{i}", named, place, -4, 4, default=0, **sending(f"/morph/macro/{i}"))
        made.append(axis | {"css": ENDS})
    made.append(
        widget(
            "button",
            "store",
            (16, 694, 100, 58),
            mode="toggle",
            label="store",
            colorWidget=RED,
            **silent("store"),
        )
    )
    for i in range(PRESETS):
        name = f"p{i + 1}"
        to = sending(
            "#{@{store} ? '/morph/preset/store' : '/morph/preset/recall'}",
            tags="sf",
        ) | {"preArgs": f"#{{@{{store}} ? ['{name}'] : ['{name}', {PRESET_MS}]}}"}
        place = (126 + 111 * i, 694, 105, 58)
        made.append(button(name, str(i + 1), place, BLUE, onValue="set('store', 0)", **to))
    return made


def session() -> Widget:
    """Return the content of the file."""
    root = widget("root", "root", colorBg=DARK, widgets=widgets())
    return {"createdWith": "Open Stage Control", "version": VERSION, "type": "session", "content": root}


def content() -> bytes:
    """Return the file."""
    return (json.dumps(session(), indent=2) + "\n").encode()
