"""morph.amxd: a MIDI effect for Live. Notes play, dials move z, and the set keeps them."""

from __future__ import annotations

from max_patches.source.client import connect, label
from max_patches.source.maxpat import Patch

WIDTH, HEIGHT = 760.0, 169.0
DIMENSIONS, MACROS = 8, 4
Z_RANGE, MACRO_RANGE = 4.0, 3.0


def patch() -> Patch:
    """The device; its view in Live is the presentation."""
    made = Patch(WIDTH, HEIGHT)
    made.box("panel", shown=(0, 0, WIDTH, HEIGHT), bgcolor=[0.16, 0.17, 0.2, 1.0], background=1)
    send, _, _ = connect(made)
    made.wire(made.new("midiin"), made.new("midiout"))
    notes, notein = made.new("stripnote"), made.new("notein")
    pair = made.new("pack 60 100")
    made.wire(notein, notes, pair)
    made.wire((notein, 1), (1, notes))
    made.wire((notes, 1), (1, pair))
    made.wire(pair, made.new("prepend /morph/note"), send)
    made.wire(made.new("r ---morph"), send)
    label(made, "z", (10, 38, 20, 18))
    for index in range(DIMENSIONS):
        _dial(made, f"z {index}", f"/morph/z/{index}", (10 + 56 * index, 56, 52, 48), Z_RANGE)
    label(made, "axes, gain, glide, decay", (470, 38, 200, 18))
    for index in range(MACROS):
        _dial(made, f"axis {index + 1}", f"/morph/macro/{index}", (470 + 56 * index, 56, 52, 48), MACRO_RANGE)
    _dial(made, "gain", "/morph/gain", (10, 110, 52, 48), 12.0, low=-60.0)
    _dial(made, "glide", "/morph/glide", (66, 110, 52, 48), 5000.0, low=0.0)
    _dial(made, "decay", "/morph/decay", (122, 110, 52, 48), 5000.0, low=0.0)
    _dial(made, "pitch", "/morph/pitch", (178, 110, 52, 48), 24.0)
    _dial(made, "pan", "/morph/pan", (234, 110, 52, 48), 1.0)
    return made


def _dial(
    made: Patch, name: str, address: str, shown: tuple[float, ...], high: float, low: float | None = None
) -> None:
    values = {
        "parameter_longname": name,
        "parameter_shortname": name,
        "parameter_type": 0,
        "parameter_mmin": -high if low is None else low,
        "parameter_mmax": high,
        "parameter_initial_enable": 1,
        "parameter_initial": [0.0],
        "parameter_unitstyle": 1,
    }
    dial = made.box(
        "live.dial",
        shown=shown,
        parameter_enable=1,
        varname=name,
        saved_attribute_attributes={"valueof": values},
    )
    made.wire(dial, made.new(f"prepend {address}"), made.new("s ---morph"))
