"""Drums that were recorded at several velocities, and straight lines through their takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Layers(NamedTuple):
    """The takes of a drum: their places in a list, and their velocities minus the mean, float64 [takes]."""

    takes: list[int]
    hardness: Tensor


class Lines(NamedTuple):
    """The straight line of M quantities over velocity for each drum, by least squares; float64.

    Attributes:
        middle: mean of the takes, [drums, M].
        slope: change from velocity 0 to 1, [drums, M].
        square: sum of squares of the velocities minus their mean, [drums, 1].
        noise: variance of the takes about the lines, over all drums, [M].
    """

    middle: Tensor
    slope: Tensor
    square: Tensor
    noise: Tensor


def layers(velocities: Sequence[float | None], groups: Sequence[str]) -> list[Layers]:
    """Return the drums that have takes of two velocities or more.

    Args:
        velocities: of each take, 0 to 1; None if not known.
        groups: of each take; those of one drum share one.
    """
    drums: dict[str, list[int]] = {}
    for index, (group, velocity) in enumerate(zip(groups, velocities, strict=True)):
        if velocity is not None:
            drums.setdefault(group, []).append(index)
    found = []
    for takes in drums.values():
        hardness = torch.tensor([velocities[i] for i in takes], dtype=torch.float64)
        hardness -= hardness.mean()
        if hardness @ hardness >= 1e-9:
            found.append(Layers(takes, hardness))
    return found


def lines(values: Tensor, drums: Sequence[Layers]) -> Lines:
    """Return the lines through the values [N, M] of all takes; `drums` has one drum or more."""
    values = values.double()
    middles, slopes, squares = [], [], []
    rest, free = values.new_zeros(values.shape[1]), 0
    for takes, hardness in drums:
        own = values[takes]
        middles.append(own.mean(0))
        squares.append(hardness @ hardness)
        slopes.append(hardness @ (own - middles[-1]) / squares[-1])
        rest += (own - middles[-1] - hardness[:, None] * slopes[-1]).square().sum(0)
        free += len(takes) - 2
    return Lines(
        torch.stack(middles), torch.stack(slopes), torch.stack(squares)[:, None], rest / max(free, 1)
    )
