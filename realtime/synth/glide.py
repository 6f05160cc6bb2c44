"""Where z is at each device sample: at rest on a point, or on its way from one point to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = NDArray[np.float64]

#: How far along a glide is, as a function of the part of its time that has passed; both run from 0 to 1.
CURVES: dict[str, Callable[[Point], Point]] = {
    "linear": lambda u: u,
    "smooth": lambda u: u * u * (3.0 - 2.0 * u),
    "in": lambda u: u * u,
    "out": lambda u: u * (2.0 - u),
}


def _linear(points: Point, u: Point) -> Point:
    """Straight from point to point: points [N, D], u [...] from 0 to N-1 -> [..., D]."""
    first = np.clip(np.floor(u), 0, len(points) - 2).astype(np.intp)
    part = (u - first)[..., np.newaxis]
    return (1.0 - part) * points[first] + part * points[first + 1]


def _spherical(points: Point, u: Point) -> Point:
    """Along arcs around the origin, the distance changing evenly (Shoemake's slerp of the directions).

    Where two points lie on one line with the origin there is no single arc; the way is straight there.
    """
    first = np.clip(np.floor(u), 0, len(points) - 2).astype(np.intp)
    part = (u - first)[..., np.newaxis]
    a, b = points[first], points[first + 1]
    from_origin = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    product = from_origin[0] * from_origin[1]
    cosine = np.sum(a * b, axis=-1, keepdims=True) / np.where(product > 0, product, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    sine = np.sin(angle)
    arc = sine > 1e-6
    sine = np.where(arc, sine, 1.0)
    unit_a, unit_b = (p / np.where(n > 0, n, 1.0) for p, n in zip((a, b), from_origin, strict=True))
    direction = (np.sin((1.0 - part) * angle) * unit_a + np.sin(part * angle) * unit_b) / sine
    distance = (1.0 - part) * from_origin[0] + part * from_origin[1]
    return np.where(arc, distance * direction, (1.0 - part) * a + part * b)


def _spline(points: Point, u: Point) -> Point:
    """Through all points without corners: a Catmull-Rom spline, the ends doubled."""
    first = np.clip(np.floor(u), 0, len(points) - 2).astype(np.intp)
    t = (u - first)[..., np.newaxis]
    a, b, c, d = (points[np.clip(first + k, 0, len(points) - 1)] for k in (-1, 0, 1, 2))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


#: Which way a glide takes from point to point: a function of points [N, D] and the place u [...] among them.
PATHS: dict[str, Callable[[Point, Point], Point]] = {
    "linear": _linear,
    "spherical": _spherical,
    "spline": _spline,
}


@dataclass(frozen=True, eq=False)
class Glide:
    """The way from `origin` to `target`, begun at device sample `start`, `samples` long.

    Before its start a glide is at its origin, after its end at its target, to the last bit. Glides are never
    changed, only replaced, so any thread may evaluate one.
    """

    origin: Point  # [D]
    target: Point  # [D]
    start: int = 0
    samples: int = 0
    curve: str = "linear"
    path: str = "linear"
    through: Point | None = None  # [N, D], passed on the way at equal times

    @classmethod
    def at_rest(cls, z: Sequence[float] | Point) -> Glide:
        """A glide that rests on `z` [D]."""
        point = np.array(z, dtype=np.float64)
        return cls(point, point)

    @property
    def end(self) -> int:
        """The first device sample at which the target is reached."""
        return self.start + self.samples

    @property
    def still(self) -> bool:
        """Whether z is the same at all times."""
        return self.samples == 0 or self.origin is self.target

    def rests_at(self, sample: float) -> bool:
        """Whether z stays where it is from device sample `sample` on."""
        return self.still or sample >= self.end

    def at(self, samples: ArrayLike) -> Point:
        """z at device samples [...], whole or fractional: float64 [..., D]."""
        times = np.asarray(samples, dtype=np.float64)
        if self.still:
            return np.broadcast_to(self.target, (*times.shape, len(self.target)))
        passed = np.clip((times - self.start) / self.samples, 0.0, 1.0)
        u = CURVES[self.curve](passed)
        if self.path == "linear" and self.through is None:
            return (1.0 - u[..., np.newaxis]) * self.origin + u[..., np.newaxis] * self.target
        between = self.through if self.through is not None else np.empty((0, len(self.origin)))
        points = np.concatenate((self.origin[np.newaxis], between, self.target[np.newaxis]))
        way = PATHS[self.path](points, u * (len(points) - 1))
        return np.where((u < 1.0)[..., np.newaxis], way, self.target)

    def towards(
        self,
        z: Sequence[float],
        start: int,
        samples: int,
        curve: str = "linear",
        path: str = "linear",
        through: Sequence[Sequence[float]] = (),
    ) -> Glide:
        """The glide from where this one is at `start` to `z` [D], `samples` long."""
        if samples == 0:
            return Glide.at_rest(z)
        between = np.array(through, dtype=np.float64) if through else None
        return Glide(self.at(start), np.array(z, dtype=np.float64), start, samples, curve, path, between)

    def with_dimension(self, index: int, value: float) -> Glide:
        """The same glide with one dimension at rest on `value`; the others go on."""
        axis = np.zeros(len(self.target))
        axis[index] = 1.0
        return self._flattened(axis, value, lambda points: points[..., index])

    def with_axis(self, axis: Sequence[float], origin: Sequence[float], value: float) -> Glide:
        """The same glide with its coordinate along a unit vector, from `origin`, at rest on `value`."""
        unit, zero = np.asarray(axis, np.float64), np.asarray(origin, np.float64)
        return self._flattened(unit, value, lambda points: (points - zero) @ unit)

    def _flattened(self, unit: Point, value: float, coordinate: Callable[[Point], Point]) -> Glide:
        def moved(points: Point) -> Point:
            return points + (value - np.asarray(coordinate(points)))[..., np.newaxis] * unit

        target = moved(self.target)
        origin = target if self.origin is self.target else moved(self.origin)
        through = None if self.through is None else moved(self.through)
        return replace(self, origin=origin, target=target, through=through)
