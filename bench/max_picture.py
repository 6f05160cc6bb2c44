"""`python -m bench.max_picture -o docs/max.png`: the Max patch as its file lays it out."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import Any

import matplotlib

from max_patches.source import client, morph
from max_patches.source.maxpat import Patch

CONTROL, LINE, INK = "#3a3f4a", "#5a6070", "#d8dbe2"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png")
    args = parser.parse_args(argv)
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(morph.WIDTH / 100, morph.HEIGHT / 100))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, morph.WIDTH), ylim=(morph.HEIGHT, 0))
    axes.axis("off")
    _draw(axes, morph.patch(), 0.0, 0.0)
    figure.savefig(args.out, dpi=100)
    return 0


def _draw(axes: Any, patch: Patch, left: float, top: float) -> None:
    from matplotlib.patches import Circle, Rectangle

    for entry in patch.boxes:
        box = entry["box"]
        if not box.get("presentation"):
            continue
        x, y, width, height = box["presentation_rect"]
        x, y, kind = x + left, y + top, box["maxclass"]
        if kind == "bpatcher":
            _draw(axes, client.patch(), x, y)
            continue
        if kind == "led":
            axes.add_patch(Circle((x + width / 2, y + height / 2), width / 2.5, color="#33e066"))
            continue
        if kind != "comment":
            colour = box.get("bgcolor", CONTROL)
            axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor=LINE, linewidth=0.6))
        if kind == "multislider":
            for k in range(box["size"] + 1):
                place = x + width * k / box["size"]
                axes.plot([place, place], [y, y + height], color=LINE, linewidth=0.5)
        words = box.get("text", " | ".join(box.get("tabs", ())))
        size = 0.75 * box.get("fontsize", 11.0) * 0.9
        if kind == "comment":
            axes.text(
                x + 2,
                y + height / 2,
                textwrap.fill(words, int(width / 5.5)),
                color=INK,
                size=size,
                va="center",
                clip_on=True,
            )
        elif words:
            axes.text(x + width / 2, y + height / 2, words, color=INK, size=size, va="center", ha="center")


if __name__ == "__main__":
    sys.exit(main())
