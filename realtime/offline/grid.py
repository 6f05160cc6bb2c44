"""Sample packs: grids of one-shots between two or four sounds, with SFZ and Decent Sampler presets.

The corners of the grid are points in the model's latent space. The columns lead from the first corner to the
second; the mod wheel selects the column. The rows lead down from these two corners to the third and fourth;
each row has its own key, from C2 (36) upwards. A single row is played by all keys, each at its pitch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from realtime.synth.commands import Z
from realtime.util.errors import RealtimeError

FIRST_KEY = 36  # C2, the kick in drum maps
MAX_SIDE = 64
WHEEL = 1  # the controller number of the mod wheel
FOLDER = "sounds"


class GridError(RealtimeError):
    """The size of a grid is invalid, or does not suit the number of corners."""


@dataclass(frozen=True)
class Cell:
    """A cell of the grid.

    Attributes:
        file: path of the sound within the pack.
        z: position [D] of the sound in the latent space.
        row, column: position in the grid, counted from 0; the row gives the key.
        wheel: first and last value of the mod wheel, 0..127, that select the cell.
    """

    file: str
    z: Z
    row: int
    column: int
    wheel: tuple[int, int]


def size(text: str, corners: int) -> tuple[int, int]:
    """Return columns and rows of a size such as "9x9", or "9" for two corners.

    Raises:
        GridError: the size is invalid, or does not suit the number of corners.
    """
    words = text.lower().split("x") if "x" in text.lower() or corners != 2 else [text, "1"]
    sides = [int(word) if word.isascii() and word.isdigit() else 0 for word in words]
    if len(sides) != 2 or not 2 <= sides[0] <= MAX_SIDE or not 1 <= sides[1] <= MAX_SIDE:
        raise GridError(
            f"--size is {text!r}; give 2 to {MAX_SIDE} columns, 1 to {MAX_SIDE} rows, such as 9x9"
        )
    if (sides[1] == 1) != (corners == 2):
        raise GridError(f"--size is {text!r}: two corners make one row, four make several")
    return sides[0], sides[1]


def cells(names: Sequence[str], corners: Sequence[Z], columns: int, rows: int, suffix: str) -> list[Cell]:
    """Return all cells, row by row.

    Args:
        names: names of the corners, suitable for file names.
        corners: z [D] of two or four points: left and right of the first row, then of the last row.
        suffix: file suffix, such as ".wav".
    """
    points = np.array(corners)
    found: list[Cell] = []
    used: Counter[str] = Counter()
    for row in range(rows):
        down = row / max(1, rows - 1)
        for column in range(columns):
            across = column / (columns - 1)
            weights = np.outer((1 - down, down), (1 - across, across)).ravel()[: len(points)]
            z = tuple(float(x) for x in weights @ points)
            wheel = (-(-128 * column // columns), -(-128 * (column + 1) // columns) - 1)
            name = _mixture(names, weights)
            used[name] += 1
            name += f"-{used[name]}" if used[name] > 1 else ""
            found.append(Cell(f"{FOLDER}/{name}{suffix}", z, row, column, wheel))
    return found


def _mixture(names: Sequence[str], weights: NDArray[np.float64]) -> str:
    """Return a name such as "kick25-snare75", with percentages, or "kick" for a corner itself."""
    shares: dict[str, float] = {}
    for name, weight in zip(names, weights, strict=True):
        shares[name] = shares.get(name, 0.0) + float(weight)
    mixed = {name: share for name, share in shares.items() if share > 0.0}
    return (
        "-".join(f"{name}{100 * share:.0f}" for name, share in mixed.items())
        if len(mixed) > 1
        else next(iter(mixed))
    )


def sfz(title: str, grid: Sequence[Cell], rows: int) -> str:
    """Return the SFZ file: the mod wheel at note-on selects the sound; the velocity sets its level."""
    lines = [
        f"// {title}",
        "<control>",
        f"label_cc{WHEEL}=morph",
        f"set_cc{WHEEL}=0",
        "<global>",
        "loop_mode=one_shot",
        "ampeg_attack=0",
        "amp_velcurve_1=0.007874",  # 1/127: amplitude is proportional to velocity
        "amp_velcurve_127=1",
    ]
    for cell in grid:
        key = FIRST_KEY + cell.row
        keys = f"key={key}" if rows > 1 else "lokey=0 hikey=127 pitch_keycenter=60"
        low, high = cell.wheel
        lines.append(f"<region> {keys} locc{WHEEL}={low} hicc{WHEEL}={high} sample={cell.file}")
    return "\n".join(lines) + "\n"


def dspreset(title: str, grid: Sequence[Cell], rows: int) -> str:
    """Return the Decent Sampler preset with the same mapping. Without an envelope, sounds play to the end."""
    top = ElementTree.Element("DecentSampler", minVersion="1.0.0")
    top.append(ElementTree.Comment(f" {title} "))
    group = ElementTree.SubElement(ElementTree.SubElement(top, "groups"), "group", ampVelTrack="1")
    for cell in grid:
        key = FIRST_KEY + cell.row
        keys = (key, key, key) if rows > 1 else (60, 0, 127)
        place = {"path": cell.file}
        place |= dict(zip(("rootNote", "loNote", "hiNote"), map(str, keys), strict=True))
        place |= {f"loCC{WHEEL}": str(cell.wheel[0]), f"hiCC{WHEEL}": str(cell.wheel[1])}
        ElementTree.SubElement(group, "sample", place | {"ampEnvEnabled": "false", "loopEnabled": "false"})
    ElementTree.indent(top)
    body = ElementTree.tostring(top, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'
