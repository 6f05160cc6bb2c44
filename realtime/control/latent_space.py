"""Named points, mixtures of them, the map and the axes: from what a performer says to a z, and back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from realtime.model.schema import ModelInfo
from realtime.synth.commands import SetAxis, Z
from realtime.util.errors import ControlError

NEAR = 1e-9  # squared distance on the map at which a sound is hit exactly
LEAST_VARIANCE = 1e-12  # of a class that is a single point


class LatentSpace:
    """The points of a model, and those that the performer has named.

    Args:
        info: of the model.
        presets: name -> z [D]; looked into at every call, so it may change.
    """

    def __init__(self, info: ModelInfo, presets: Mapping[str, Z] | None = None) -> None:
        self.info = info
        self.presets: Mapping[str, Z] = {} if presets is None else presets
        self._named = {a.name: a.z for a in info.anchors} | {c.name: c.centroid for c in info.classes}
        self._sounds = np.array([a.z for a in info.anchors], np.float64).reshape(-1, info.latent_dim)
        self.map = _unit_square(np.array([a.xy for a in info.anchors], np.float64).reshape(-1, 2))
        """Where the training sounds are on the map: float64 [anchors, 2], stretched to 0..1 in both ways."""
        self._shadow = _linear_fit(self._sounds, self.map)
        self._centres = np.array([c.centroid for c in info.classes], np.float64)
        spread = np.array([c.spread for c in info.classes], np.float64)
        self._variances = np.maximum(spread**2 / info.latent_dim, LEAST_VARIANCE)

    def of_model(self, name: str) -> bool:
        """Whether the model itself has a point of that name."""
        return name in self._named

    def knows(self, name: str) -> bool:
        """Return whether a point has that name."""
        return name in self._named or name in self.presets

    def point(self, name: str) -> Z:
        """The z [D] of a class's centre, a training sound, or a preset.

        Raises:
            ControlError: where nothing has that name; the message lists the nearest names.
        """
        if found := self._named.get(name) or self.presets.get(name):
            return found
        near = difflib.get_close_matches(name, chain(self._named, self.presets), n=3)
        classes = [c.name for c in self.info.classes]
        hint = f"did you mean {' or '.join(near)}?" if near else f"classes are {', '.join(classes)}"
        raise ControlError(f"no point named {name!r}: {hint}")

    def at(self, x: float, y: float) -> Z:
        """The z [D] at a place of the map, each coordinate 0..1.

        Inverse-distance weighting (Shepard 1968) of the training sounds: z = sum(w_i z_i) / sum(w_i) with
        w_i = 1 / d_i^4 and d_i the distance on the map. At a sound's own place it is that sound's z.

        Raises:
            ControlError: a model without training sounds.
        """
        if not len(self.map):
            raise ControlError("this model has no map: no training sounds come with it")
        squared = ((self.map - (x, y)) ** 2).sum(axis=1)
        nearest = int(squared.argmin())
        if squared[nearest] < NEAR:
            return self.info.anchors[nearest].z
        weights = (squared[nearest] / squared) ** 2  # 1 for the nearest, so nothing overflows
        return _z(weights @ self._sounds / weights.sum())

    def on_map(self, z: Sequence[float]) -> tuple[float, ...]:
        """Where z [D] lies on the map, each coordinate 0..1 (beyond its edge: at the edge); () without a map.

        A training sound lies at its own place. The map is a linear view of the space, and `at` a mixture of
        sounds, so what `at` gives for a place lies near that place, not at it.
        """
        if not len(self.map):
            return ()
        return tuple(float(x) for x in np.clip(np.append(z, 1.0) @ self._shadow, 0.0, 1.0))

    def between(self, a: str, b: str, t: float) -> Z:
        """(1 - t) a + t b, the points by name."""
        ends = zip(self.point(a), self.point(b), strict=True)
        return tuple((1.0 - t) * x + t * y for x, y in ends)

    def blend(self, words: Sequence[float | str]) -> Z:
        """The weighted mean of points: a weight for each class, in order, or `name weight name weight …`.

        Raises:
            ControlError: neither of these, a negative weight, or none above 0.
        """
        count = len(self.info.classes)
        if all(isinstance(word, float) for word in words):
            if len(words) != count:
                raise ControlError(
                    f"takes {count} weights, one a class, or names and weights; got {len(words)}"
                )
            weights, points = np.array(words, np.float64), self._centres
        else:
            names, numbers = words[::2], words[1::2]
            if len(names) != len(numbers) or not all(
                isinstance(n, str) and isinstance(w, float) for n, w in zip(names, numbers, strict=True)
            ):
                raise ControlError("takes a weight a class, or: name weight name weight …")
            points = np.array([self.point(str(name)) for name in names], np.float64)
            weights = np.array(numbers, np.float64)
        total = weights.sum()
        if not total > 0.0:
            raise ControlError("all weights are 0; at least one must be above")
        return _z(weights @ points / total)

    def macro(self, index: int, value: float) -> SetAxis:
        """The move to `value` standard deviations along principal axis `index`, from the mean of all sounds.

        Raises:
            ControlError: the model has no such axis.
        """
        pca = self.info.pca
        if index >= len(pca.basis):
            last = len(pca.basis) - 1
            raise ControlError(f"there are macros 0 to {last}, not {index}" if pca.basis else "no macros")
        deviation = max(pca.variance[index], 0.0) ** 0.5
        return SetAxis(pca.basis[index], self.info.latent.mean, value * deviation)

    def macros(self, z: Sequence[float]) -> list[float]:
        """The place of z [D] along the principal axes, as `macro` takes them; 0 where there is no extent."""
        pca = self.info.pca
        if not pca.basis:
            return []
        off = np.asarray(z, np.float64) - self.info.latent.mean
        along = np.asarray(pca.basis, np.float64) @ off
        deviations = np.sqrt(np.maximum(pca.variance[: len(along)], 0.0))
        still = deviations == 0.0
        return [float(x) for x in np.where(still, 0.0, along / np.where(still, 1.0, deviations))]

    def probabilities(self, z: Sequence[float]) -> list[float]:
        """How likely each class is at z [D], adding up to 1.

        Each class is taken as a normal distribution around its centre, equally wide in all D dimensions, with
        variance s = spread^2 / D a dimension, and all classes as equally frequent: the softmax of
        -(D ln s + |z - centre|^2 / s) / 2.
        """
        squared = ((self._centres - np.asarray(z, np.float64)) ** 2).sum(axis=1)
        logs = -0.5 * (self.info.latent_dim * np.log(self._variances) + squared / self._variances)
        shares = np.exp(logs - logs.max())
        return [float(p) for p in shares / shares.sum()]


def _unit_square(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """LatentSpace [N, 2] stretched to reach from 0 to 1 in both directions; 0.5 where they have no extent."""
    if not len(places):
        return places
    low, extent = places.min(axis=0), np.ptp(places, axis=0)
    square: NDArray[np.float64] = np.where(
        extent > 0.0, (places - low) / np.where(extent > 0.0, extent, 1.0), 0.5
    )
    return square


def _linear_fit(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """What takes points [N, D] with a 1 after each to their places [N, 2], nearest by least squares."""
    return np.asarray(np.linalg.lstsq(np.c_[points, np.ones(len(points))], places, rcond=None)[0], np.float64)


def _z(point: NDArray[np.float64]) -> Z:
    return tuple(float(x) for x in point)
