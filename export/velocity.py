"""Learns the directions of z in which hits get harder, from drums recorded at several velocities.

Drums of one class change in different ways: only just over half of all pairs change in the same direction.
So each drum has a direction of its own, which applies around its place; elsewhere, the direction of the class
applies.

Encoder and decoder lose a part of the differences between the takes of a drum. The directions of drums are
therefore adjusted until brightness, decay and attack (`export.facts`) of the decoded sounds change as those
of the recordings do. A hit mixes the directions of neighbouring drums, so the file stores directions whose
mixtures are the adjusted ones (`unmixed`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from export import facts
from export.errors import ExportError
from export.layers import Layers, Lines, layers, lines
from realtime.model.expression import BACKGROUND
from realtime.model.schema import MAX_DRUMS
from trainer.data.sounds import prepare
from trainer.models.modal import ModalDecoder
from trainer.models.vae import VAE

if TYPE_CHECKING:
    from trainer.run.checkpoint import Checkpoint

AT_ONCE = 16
"""Number of sounds that are encoded at once."""
SHARED = 0.5
"""Sum of squares of velocity at which takes count as much as the direction of all classes."""
DRAWN = 0.1
"""Sum of squares of velocity at which takes count as much as the direction of their class."""
REACH = 0.6
"""Reach of a drum's direction, relative to the RMS distance of takes from the mean of their drum."""
ROUNDS, PACE = 6, 0.7
"""Number of steps of `adjusted`, and the fraction of the way to the best direction in each."""
DOUBT = 0.1
"""Weight of the uncertainty of real slopes. At 1, the changes become too small."""
CLOSE = 0.1
"""In `unmixed`: weight of the distance from the given direction; the mixture's distance weighs 1."""


class Directions(NamedTuple):
    """Changes of z from velocity 0 to 1, float64.

    Attributes:
        classes: the change of each class, [classes, D].
        places: the mean z of the takes of each drum, [drums, D].
        drums: the change of each drum, [drums, D].
        spread: standard deviation of the drums' changes from their classes' changes, in each dimension.
        reach: reach of the changes of drums, as in `realtime.model.schema.DrumInfo`.
    """

    classes: Tensor
    places: Tensor
    drums: Tensor
    spread: float
    reach: float


def learn(checkpoint: Checkpoint, model: VAE, folder: Path) -> Directions:
    """Return the directions, learnt from the sounds of a folder.

    Args:
        checkpoint: the checkpoint of the model, whose configuration defines how sounds are prepared.
        model: the model, in evaluation mode.
        folder: a folder as for training. Its manifest.csv has the column velocity, 0 to 1, and the takes of a
            drum share a group.

    Raises:
        ExportError: if a class is not the model's, or no drum was recorded at two velocities, or too many
            drums were.
        trainer.errors.DataError: if the folder cannot be used.
    """
    config = checkpoint.config
    sounds = prepare(
        folder, config.model, dataclasses.replace(config.data, max_per_source=0), centres=checkpoint.centres
    )
    unknown = set(sounds.classes) - set(checkpoint.classes)
    if unknown:
        raise ExportError(
            f"{folder}: class {min(unknown)} is not one of the model's: {', '.join(checkpoint.classes)}"
        )
    drums = layers(sounds.velocities, sounds.groups)
    if not drums:
        raise ExportError(f"{folder}: its manifest.csv has no drum with takes of two velocities")
    if len(drums) > MAX_DRUMS:
        raise ExportError(
            f"{folder}: {len(drums)} drums have takes of two velocities; at most {MAX_DRUMS} are accepted"
        )
    label = torch.tensor([checkpoint.classes.index(name) for name in sounds.classes])[sounds.labels]
    with torch.no_grad():
        points = torch.cat([model.encode(part)[0] for part in sounds.waveforms.split(AT_ONCE)])
    found = directions(points, drums, label, len(checkpoint.classes))
    if isinstance(model.decoder, ModalDecoder):
        rate = config.model.sample_rate
        real = torch.cat([facts.of_sounds(part[:, 0], rate) for part in sounds.waveforms.split(AT_ONCE)])
        found = adjusted(found, model.decoder, lines(real, drums))
    return unmixed(found, label[[drum.takes[0] for drum in drums]])


def directions(points: Tensor, drums: Sequence[Layers], labels: Tensor, classes: int) -> Directions:
    """Return the directions of classes and drums, given the points of their takes.

    The direction of a drum is the slope of a straight line, fitted to its takes by least squares. The
    direction of a class is the slope of parallel lines, fitted to the takes of all its drums. With few takes,
    the direction of a drum is drawn towards that of its class, and the direction of a class towards that of
    all classes.

    Args:
        points: [N, D], z of each take.
        drums: the takes of each drum; at least one drum.
        labels: int64 [N], the class of each take.
        classes: number of classes.
    """
    own = lines(points, drums)
    of_drum = labels[[takes[0] for takes, _ in drums]]
    moved = own.slope * own.square
    everywhere = moved.sum(0) / own.square.sum()
    sums = moved.new_zeros(classes, moved.shape[1]).index_add(0, of_drum, moved)
    weight = own.square.new_zeros(classes, 1).index_add(0, of_drum, own.square)
    each = (sums + SHARED * everywhere) / (weight + SHARED)
    drawn = (moved + DRAWN * each[of_drum]) / (own.square + DRAWN)
    deviations = own.square * (own.slope - each[of_drum]).square()
    takes = [index for drum in drums for index in drum.takes]
    places = torch.cat(
        [middle.expand(len(drum.takes), -1) for middle, drum in zip(own.middle, drums, strict=True)]
    )
    return Directions(
        classes=each,
        places=own.middle,
        drums=drawn,
        spread=float((deviations.sum() / own.square.sum() / deviations.shape[1]).sqrt()),
        reach=REACH * float((points[takes] - places).square().sum(1).mean().sqrt()),
    )


def adjusted(found: Directions, decoder: ModalDecoder, real: Lines) -> Directions:
    """Adjust the directions of drums until the decoded sounds change as the real sounds do.

    The result is the most probable direction. Directions are assumed to be normally distributed around the
    given direction, with `found.spread`. The variance of a real slope is estimated from its takes and
    multiplied by `DOUBT`.

    Args:
        found: the directions to start from.
        decoder: the decoder of the model, in evaluation mode.
        real: brightness, decay and attack of the same drums over velocity.
    """
    z, given = found.places.float(), found.drums.float()
    noise = DOUBT * torch.diag_embed((real.noise / real.square).float())
    direction = given
    for _ in range(ROUNDS):
        direction = direction.detach().requires_grad_()
        change = facts.of_points(decoder, z + direction / 2) - facts.of_points(decoder, z - direction / 2)
        slopes = [torch.autograd.grad(each.sum(), direction, retain_graph=True)[0] for each in change.T]
        slope = torch.stack(slopes, 1)  # [drums, facts, D]
        with torch.no_grad():
            missing = real.slope.float() - change - (slope @ (given - direction)[..., None])[..., 0]
            weight = found.spread**2 * slope @ slope.transpose(1, 2) + noise
            step = torch.linalg.solve(weight, missing)[:, None]
            best = given + found.spread**2 * (step @ slope)[:, 0]
            direction = direction + PACE * (best - direction)
    return found._replace(drums=direction.double())


def unmixed(found: Directions, labels: Tensor) -> Directions:
    """Return the directions of drums whose mixture at the place of a drum is the given direction.

    A hit mixes the directions around it (`realtime.model.expression`), so a drum between others would change
    as their mean. The directions of drums that lie too close together for a solution stay near the given
    directions.

    Args:
        found: the wanted directions at the places of drums.
        labels: int64 [drums], the class of each drum.
    """
    distance = torch.cdist(found.places, found.places)
    near = torch.exp(-0.5 * (distance / found.reach) ** 2)
    sums = near.sum(1, keepdim=True) + BACKGROUND
    share = near / sums
    wanted = found.drums - BACKGROUND / sums * found.classes[labels]
    weight = share.T @ share + CLOSE * torch.eye(len(share)).to(share)
    return found._replace(drums=torch.linalg.solve(weight, share.T @ wanted + CLOSE * found.drums))
