"""Finds the directions in latent space in which hits get harder, from drums recorded at several velocities.

As hits get harder, drums of the same class change in different ways: only just over half of all pairs of
drums change in the same direction. Therefore, each drum has its own direction, which applies near the drum's
z (its position in latent space). Elsewhere, the direction of the class applies.

A take is a recording of one hit. The encoder and the decoder lose some of the differences between the takes
of a drum. The directions of drums are therefore adjusted until the brightness, decay and attack
(`export.facts`) of the decoded sounds change as those of the recordings do. A hit mixes the directions of
neighbouring drums. Therefore, the model file stores directions whose mixtures are the adjusted directions
(`unmixed`).
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
"""Sum of squared deviations of velocity at which the takes of a class get the same weight as all classes."""
DRAWN = 0.1
"""Sum of squared deviations of velocity at which the takes of a drum get the same weight as its class."""
REACH = 0.6
"""Reach of a drum's direction in the latent space, relative to the RMS distance of takes from their mean."""
ROUNDS, PACE = 6, 0.7
"""Number of steps of `adjusted`, and the fraction of the way to the best direction that each step goes."""
DOUBT = 0.1
"""Weight of the uncertainty of the slopes of recordings. At 1, the changes become too small."""
CLOSE = 0.1
"""Weight, in `unmixed`, of the distance of stored directions from the given directions. The distance of
mixtures from the given directions has the weight 1."""


class Directions(NamedTuple):
    """Changes of z as the velocity rises from 0 to 1, float64.

    Attributes:
        classes: the change of each class, [classes, D].
        places: the mean z of the takes of each drum, [drums, D].
        drums: the change of each drum, [drums, D].
        spread: standard deviation, in each dimension, of the differences between a drum's change and the
            change of its class.
        reach: how far a drum's change reaches in the latent space (`realtime.model.schema.DrumInfo`).
    """

    classes: Tensor
    places: Tensor
    drums: Tensor
    spread: float
    reach: float


def learn(checkpoint: Checkpoint, model: VAE, folder: Path) -> Directions:
    """Find the directions from the sounds of a folder.

    Args:
        checkpoint: the checkpoint of the model, whose configuration defines how sounds are prepared.
        model: the model, in evaluation mode.
        folder: a folder of sounds, as for training. Its manifest.csv contains the columns velocity (0 to 1)
            and group (the same for all takes of a drum).

    Raises:
        ExportError: the model lacks a class of the folder, or the number of drums recorded at two or more
            velocities is 0 or above `MAX_DRUMS`.
        trainer.errors.DataError: the folder cannot be used.
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
        raise ExportError(f"{folder}: its manifest.csv contains no drum with takes at two velocities")
    if len(drums) > MAX_DRUMS:
        raise ExportError(
            f"{folder}: {len(drums)} drums have takes at two velocities; at most {MAX_DRUMS} are accepted"
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
    """Return the directions of classes and drums, given the z of their takes.

    For each drum, a straight line over velocity is fitted to the z of its takes by least squares; its slope
    is the direction of the drum. For each class, parallel lines are fitted to the takes of its drums; their
    slope is the direction of the class. With few takes, the direction of a drum is drawn towards the
    direction of its class, and the direction of a class towards the direction of all classes.

    Args:
        points: z of each take, [N, D].
        drums: the takes of each drum; at least one drum.
        labels: index of the class of each take, int64 [N].
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

    The result is the most probable direction of each drum. Directions are assumed to be normally distributed
    around the given direction, with the standard deviation `found.spread`. The variance of a slope of the
    recordings is estimated from the takes and multiplied by `DOUBT`.

    Args:
        found: the directions to start from.
        decoder: the decoder of the model, in evaluation mode.
        real: lines fitted to brightness, decay and attack of the recordings of the same drums.
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
    """Return directions whose mixture, at the z of each drum, is the given direction of this drum.

    A hit mixes the directions of the drums near its z (`realtime.model.expression`). If the given directions
    were used unchanged, a drum between other drums would therefore change like the mean of these drums. If
    drums are too close together for a solution, their directions stay near the given directions.

    Args:
        found: the directions that the mixtures are to have.
        labels: index of the class of each drum, int64 [drums].
    """
    distance = torch.cdist(found.places, found.places)
    near = torch.exp(-0.5 * (distance / found.reach) ** 2)
    sums = near.sum(1, keepdim=True) + BACKGROUND
    share = near / sums
    wanted = found.drums - BACKGROUND / sums * found.classes[labels]
    weight = share.T @ share + CLOSE * torch.eye(len(share)).to(share)
    return found._replace(drums=torch.linalg.solve(weight, share.T @ wanted + CLOSE * found.drums))
