"""morph.amxd: a MIDI effect for Live. Notes play, dials move z, and the Live set stores the dials."""

from __future__ import annotations

from max_patches.source.client import connect, label
from max_patches.source.maxpat import Box, Patch

WIDTH, HEIGHT = 790.0, 169.0
LEFT, STEP, GAP = 14, 66, 18  # pixels: where dials begin, from one to the next, between sections
DIMENSIONS, MACROS = 8, 4
Z_RANGE, MACRO_RANGE = 4.0, 3.0
#: Name, highest value and lowest value; None: the lowest value is minus the highest.
PLAYING = (
    ("gain", 12.0, -60.0),
    ("glide", 5000.0, 0.0),
    ("decay", 5000.0, 0.0),
    ("pitch", 24.0, None),
    ("pan", 1.0, None),
)


def patch() -> Patch:
    """Return the device; its view in Live is the presentation."""
    made = Patch(WIDTH, HEIGHT)
    made.box("panel", shown=(0, 0, WIDTH, HEIGHT), bgcolor=[0.16, 0.17, 0.2, 1.0], background=1)
    send, answers, _ = connect(made)
    made.wire(made.new("midiin"), made.new("midiout"))
    notes, notein = made.new("stripnote"), made.new("notein")
    pair = made.new("pack 60 100")
    made.wire(notein, notes, pair)
    made.wire((notein, 1), (1, notes))
    made.wire((notes, 1), (1, pair))
    made.wire(pair, made.new("prepend /morph/note"), send)
    made.wire(made.new("r ---morph"), send)
    label(made, "z, the first dimensions", (LEFT, 34, 200, 18))
    for index in range(DIMENSIONS):
        _dial(made, f"z {index}", f"/morph/z/{index}", index % 4, index // 4, Z_RANGE)
    label(made, "principal axes", (LEFT + 4 * STEP + GAP, 34, 110, 18))
    for index in range(MACROS):
        at = 4 + index % 2, index // 2
        _dial(made, f"axis {index + 1}", f"/morph/macro/{index}", *at, MACRO_RANGE, section=1)
    label(made, "how it plays", (LEFT + 6 * STEP + 2 * GAP, 34, 160, 18))
    for index, (name, high, low) in enumerate(PLAYING):
        at = 6 + index % 3, index // 3
        _dial(made, name, f"/morph/{name}", *at, high, low=low, section=2)
    _between(made, answers)
    return made


def _between(made: Patch, answers: Box) -> None:
    """Add two menus of classes, and a dial from one class to the other."""
    x = LEFT + 9 * STEP + 3 * GAP
    label(made, "morph", (x, 34, 100, 18))
    classes, fill, each = made.new("route /morph/classes.reply"), made.new("t l clear"), made.new("zl iter 1")
    made.wire(answers, classes, fill, each)
    way = made.new("pak kick snare 0.")
    for row, name in enumerate(("from", "to")):
        menu = made.box("umenu", shown=(x, 56 + 26 * row, 100, 22), varname=name)
        made.wire((fill, 1), menu)
        made.wire(each, made.new("prepend append"), menu)
        made.wire((menu, 1), (row, way))
    dial = _knob(made, "morph", (x, 110, STEP - 6, 52), 0.0, 1.0)
    made.wire(dial, (2, way))
    made.wire(way, made.box("message", "/morph/between $1 $2 $3"), made.new("s ---morph"))


def _dial(
    made: Patch,
    name: str,
    address: str,
    column: int,
    row: int,
    high: float,
    *,
    low: float | None = None,
    section: int = 0,
) -> None:
    place = (LEFT + STEP * column + GAP * section, 54 + 56 * row, STEP - 6, 52)
    dial = _knob(made, name, place, -high if low is None else low, high)
    made.wire(dial, made.new(f"prepend {address}"), made.new("s ---morph"))


def _knob(made: Patch, name: str, place: tuple[float, float, float, float], low: float, high: float) -> Box:
    """Add a dial that Live automates and stores in its set."""
    values = {
        "parameter_longname": name,
        "parameter_shortname": name,
        "parameter_type": 0,
        "parameter_mmin": low,
        "parameter_mmax": high,
        "parameter_initial_enable": 1,
        "parameter_initial": [0.0],
        "parameter_unitstyle": 1,
    }
    return made.box(
        "live.dial",
        shown=place,
        parameter_enable=1,
        varname=name,
        saved_attribute_attributes={"valueof": values},
    )
