"""The share of each class at a point of the latent space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.model.schema import ModelInfo

LEAST_VARIANCE = 1e-12  # minimum variance, for a class whose sounds are all at one point


class Shares:
    """Calculates the share of each class at a point: the probability that a sound there belongs to the class.

    Each class is a normal distribution around its centre with variance s = spread^2 / D in each of the D
    dimensions. All classes are assumed equally frequent. The result is the softmax of
    -(D ln s + |z - centre|^2 / s) / 2.
    """

    def __init__(self, info: ModelInfo) -> None:
        self._dim = info.latent_dim
        self._centres = np.array([c.centroid for c in info.classes], np.float64)
        spread = np.array([c.spread for c in info.classes], np.float64)
        self._variances = np.maximum(spread**2 / info.latent_dim, LEAST_VARIANCE)

    def at(self, z: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the shares at z [D]: float64 [classes]; the sum is 1."""
        squared = ((self._centres - np.asarray(z, np.float64)) ** 2).sum(axis=1)
        logs = -0.5 * (self._dim * np.log(self._variances) + squared / self._variances)
        weights = np.exp(logs - logs.max())
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares
