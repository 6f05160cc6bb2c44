"""Fits straight lines over velocity to drums recorded at several velocities.

A take is a recording of one hit of a drum; a velocity layer, as in samplers, is a take at one velocity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Layers(NamedTuple):
    """The takes of a drum.

    Attributes:
        takes: index of each take among all sounds.
        hardness: velocity of each take minus the mean velocity of all takes of the drum, float64 [takes].
    """

    takes: list[int]
    hardness: Tensor


class Lines(NamedTuple):
    """For each drum, straight lines fitted to M quantities over velocity by least squares; float64.

    Attributes:
        middle: mean of each quantity over the takes, [drums, M].
        slope: change from velocity 0 to 1, [drums, M].
        square: sum of the squared deviations of the velocities from their mean, [drums, 1].
        noise: variance of each quantity about the lines, over the takes of all drums, [M].
    """

    middle: Tensor
    slope: Tensor
    square: Tensor
    noise: Tensor


def layers(velocities: Sequence[float | None], groups: Sequence[str]) -> list[Layers]:
    """Return the drums that have takes at two or more velocities.

    Args:
        velocities: velocity of each take, 0 to 1; None if unknown.
        groups: group of each take; the takes of a drum share a group.
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
    """Fit a straight line to the takes of each drum, for each of M quantities.

    Args:
        values: the quantities of all takes, [N, M].
        drums: the takes of each drum; at least one drum.
    """
    values = values.double()
    middles, slopes, squares = [], [], []
    residual, degrees = values.new_zeros(values.shape[1]), 0
    for takes, hardness in drums:
        own = values[takes]
        middles.append(own.mean(0))
        squares.append(hardness @ hardness)
        slopes.append(hardness @ (own - middles[-1]) / squares[-1])
        residual += (own - middles[-1] - hardness[:, None] * slopes[-1]).square().sum(0)
        degrees += len(takes) - 2
    return Lines(
        torch.stack(middles), torch.stack(slopes), torch.stack(squares)[:, None], residual / max(degrees, 1)
    )
