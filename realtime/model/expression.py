"""The offset of a hit from its point z in the latent space, from the hit's velocity and a random draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.model.schema import ModelInfo
from realtime.model.shares import Shares

MIDDLE = 0.5
"""The velocity at which a hit plays the point itself; harder and softer hits deviate from it."""
BACKGROUND = 0.01
"""Weight of the classes in the mean of all directions of velocity. A drum at the point itself has weight 1.

A direction of velocity is a direction in the latent space along which hits get harder. A drum here is an
instrument that was recorded at several velocities.
"""


class _Place(NamedTuple):
    """A point z [D], the probability of each class at z, and the change of z [D] from velocity 0 to 1."""

    z: tuple[float, ...]
    shares: NDArray[np.float64]
    direction: NDArray[np.float64]


class Expression:
    """The offsets in z of a model's hits.

    Attributes:
        knows_velocity: True if the file contains directions of velocity.
        knows_takes: True if the file contains training sounds.
    """

    def __init__(self, info: ModelInfo) -> None:
        dim = info.latent_dim
        self._shares = Shares(info)
        self._directions = np.array([c.velocity or (0.0,) * dim for c in info.classes], np.float64)
        self._drums = np.array([drum.z for drum in info.drums], np.float64).reshape(-1, dim)
        self._exponents = -0.5 / np.array([drum.reach for drum in info.drums], np.float64) ** 2
        self._own = np.array([drum.velocity for drum in info.drums], np.float64).reshape(-1, dim)
        takes: list[list[NDArray[np.float64]]] = [[] for _ in info.classes]
        for anchor in info.anchors:
            takes[anchor.label].append(np.subtract(anchor.z, info.classes[anchor.label].centroid))
        self._takes = [np.array(each, np.float64) for each in takes]
        self.knows_velocity = bool(self._directions.any() or self._own.any())
        self.knows_takes = bool(info.anchors)
        self._latest = _Place((), np.zeros(0), np.zeros(0))

    def offset(
        self,
        z: Sequence[float] | NDArray[np.float64],
        velocity: float,
        dynamics: float,
        vary: float,
        seed: Sequence[int],
    ) -> tuple[float, ...]:
        """Return the offset [D] of a hit from z [D].

        Velocity moves the hit along a mean of the directions of velocity of the drums near z and of the
        classes. Each class is weighted by its share: the probability that a sound at z belongs to the class.
        Variation draws a class with its share as the probability. It then draws two training sounds of that
        class, and mixes their offsets from the class centre with a random weight. Therefore, a `vary` up to 1
        stays within the spread of the training sounds.

        Args:
            z: the point.
            velocity: 0..1; at `MIDDLE`, velocity adds nothing.
            dynamics: amount of the movement by velocity; at 1, as much as in the recordings.
            vary: amount of variation; at 1, as much as among the training sounds of the class.
            seed: seed of the draw; the same seed gives the same offset.
        """
        amount = dynamics * (velocity - MIDDLE)
        moved: NDArray[np.float64] = np.zeros(len(z))
        if not amount and not vary:
            return tuple(moved.tolist())
        place = self._place(tuple(np.asarray(z, np.float64).tolist()))
        if amount:
            moved = amount * place.direction
        if vary and self.knows_takes:
            draw = np.random.default_rng(list(seed))
            takes = self._takes[int(draw.choice(len(place.shares), p=place.shares))]
            if len(takes):
                pair = takes[draw.choice(len(takes), size=min(2, len(takes)), replace=False)]
                weight = draw.random()
                moved = moved + vary * (weight * pair[0] + (1.0 - weight) * pair[-1])
        return tuple(moved.tolist())

    def _place(self, z: tuple[float, ...]) -> _Place:
        """Return the `_Place` at z [D]; keep it, because the next call often has the same z."""
        latest = self._latest
        if latest.z != z:
            latest = self._latest = self._find(z)
        return latest

    def _find(self, z: tuple[float, ...]) -> _Place:
        shares, at = self._shares.at(z), np.array(z)
        direction: NDArray[np.float64] = shares @ self._directions
        if len(self._own):
            near = np.exp(self._exponents * ((self._drums - at) ** 2).sum(axis=1))
            direction = (BACKGROUND * direction + near @ self._own) / (BACKGROUND + near.sum())
        return _Place(z, shares, direction)
