"""The view of a model on the web page: training sounds and classes on the map, and the classes' regions."""

from __future__ import annotations

from typing import Any

from realtime.control.dispatcher import Control
from realtime.control.latent_space import LatentSpace
from realtime.model.names import Names
from realtime.synth.commands import HIT_SETTINGS, HitSetting
from realtime.util.errors import ControlError

GRID = 48  # positions across and down at which the regions are sampled
MARGIN = 0.1  # distance, in widths of the map, by which the regions extend beyond its edges


def model(control: Control) -> dict[str, Any]:
    """Return the current model as JSON-compatible values; positions are 0..1 from left and from bottom."""
    info, space = control.info, control.space
    return {
        "id": int(control.status()["model_id"]),
        "name": info.name,
        "classes": [[each.name, *space.on_map(each.centroid)] for each in info.classes],
        "anchors": [
            [each.name, each.label, round(x, 5), round(y, 5)]
            for each, (x, y) in zip(info.anchors, space.map.tolist(), strict=True)
        ],
        "spellings": Names(each.name for each in info.classes).spellings(),
        "axes": len(info.pca.basis),
        "settings": [_setting(row) for row in HIT_SETTINGS.values()],
        "sample_rate": info.sample_rate,
        "length_ms": info.duration_ms,
    }


def regions(space: LatentSpace) -> dict[str, Any]:
    """Return the likeliest class and its probability at `GRID` x `GRID` positions on the map.

    The positions are listed row by row from the bottom, and extend `MARGIN` beyond the edges. The class at a
    position on the map is that of the sound that `/morph/xy` plays there.
    """
    label, share = [], []
    for row in range(GRID):
        for column in range(GRID):
            try:
                z = space.at(_place(column), _place(row))
            except ControlError:  # a model without a map
                return {"grid": 0, "margin": MARGIN, "label": [], "share": []}
            likely = space.probabilities(z)
            best = max(range(len(likely)), key=likely.__getitem__)
            label.append(best)
            share.append(round(likely[best], 2))
    return {"grid": GRID, "margin": MARGIN, "label": label, "share": share}


def _setting(row: HitSetting) -> dict[str, Any]:
    low, high = row.quantity.range
    step = 1 if row.quantity.whole else "any"
    facts = {"name": row.name, "switch": row.switch, "unit": row.quantity.unit}
    return {**facts, "min": low, "max": high, "step": step}


def _place(index: int) -> float:
    return -MARGIN + (1.0 + 2.0 * MARGIN) * (index + 0.5) / GRID
