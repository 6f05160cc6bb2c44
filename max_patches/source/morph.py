"""morph.maxpat: the instrument. Pads, morph, sliders, weights, presets, sequencer, MIDI."""

from __future__ import annotations

from typing import Any

from max_patches.source.client import label
from max_patches.source.maxpat import Box, Patch
from realtime.synth.commands import HIT_SETTINGS

WIDTH, HEIGHT = 980.0, 640.0
STEPS = 16
MACRO_CONTROLLERS = (20, 21, 22, 23)
MORPH_CONTROLLER = 1
MACRO_RANGE = 3.0
LONGEST_MS = 10_000.0  # of a glide or a decay
UNITS = {"semitones": "st"}
INK = [0.1, 0.11, 0.13, 1.0]


def patch() -> Patch:
    """Return the whole patch, in presentation mode."""
    made = Patch(WIDTH, HEIGHT)
    made.box("panel", shown=(0, 0, WIDTH, HEIGHT), bgcolor=INK, background=1)
    label(made, "soundmorph", (16, 10, 200, 30), fontsize=20.0)
    server = made.box("bpatcher", name="morph.client.maxpat", shown=(320, 8, 640, 34))
    made.wire(made.new("r morph.out"), server, made.new("s morph.in"))
    classes, dimensions, error = _answers(made)
    velocity = _pads(made, classes)
    slider = _between(made, classes)
    _dimensions(made, dimensions)
    _weights(made, classes)
    _presets(made)
    _sequencer(made, slider, velocity)
    _hits(made)
    _midi(made, slider)
    label(made, "server says", (16, 606, 80, 20))
    made.wire(error, made.new("prepend set"), made.box("message", shown=(96, 604, 864, 22), ignoreclick=1))
    return made


def _out(made: Patch) -> Box:
    return made.new("s morph.out")


def _answers(made: Patch) -> tuple[tuple[Box, int], tuple[Box, int], tuple[Box, int]]:
    routed = made.new("route /morph/classes.reply /morph/dimensions.reply /morph/error")
    made.wire(made.new("r morph.in"), routed)
    return (routed, 0), (routed, 1), (routed, 2)


def _pads(made: Patch, classes: tuple[Box, int]) -> Box:
    """Add a pad for each class; a click plays the class."""
    label(made, "pads", (16, 54, 100, 20))
    pads = made.box("tab", shown=(16, 76, 460, 84), mode=0, tabs=["waiting for the server"], fontsize=16.0)
    made.wire(classes, made.new("prepend tabs"), pads)
    label(made, "velocity", (370, 54, 60, 20))
    velocity = made.box("flonum", shown=(426, 52, 50, 22), minimum=0.0, maximum=1.0, varname="velocity")
    made.wire(made.new("loadmess 1."), velocity)
    hit = made.new("pack kick 1.")
    made.wire(velocity, (1, hit))
    made.wire((pads, 1), hit, made.box("message", "/morph/trigger $2 $1"), _out(made))
    return velocity


def _between(made: Patch, classes: tuple[Box, int]) -> Box:
    """Add two menus of classes, and a slider for the place between two classes."""
    label(made, "morph from", (16, 172, 80, 20))
    label(made, "to", (250, 172, 30, 20))
    a = made.box("umenu", shown=(90, 170, 150, 22), varname="from")
    b = made.box("umenu", shown=(276, 170, 150, 22), varname="to")
    fill, each = made.new("t l clear"), made.new("zl iter 1")
    made.wire(classes, fill, each)
    for menu in (a, b):
        made.wire((fill, 1), menu)
        made.wire(each, made.new("prepend append"), menu)
    slider = made.box(
        "slider",
        shown=(16, 200, 460, 40),
        floatoutput=1,
        size=1.0,
        orientation=1,
        varname="morph",
        knobcolor=[1, 0.6, 0.2, 1],
    )
    way = made.new("pak kick snare 0.")
    made.wire((a, 1), way)
    made.wire((b, 1), (1, way))
    made.wire(slider, (2, way))
    made.wire(way, made.box("message", "/morph/between $1 $2 $3"), _out(made))
    return slider


def _dimensions(made: Patch, dimensions: tuple[Box, int]) -> None:
    """Add a slider for each dimension, over the range of the training sounds."""
    label(
        made,
        "dimensions of z, from 0 on the left, over the range of the training sounds",
        (500, 54, 460, 20),
    )
    sliders = made.box(
        "multislider",
        shown=(500, 76, 460, 164),
        setminmax=[0.0, 1.0],
        settype=1,
        setstyle=1,
        size=20,
        varname="z",
        contdata=1,
    )
    split, lows_highs, lows = made.new("zl slice 2"), made.new("zl delace"), made.new("t l l")
    made.wire(dimensions, split)
    made.wire((split, 1), lows_highs, lows)
    place = made.new("vexpr $f1*($f3-$f2)+$f2")
    made.wire((lows, 1), (1, place))
    made.wire((lows_highs, 1), (2, place))
    made.wire(lows, made.new("zl len"), made.new("prepend size"), sliders)
    made.wire(sliders, place, made.new("prepend /morph/z"), _out(made))


def _weights(made: Patch, classes: tuple[Box, int]) -> None:
    """Add a cursor among circles, one for each class: the weight of a class is its share at the cursor."""
    label(made, "mixture of all classes", (500, 254, 200, 20))
    nodes = made.box(
        "nodes",
        shown=(500, 276, 220, 220),
        nodenumber=4,
        nsize=[0.5] * 4,
        xplace=[0.2, 0.8, 0.2, 0.8],
        yplace=[0.2, 0.2, 0.8, 0.8],
        varname="mixture",
        candycane=4,
    )
    fill = made.new("t l l")
    made.wire(classes, fill)
    made.wire((fill, 1), made.new("zl len"), made.new("prepend nodenumber"), nodes)
    made.wire(fill, made.new("prepend nodesnames"), nodes)
    made.wire(nodes, made.new("prepend /morph/weights"), _out(made))


def _presets(made: Patch) -> None:
    """Add presets of the patch, with fractional recall, and presets of the server, stored in its file."""
    label(
        made,
        "presets of this patch: shift-click stores; 1.5 is half way from 1 to 2",
        (740, 254, 230, 36),
        linecount=2,
    )
    storage = made.new(
        "pattrstorage morph @savemode 2 @changemode 1",
        varname="morph",
        saved_object_attributes={"parameter_enable": 0},
    )
    made.new("autopattr", varname="bound")
    made.box("preset", shown=(740, 294, 220, 44), pattrstorage="morph")
    label(made, "recall", (740, 346, 50, 20))
    recall = made.box("flonum", shown=(790, 344, 70, 22), minimum=1.0)
    made.wire(recall, storage)
    label(made, "presets of the server: store / recall (in 200 ms)", (740, 378, 230, 36), linecount=2)
    names = [str(n) for n in range(1, 9)]
    store = made.box("tab", shown=(740, 414, 220, 24), mode=0, tabs=names)
    made.wire((store, 1), made.box("message", "/morph/preset/store preset$1"), _out(made))
    recalled = made.box("tab", shown=(740, 444, 220, 24), mode=0, tabs=names)
    made.wire((recalled, 1), made.box("message", "/morph/preset/recall preset$1 200"), _out(made))
    undo = made.box("textbutton", "undo", shown=(740, 474, 106, 22))
    made.wire(undo, made.box("message", "/morph/undo"), _out(made))
    redo = made.box("textbutton", "redo", shown=(854, 474, 106, 22))
    made.wire(redo, made.box("message", "/morph/redo"), _out(made))


def _sequencer(made: Patch, slider: Box, velocity: Box) -> None:
    """Add sixteen steps, each with a velocity (0: no hit) and above that the position of the morph."""
    label(made, "16 steps: place of the morph, velocity below it (0 rests)", (16, 254, 360, 20))
    run = made.box("toggle", shown=(380, 252, 22, 22))
    tempo = made.box("flonum", shown=(408, 252, 68, 22), minimum=20.0, maximum=400.0, varname="tempo")
    metro, counter = made.new("metro 125"), made.new(f"counter 0 1 {STEPS}")
    made.wire(made.new("loadmess 120."), tempo, made.new("expr 15000./$f1"), (1, metro))
    made.wire(run, metro, counter)
    look: dict[str, Any] = {
        "setminmax": [0.0, 1.0],
        "settype": 1,
        "setstyle": 1,
        "size": STEPS,
        "contdata": 1,
    }
    lane = made.box(
        "multislider", shown=(16, 276, 460, 100), varname="lane", slidercolor=[1, 0.6, 0.2, 1], **look
    )
    hits = made.box("multislider", shown=(16, 382, 460, 114), varname="steps", **look)
    step = made.new("t i i")
    made.wire(counter, step)
    made.wire((step, 1), made.new("prepend fetch"), lane)
    made.wire(step, made.new("prepend fetch"), hits)
    made.wire((lane, 1), slider)
    made.wire((hits, 1), made.new("if $f1 > 0. then $f1"), made.new("prepend /morph/trigger"), _out(made))


def _hits(made: Patch) -> None:
    """Add the settings of new hits."""
    rows = [("gain dB", "/morph/gain", -60.0, 12.0), ("glide ms", "/morph/glide", 0.0, LONGEST_MS)]
    tabs = [("mode", ["live", "latch"], 1)]
    for row in HIT_SETTINGS.values():
        if row.switch:
            tabs.append((row.name, ["off", "on"], 0))
            continue
        unit = row.quantity.unit
        low, high = float(row.quantity.low), min(float(row.quantity.high), LONGEST_MS)
        rows.append((f"{row.name} {UNITS.get(unit, unit)}".strip(), f"/morph/{row.name}", low, high))
    step = (int(WIDTH) - 40 - 140 * len(tabs)) // len(rows)
    for column, (name, address, low, high) in enumerate(rows):
        x = 16 + step * column
        label(made, name, (x, 512, step - 10, 20))
        number = made.box(
            "flonum",
            shown=(x, 534, step - 14, 22),
            minimum=low,
            maximum=high,
            varname=address.rpartition("/")[2],
        )
        made.wire(number, made.new(f"prepend {address}"), _out(made))
    for column, (name, choices, outlet) in enumerate(tabs):
        x = 16 + step * len(rows) + 140 * column
        label(made, name, (x, 512, 100, 20))
        tab = made.box("tab", shown=(x, 534, 130, 22), tabs=choices, varname=name)
        made.wire((tab, outlet), made.new(f"prepend /morph/{name}"), _out(made))
    for index in range(len(MACRO_CONTROLLERS)):
        label(made, f"axis {index + 1}", (16 + 240 * index, 570, 60, 20))
        axis = made.box(
            "slider",
            shown=(70 + 240 * index, 568, 170, 22),
            floatoutput=1,
            size=2 * MACRO_RANGE,
            min=-MACRO_RANGE,
            orientation=1,
            varname=f"axis{index}",
        )
        made.wire(axis, made.new(f"prepend /morph/macro/{index}"), _out(made))


def _midi(made: Patch, slider: Box) -> None:
    """Connect MIDI: notes play, the modulation wheel morphs, controllers 20 to 23 move along the axes."""
    note, pair = made.new("stripnote"), made.new("pack 60 100")
    notein = made.new("notein")
    made.wire(notein, note, pair)
    made.wire((notein, 1), (1, note))
    made.wire((note, 1), (1, pair))
    made.wire(pair, made.new("prepend /morph/note"), _out(made))
    made.wire(made.new(f"ctlin {MORPH_CONTROLLER}"), made.new("/ 127."), slider)
    for index, controller in enumerate(MACRO_CONTROLLERS):
        scale = made.new(f"scale 0 127 -{MACRO_RANGE} {MACRO_RANGE}")
        made.wire(
            made.new(f"ctlin {controller}"), scale, made.new(f"prepend /morph/macro/{index}"), _out(made)
        )
