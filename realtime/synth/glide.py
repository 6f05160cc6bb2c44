"""z, a position in the D-dimensional latent space, over time: at rest, or during a glide.

Time is a count of device samples, the samples of the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = NDArray[np.float64]

#: Easing curves: progress along the path as a function of the elapsed fraction of time; both run from 0 to 1.
CURVES: dict[str, Callable[[Point], Point]] = {
    "linear": lambda u: u,
    "smooth": lambda u: u * u * (3.0 - 2.0 * u),
    "in": lambda u: u * u,
    "out": lambda u: u * (2.0 - u),
}


def _linear(points: Point, u: Point) -> Point:
    """Interpolate on straight lines: points [N, D], u [...] from 0 to N-1 -> [..., D]."""
    first = np.clip(np.floor(u), 0, len(points) - 2).astype(np.intp)
    part = (u - first)[..., np.newaxis]
    return (1.0 - part) * points[first] + part * points[first + 1]


def _spherical(points: Point, u: Point) -> Point:
    """Interpolate on arcs around the origin: slerp of the directions (Shoemake), linear in the radius.

    If two points lie on one line with the origin, there is no unique arc; the path between them is then
    straight.
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
    """Interpolate on a Catmull-Rom spline through all points, with the end points doubled."""
    first = np.clip(np.floor(u), 0, len(points) - 2).astype(np.intp)
    t = (u - first)[..., np.newaxis]
    a, b, c, d = (points[np.clip(first + k, 0, len(points) - 1)] for k in (-1, 0, 1, 2))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


#: Path shapes: functions of points [N, D] and the position u [...] among them, from 0 to N-1.
PATHS: dict[str, Callable[[Point, Point], Point]] = {
    "linear": _linear,
    "spherical": _spherical,
    "spline": _spline,
}


@dataclass(frozen=True, eq=False)
class Glide:
    """A path from `origin` to `target`, which begins at device sample `start` and lasts `samples` samples.

    A glide is at its origin until its start, and exactly at its target from its end onwards. Glides are
    immutable; any thread may therefore evaluate them.
    """

    origin: Point  # [D]
    target: Point  # [D]
    start: int = 0
    samples: int = 0
    curve: str = "linear"
    path: str = "linear"
    through: Point | None = None  # [N, D], passed on the way at equal time intervals

    @classmethod
    def at_rest(cls, z: Sequence[float] | Point) -> Glide:
        """Return a glide that rests at `z` [D]."""
        point = np.array(z, dtype=np.float64)
        return cls(point, point)

    @property
    def end(self) -> int:
        """First device sample at which the target is reached."""
        return self.start + self.samples

    @property
    def still(self) -> bool:
        """Return True if z is constant."""
        return self.samples == 0 or self.origin is self.target

    def rests_at(self, sample: float) -> bool:
        """Return True if z is constant from device sample `sample` onwards."""
        return self.still or sample >= self.end

    def at(self, samples: ArrayLike) -> Point:
        """Return z at device samples [...], whole or fractional: float64 [..., D]."""
        times = np.asarray(samples, dtype=np.float64)
        if self.still:
            return np.broadcast_to(self.target, (*times.shape, len(self.target)))
        passed = np.clip((times - self.start) / self.samples, 0.0, 1.0)
        u = CURVES[self.curve](passed)
        if self.path == "linear" and self.through is None:
            return (1.0 - u[..., np.newaxis]) * self.origin + u[..., np.newaxis] * self.target
        between = self.through if self.through is not None else np.empty((0, len(self.origin)))
        points = np.concatenate((self.origin[np.newaxis], between, self.target[np.newaxis]))
        point = PATHS[self.path](points, u * (len(points) - 1))
        return np.where((u < 1.0)[..., np.newaxis], point, self.target)

    def towards(
        self,
        z: Sequence[float],
        start: int,
        samples: int,
        curve: str = "linear",
        path: str = "linear",
        through: Sequence[Sequence[float]] = (),
    ) -> Glide:
        """Return a glide from this glide's position at `start` to `z` [D]; it lasts `samples` samples."""
        if samples == 0:
            return Glide.at_rest(z)
        between = np.array(through, dtype=np.float64) if through else None
        return Glide(self.at(start), np.array(z, dtype=np.float64), start, samples, curve, path, between)

    def with_dimension(self, index: int, value: float) -> Glide:
        """Return this glide with one dimension fixed at `value`."""
        axis = np.zeros(len(self.target))
        axis[index] = 1.0
        return self._flattened(axis, value, lambda points: points[..., index])

    def with_axis(self, axis: Sequence[float], origin: Sequence[float], value: float) -> Glide:
        """Return this glide with its coordinate along unit vector `axis` (0 at `origin`) fixed at `value`."""
        unit, zero = np.asarray(axis, np.float64), np.asarray(origin, np.float64)
        return self._flattened(unit, value, lambda points: (points - zero) @ unit)

    def _flattened(self, unit: Point, value: float, coordinate: Callable[[Point], Point]) -> Glide:
        """Return this glide with its `coordinate` along a unit vector fixed at `value`."""

        def moved(points: Point) -> Point:
            return points + (value - np.asarray(coordinate(points)))[..., np.newaxis] * unit

        target = moved(self.target)
        origin = target if self.origin is self.target else moved(self.origin)
        through = None if self.through is None else moved(self.through)
        return replace(self, origin=origin, target=target, through=through)
