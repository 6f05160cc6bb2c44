"""Learn the directions of z in which hits get harder, from drums recorded at several velocities.

Drums of one class change in different ways: of their pairs, little more than half change in the same way. So
each drum has a direction of its own, which holds around it; elsewhere, that of the class does.

Encoder and decoder lose a part of what the takes of a drum differ in. The directions of drums are therefore
turned until brightness, decay and attack (`export.facts`) of the decoded sounds change as those of the
recordings do. A hit mixes the directions of neighbouring drums; the file has those whose mixtures are wanted.
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
"""Sounds that are encoded together."""
SHARED = 0.5
"""Takes with this sum of squares of velocity count as much as the direction of all classes does."""
DRAWN = 0.1
"""Takes with this sum of squares count as much as the direction of their class does."""
REACH = 0.6
"""Reach of a drum's direction over the root mean square distance of a take from the mean of its drum."""
ROUNDS, PACE = 6, 0.7
"""Steps of `turned`, and the share of the way to the best direction in each."""
DOUBT = 0.3
"""Weight of the uncertainty of real slopes. At 1, changes come out too small."""
CLOSE = 0.1
"""Weight of a direction's distance from the wanted one in `parted`, beside that of the mixture."""


class Directions(NamedTuple):
    """The change of z from velocity 0 to 1; float64.

    Attributes:
        classes: of each class, [classes, D].
        places: the mean z of the takes of each drum, [drums, D].
        drums: of each drum, [drums, D].
        spread: standard deviation of directions of drums about those of their classes, in each dimension.
        reach: of the directions of drums, as in `realtime.model.schema.DrumInfo`.
    """

    classes: Tensor
    places: Tensor
    drums: Tensor
    spread: float
    reach: float


def learn(checkpoint: Checkpoint, model: VAE, folder: Path) -> Directions:
    """Encode the sounds of a folder and return the directions.

    Args:
        checkpoint: of the model; its configuration says how sounds are prepared.
        model: its weights, in evaluation mode.
        folder: as for training. Its manifest.csv has the column velocity, 0 to 1, and takes of one drum
            share a group.

    Raises:
        ExportError: where a class is not the model's, or no drum was recorded in two velocities, or too many
            drums were.
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
    drums = layers(sounds.velocities, sounds.groups)
    if not drums:
        raise ExportError(f"{folder}: its manifest.csv tells of no drum that was hit with two velocities")
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
        found = turned(found, model.decoder, lines(real, drums))
    return parted(found, label[[drum.takes[0] for drum in drums]])


def directions(points: Tensor, drums: Sequence[Layers], labels: Tensor, classes: int) -> Directions:
    """Return the directions of classes and drums, by the places of takes.

    A drum has the slope of the straight line through its takes (least squares). A class has that of parallel
    lines through the takes of all its drums. With few takes, that of a drum is drawn towards its class, and
    that of a class towards all classes.

    Args:
        points: [N, D], z of each take.
        drums: one or more.
        labels: int64 [N], the class of each take.
        classes: how many there are.
    """
    own = lines(points, drums)
    of_drum = labels[[takes[0] for takes, _ in drums]]
    moved = own.slope * own.square
    everywhere = moved.sum(0) / own.square.sum()
    sums = moved.new_zeros(classes, moved.shape[1]).index_add(0, of_drum, moved)
    weight = own.square.new_zeros(classes, 1).index_add(0, of_drum, own.square)
    each = (sums + SHARED * everywhere) / (weight + SHARED)
    drawn = (moved + DRAWN * each[of_drum]) / (own.square + DRAWN)
    apart = own.square * (own.slope - each[of_drum]).square()
    takes = [index for drum in drums for index in drum.takes]
    places = torch.cat(
        [middle.expand(len(drum.takes), -1) for middle, drum in zip(own.middle, drums, strict=True)]
    )
    return Directions(
        classes=each,
        places=own.middle,
        drums=drawn,
        spread=float((apart.sum() / own.square.sum() / apart.shape[1]).sqrt()),
        reach=REACH * float((points[takes] - places).square().sum(1).mean().sqrt()),
    )


def turned(found: Directions, decoder: ModalDecoder, real: Lines) -> Directions:
    """Turn the directions of drums until the decoded sounds change as the real ones do.

    Of all directions, the most probable one is taken: those around the given one are normally distributed
    with its `spread`, and a real slope is as uncertain as its takes are scattered, times `DOUBT`.

    Args:
        found: directions of which to start.
        decoder: of the model, in evaluation mode.
        real: facts of the same drums, over velocity.
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


def parted(found: Directions, labels: Tensor) -> Directions:
    """Return the directions of drums for which a hit at the place of a drum has the given one.

    A hit has a mixture of the directions around it (`realtime.model.expression`), so a drum between others
    would change as the mean of them all. Drums that lie too close to be told apart keep the given directions.

    Args:
        found: the directions that hits are to have.
        labels: int64 [drums], the class of each drum.
    """
    apart = torch.cdist(found.places, found.places)
    near = torch.exp(-0.5 * (apart / found.reach) ** 2)
    sums = near.sum(1, keepdim=True) + BACKGROUND
    share = near / sums
    wanted = found.drums - BACKGROUND / sums * found.classes[labels]
    weight = share.T @ share + CLOSE * torch.eye(len(share)).to(share)
    return found._replace(drums=torch.linalg.solve(weight, share.T @ wanted + CLOSE * found.drums))
