"""Learn the direction of z in which hits get harder, from drums recorded at several velocities."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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


def learn(checkpoint: Checkpoint, model: VAE, folder: Path) -> Tensor:
    """Encode the sounds of a folder and return the direction of each class: float64 [classes, D].

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
) -> Tensor | None:
    """Return how far z moves from velocity 0 to 1 in each class: float64 [classes, D].

    A class has the slope of the straight lines, all parallel, through the takes of each of its drums (least
    squares), drawn towards the slope of all classes where it has few takes.

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
    moves = points.new_zeros(classes, points.shape[1])
    squares = points.new_zeros(classes, 1)
    for takes in drums.values():
        hardness = torch.tensor([velocities[i] for i in takes], dtype=torch.float64)
        hardness -= hardness.mean()
        moves[labels[takes[0]]] += hardness @ (points[takes] - points[takes].mean(0))
        squares[labels[takes[0]]] += hardness @ hardness
    if squares.sum() < 1e-9:
        return None
    everywhere = moves.sum(0) / squares.sum()
    return (moves + SHARED * everywhere) / (squares + SHARED)
