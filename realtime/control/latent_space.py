"""Converts names and coordinates from a performer to z, a position in the model's latent space, and back.

A performer can name class centres, training sounds (anchors) and presets; weighted means of these; a position
on the two-dimensional map of the training sounds; and a position along a principal axis of the training
sounds.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.control.general_midi import DRUMS, Drum
from realtime.control.preset_names import first, missing, taking_over
from realtime.model.courses import Course, Courses
from realtime.model.expression import Expression
from realtime.model.names import Names
from realtime.model.schema import ModelInfo
from realtime.model.shares import Shares
from realtime.synth.commands import SetAxis, Z
from realtime.util.errors import ControlError

NEAR = 1e-9  # squared distance on the map within which a position counts as that of a training sound


class LatentSpace:
    """The latent space of a model, with its named points and the performer's presets.

    Args:
        info: the model's metadata.
        presets: name -> z [D]; read at every call, so it may change.
        elsewhere: for presets of other models of the same name: name of the preset -> command that takes the
            preset over.
    """

    def __init__(
        self,
        info: ModelInfo,
        presets: Mapping[str, Z] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self.info = info
        self.presets: Mapping[str, Z] = {} if presets is None else presets
        self._elsewhere = elsewhere or {}
        self._named = {c.name: c.centroid for c in info.classes}
        self._named |= {a.name: a.z for a in info.anchors if a.name not in self._named}
        self._names = Names(self._named)
        self._classes = Names(c.name for c in info.classes)
        self._sounds = np.array([a.z for a in info.anchors], np.float64).reshape(-1, info.latent_dim)
        self.map = _unit_square(np.array([a.xy for a in info.anchors], np.float64).reshape(-1, 2))
        """Positions of the N training sounds on the map: float64 [N, 2], each direction scaled to 0..1."""
        self._projection = _linear_fit(self._sounds, self.map)
        self._centres = np.array([c.centroid for c in info.classes], np.float64)
        self._shares = Shares(info)
        self.expression = Expression(info)
        self._courses = Courses(info)

    def of_model(self, name: str) -> bool:
        """Return True if a class or a training sound of the model has that name."""
        return name in self._named

    def knows(self, name: str) -> bool:
        """Return True if a class, a training sound or a preset has that name."""
        return self._find(name) is not None

    def preset(self, query: str) -> Z:
        """Return the z [D] of the preset that `query` names, in any spelling that `Names.find` accepts.

        Raises:
            ControlError: no preset has that name; the message lists the presets.
        """
        if (name := Names(self.presets).find(query)) is None:
            raise missing(query, self.presets, self._elsewhere)
        return self.presets[name]

    def _find(self, query: str) -> str | None:
        if query in self._named or query in self.presets:
            return query
        return self._names.find(query) or Names(self.presets).find(query) or self._names.find_file(query)

    def name(self, query: str) -> str:
        """Return the exact name of a point that `query` names, in any spelling that `Names.find` accepts.

        `query` may leave out the folder of a training sound (see `Names.find_file`).

        Raises:
            ControlError: no point has that name; the message lists similar names, or else the existing names.
        """
        if found := self._find(query):
            return found
        near = difflib.get_close_matches(query, (*self._named, *self.presets), n=3)
        hint = taking_over(query, self._elsewhere) or (
            f"did you mean {' or '.join(near)}?" if near else self._listed()
        )
        raise ControlError(f"no point named {query!r}: {hint}")

    def _listed(self) -> str:
        """Return a string with the names of classes and presets, and of one training sound as an example."""
        classes = ", ".join(c.name for c in self.info.classes)
        sound = f"; a training sound is named like {self.info.anchors[0].name!r}" if self.info.anchors else ""
        presets = f"presets are {first(self.presets)}" if self.presets else "there are no presets yet"
        return f"classes are {classes}; {presets}{sound}"

    def point(self, query: str) -> Z:
        """Return the z [D] of a class's centre, a training sound, or a preset.

        Raises:
            ControlError: no point has that name; the message lists similar names.
        """
        name = self.name(query)
        return self._named[name] if name in self._named else self.presets[name]

    def drum(self, note: int) -> tuple[Z, Drum] | None:
        """Return the z [D] and the settings of a General MIDI drum, or None if the model lacks the drum."""
        drum = DRUMS.get(note)
        name = drum and drum.of(self._classes)
        return (self._named[name], drum) if drum and name else None

    def at(self, x: float, y: float) -> Z:
        """Return the z [D] at a position on the map, x and y in 0..1.

        The result is the mean of the training sounds' z_i, weighted by inverse distance (Shepard 1968):
        z = sum(w_i z_i) / sum(w_i) with w_i = 1 / d_i^4, where d_i is the distance on the map between (x, y)
        and sound i. At the position of a sound, z is the z of that sound.

        Raises:
            ControlError: the model has no training sounds.
        """
        if not len(self.map):
            raise ControlError("this model has no map: it contains no training sounds")
        squared = ((self.map - (x, y)) ** 2).sum(axis=1)
        nearest = int(squared.argmin())
        if squared[nearest] < NEAR:
            return self.info.anchors[nearest].z
        weights = (squared[nearest] / squared) ** 2  # 1 for the nearest, so nothing overflows
        return _z(weights @ self._sounds / weights.sum())

    def on_map(self, z: Sequence[float]) -> tuple[float, ...]:
        """Return the position of z [D] on the map, each coordinate clipped to 0..1; () without a map.

        The map is a linear projection of the space: a training sound's z gives the sound's own position. But
        `at` mixes the z of several sounds, so `on_map(at(x, y))` is only near (x, y).
        """
        if not len(self.map):
            return ()
        return tuple(float(x) for x in np.clip(np.append(z, 1.0) @ self._projection, 0.0, 1.0))

    def between(self, a: str, b: str, share: float, way: str = "even") -> tuple[Z, float]:
        """Return a point [D] between two named points, and the gain in dB of hits at this point.

        Args:
            share: fraction of the way from a to b, 0..1.
            way: one of `WAYS`. With "even", equal steps of `share` sound equal if the model file has a course
                (measured positions and gains) between the two classes. Otherwise, the point is
                (1 - share) a + share b, and the gain is 0.

        Raises:
            ControlError: a name is unknown.
        """
        t, level_db = self.course(a, b).at(share) if way == "even" else (share, 0.0)
        ends = zip(self.point(a), self.point(b), strict=True)
        return tuple((1.0 - t) * x + t * y for x, y in ends), level_db

    def course(self, a: str, b: str) -> Course:
        """Return the course between two classes; `STRAIGHT` if the model has none between points a and b."""
        return self._courses.between(self.name(a), self.name(b))

    def blend(self, words: Sequence[float | str]) -> Z:
        """Return the weighted mean of points, from a weight for each class or `name weight name weight …`.

        Raises:
            ControlError: the words have a different form, or no weight is above 0.
        """
        count = len(self.info.classes)
        if all(isinstance(word, float) for word in words):
            if len(words) != count:
                raise ControlError(
                    f"takes {count} weights, one for each class, or names and weights; got {len(words)}"
                )
            weights, points = np.array(words, np.float64), self._centres
        else:
            names, numbers = words[::2], words[1::2]
            if len(names) != len(numbers) or not all(
                isinstance(n, str) and isinstance(w, float) for n, w in zip(names, numbers, strict=True)
            ):
                raise ControlError("takes a weight for each class, or: name weight name weight …")
            points = np.array([self.point(str(name)) for name in names], np.float64)
            weights = np.array(numbers, np.float64)
        total = weights.sum()
        if not total > 0.0:
            raise ControlError("all weights are 0; at least one must be above 0")
        return _z(weights @ points / total)

    def macro(self, index: int, value: float) -> SetAxis:
        """Return the move along principal axis `index` to `value` standard deviations from the mean z.

        Raises:
            ControlError: the model has no such axis.
        """
        pca = self.info.pca
        if index >= len(pca.basis):
            last = len(pca.basis) - 1
            raise ControlError(
                f"macro is {index}, not 0 to {last}" if pca.basis else "this model has no macros"
            )
        deviation = max(pca.variance[index], 0.0) ** 0.5
        return SetAxis(pca.basis[index], self.info.latent.mean, value * deviation)

    def macros(self, z: Sequence[float]) -> list[float]:
        """Return the position of z [D] along each principal axis, in standard deviations from the mean z.

        Along an axis without variance, the position is 0.
        """
        pca = self.info.pca
        if not pca.basis:
            return []
        off = np.asarray(z, np.float64) - self.info.latent.mean
        along = np.asarray(pca.basis, np.float64) @ off
        deviations = np.sqrt(np.maximum(pca.variance[: len(along)], 0.0))
        still = deviations == 0.0
        return [float(x) for x in np.where(still, 0.0, along / np.where(still, 1.0, deviations))]

    def probabilities(self, z: Sequence[float]) -> list[float]:
        """Return the probability of each class at z [D]; the sum is 1."""
        return [float(p) for p in self._shares.at(z)]

    def lacks(self, setting: str) -> str:
        """Return the reason why a setting for hits has no effect with this model, or an empty string."""
        if setting == "dynamics" and not self.expression.knows_velocity:
            return "velocity does not change the timbre of this model"
        if setting == "vary" and not self.expression.knows_takes:
            return "this model contains no training sounds to vary between"
        return ""


def _unit_square(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale positions [N, 2] to 0..1 in both directions; equal coordinates all become 0.5."""
    if not len(places):
        return places
    low, extent = places.min(axis=0), np.ptp(places, axis=0)
    square: NDArray[np.float64] = np.where(
        extent > 0.0, (places - low) / np.where(extent > 0.0, extent, 1.0), 0.5
    )
    return square


def _linear_fit(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix [D + 1, 2] that fits positions [N, 2] to points [N, D], each with a 1 appended."""
    return np.asarray(np.linalg.lstsq(np.c_[points, np.ones(len(points))], places, rcond=None)[0], np.float64)


def _z(point: NDArray[np.float64]) -> Z:
    return tuple(float(x) for x in point)
