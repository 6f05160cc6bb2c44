"""Learn the directions of z in which hits get harder, from drums recorded at several velocities.

Drums of one class change in different ways: of two of them, little more than half get brighter both, or both
duller. So each drum has a direction of its own, which holds around it; elsewhere the mean of its class does.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from export.errors import ExportError
from trainer.data.sounds import prepare
from trainer.models.vae import VAE

if TYPE_CHECKING:
    from trainer.run.checkpoint import Checkpoint

AT_ONCE = 16
"""Sounds that are encoded together."""
SHARED = 0.5
"""Takes with this sum of squares of velocity count as much as the direction of all classes does."""
DRAWN = 0.1
"""Takes with this sum of squares count as much as the direction of their class does."""


class Drum(NamedTuple):
    """The takes of a drum: the mean z [D], and how far z moves from velocity 0 to 1, [D]; both float64."""

    z: Tensor
    direction: Tensor


class Directions(NamedTuple):
    """How far z moves from velocity 0 to 1.

    Attributes:
        classes: of each class, float64 [classes, D].
        drums: of each drum with takes of two velocities.
        reach: root mean square distance of such a take from the mean of its drum.
    """

    classes: Tensor
    drums: tuple[Drum, ...]
    reach: float


def learn(checkpoint: Checkpoint, model: VAE, folder: Path) -> Directions:
    """Encode the sounds of a folder and return the directions.

    Args:
        checkpoint: of the model; its configuration says how sounds are prepared.
        model: its weights, in evaluation mode.
        folder: as for training. Its manifest.csv has the column velocity, 0 to 1, and takes of one drum
            share a group.

    Raises:
        ExportError: where a class is not the model's, or no drum was recorded in two velocities.
        trainer.errors.DataError: where the folder cannot be used.
    """
    config = checkpoint.config
    sounds = prepare(
        folder, config.model, dataclasses.replace(config.data, max_per_source=0), centres=checkpoint.centres
    )
    strange = set(sounds.classes) - set(checkpoint.classes)
    if strange:
        raise ExportError(
            f"{folder}: class {min(strange)} is none of the model's, {', '.join(checkpoint.classes)}"
        )
    with torch.no_grad():
        parts = [model.encode(part)[0] for part in sounds.waveforms.split(AT_ONCE)]
    label = torch.tensor([checkpoint.classes.index(name) for name in sounds.classes])[sounds.labels]
    found = directions(
        torch.cat(parts), sounds.velocities, sounds.groups, label.tolist(), len(checkpoint.classes)
    )
    if found is None:
        raise ExportError(f"{folder}: its manifest.csv tells of no drum that was hit with two velocities")
    return found


def directions(
    points: Tensor,
    velocities: Sequence[float | None],
    groups: Sequence[str],
    labels: Sequence[int],
    classes: int,
) -> Directions | None:
    """Return the directions of classes and drums.

    A drum has the slope of the straight line through its takes (least squares). A class has that of parallel
    lines through the takes of all its drums. With few takes, that of a drum is drawn towards its class, and
    that of a class towards all classes.

    Args:
        points: [N, D], z of each take.
        velocities: of each, 0 to 1, or None.
        groups: takes of one drum share one.
        labels: the class of each take.
        classes: how many there are.

    Returns:
        None where no drum has takes of two velocities.
    """
    points = points.double()
    drums: dict[str, list[int]] = {}
    for index, (group, velocity) in enumerate(zip(groups, velocities, strict=True)):
        if velocity is not None:
            drums.setdefault(group, []).append(index)
    middles, moves, squares, label, apart, count = [], [], [], [], 0.0, 0
    for takes in drums.values():
        hardness = torch.tensor([velocities[i] for i in takes], dtype=torch.float64)
        hardness -= hardness.mean()
        if hardness @ hardness < 1e-9:
            continue
        middle = points[takes].mean(0)
        middles.append(middle)
        moves.append(hardness @ (points[takes] - middle))
        squares.append(hardness @ hardness)
        label.append(labels[takes[0]])
        apart += float((points[takes] - middle).square().sum())
        count += len(takes)
    if not moves:
        return None
    move, square, of_class = torch.stack(moves), torch.stack(squares)[:, None], torch.tensor(label)
    everywhere = move.sum(0) / square.sum()
    moved = move.new_zeros(classes, move.shape[1]).index_add(0, of_class, move)
    weight = square.new_zeros(classes, 1).index_add(0, of_class, square)
    each = (moved + SHARED * everywhere) / (weight + SHARED)
    own = (move + DRAWN * each[of_class]) / (square + DRAWN)
    return Directions(each, tuple(map(Drum, middles, own)), math.sqrt(apart / count))
