"""The difference of a hit from others at its point: by velocity, and from take to take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.model.schema import ModelInfo
from realtime.model.shares import Shares

MIDDLE = 0.5
"""The velocity of a hit at the very point; harder and softer hits lie on either side of it."""


class Expression:
    """The offsets in z of a model's hits.

    Attributes:
        knows_velocity: the file has directions of velocity.
        knows_takes: the file has training sounds.
    """

    def __init__(self, info: ModelInfo) -> None:
        dim = info.latent_dim
        self._shares = Shares(info)
        self._directions = np.array([c.velocity or (0.0,) * dim for c in info.classes], np.float64)
        takes: list[list[NDArray[np.float64]]] = [[] for _ in info.classes]
        for anchor in info.anchors:
            takes[anchor.label].append(np.subtract(anchor.z, info.classes[anchor.label].centroid))
        self._takes = [np.array(each, np.float64) for each in takes]
        self.knows_velocity = bool(self._directions.any())
        self.knows_takes = bool(info.anchors)

    def offset(
        self,
        z: Sequence[float] | NDArray[np.float64],
        velocity: float,
        dynamics: float,
        vary: float,
        seed: Sequence[int],
    ) -> tuple[float, ...]:
        """Return the offset [D] of a hit from z [D].

        Velocity moves along the directions of the classes, each weighted by its share at z. Variation draws a
        class by its share and two of its takes, and mixes their distances from the centre at a random weight.
        So it stays within the spread of the takes.

        Args:
            z: the point.
            velocity: 0..1; at `MIDDLE`, velocity adds nothing.
            dynamics: amount of the movement by velocity; 1: as far as in the recordings.
            vary: amount of variation; 1: as far as the training sounds of the class.
            seed: seed of the draw; the same seed gives the same offset.
        """
        shares = self._shares.at(z)
        moved = dynamics * (velocity - MIDDLE) * (shares @ self._directions)
        if vary and self.knows_takes:
            draw = np.random.default_rng(list(seed))
            takes = self._takes[int(draw.choice(len(shares), p=shares))]
            if len(takes):
                pair = takes[draw.choice(len(takes), size=min(2, len(takes)), replace=False)]
                weight = draw.random()
                moved = moved + vary * (weight * pair[0] + (1.0 - weight) * pair[-1])
        return tuple(float(x) for x in moved)
