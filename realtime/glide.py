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


@dataclass(frozen=True, eq=False)
class Glide:
    """The straight line from `origin` to `target`, begun at device sample `start`, `samples` long.

    Before its start a glide is at its origin, after its end at its target, to the last bit. Glides are never
    changed, only replaced, so any thread may evaluate one.
    """

    origin: Point  # [D]
    target: Point  # [D]
    start: int = 0
    samples: int = 0
    curve: str = "linear"

    @classmethod
    def still(cls, z: Sequence[float] | Point) -> Glide:
        """A glide that rests on `z` [D]."""
        point = np.array(z, dtype=np.float64)
        return cls(point, point)

    @property
    def end(self) -> int:
        """The first device sample at which the target is reached."""
        return self.start + self.samples

    def at(self, samples: ArrayLike) -> Point:
        """z at device samples [...], whole or fractional: float64 [..., D]."""
        times = np.asarray(samples, dtype=np.float64)
        if self.samples == 0 or self.origin is self.target:
            return np.broadcast_to(self.target, (*times.shape, len(self.target)))
        passed = np.clip((times - self.start) / self.samples, 0.0, 1.0)
        u = CURVES[self.curve](passed)[..., np.newaxis]
        return (1.0 - u) * self.origin + u * self.target

    def towards(self, z: Sequence[float], start: int, samples: int, curve: str = "linear") -> Glide:
        """The glide from where this one is at `start` to `z` [D], `samples` long."""
        if samples == 0:
            return Glide.still(z)
        return Glide(self.at(start), np.array(z, dtype=np.float64), start, samples, curve)

    def with_dimension(self, index: int, value: float) -> Glide:
        """The same glide with one dimension at rest on `value`; the others go on."""
        origin, target = self.origin.copy(), self.target.copy()
        origin[index] = target[index] = value
        return replace(self, origin=origin, target=target)
