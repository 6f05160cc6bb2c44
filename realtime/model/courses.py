"""Courses: straight paths between class centres, in steps that sound equal, with a steady change of level.

A class is a kind of sound, such as kick; its centre is a mean or typical position of its sounds in the latent
space. z is a position in the latent space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from realtime.model.schema import CourseInfo, ModelInfo

WAYS = ("even", "straight")
"""Kinds of paths between points: in steps that sound equal (a course), or in equal steps of z."""


@dataclass(frozen=True)
class Course:
    """A path from one point to another, on the straight line between them.

    Attributes:
        t: positions on the line, from 0 to 1, between the equal steps of the path.
        level_db: gains at these positions, in dB.
    """

    t: tuple[float, ...] = (0.0, 1.0)
    level_db: tuple[float, ...] = (0.0, 0.0)

    def at(self, share: float) -> tuple[float, float]:
        """Return the position on the line, 0..1, and the gain in dB after a fraction of the path, 0..1."""
        shares = np.linspace(0.0, 1.0, len(self.t))
        return float(np.interp(share, shares, self.t)), float(np.interp(share, shares, self.level_db))

    @property
    def reversed(self) -> Course:
        """The course in the opposite direction."""
        return Course(tuple(1.0 - t for t in reversed(self.t)), self.level_db[::-1])


STRAIGHT = Course()
"""The straight line in equal steps of z, without any gain."""


class Courses:
    """Looks up the courses of a model by the names of two classes."""

    def __init__(self, info: ModelInfo) -> None:
        self._found: dict[tuple[str, str], Course] = {}
        for each in info.courses:
            self._add(info, each)

    def _add(self, info: ModelInfo, each: CourseInfo) -> None:
        start, end = info.classes[each.start].name, info.classes[each.end].name
        there = Course(each.t, each.level_db)
        self._found |= {(start, end): there, (end, start): there.reversed}

    def between(self, start: str, end: str) -> Course:
        """Return the course between two classes, or `STRAIGHT` if the model has none for this pair."""
        return self._found.get((start, end), STRAIGHT)
