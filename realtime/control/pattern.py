"""The drum sequencer's current pattern, which performers edit, and stored patterns.

A pattern has lanes (rows of steps), a tempo and a swing. It may also move the point, which is the performer's
position in the latent space. The preset file stores the current pattern (`grid`) and the stored patterns
under the key `sequencer` of a model's section:

    {"grid": {"tempo": 120.0, "swing": 50.0, "steps": 16, "lanes": [{"start": "kick", "end": "snare",
              "velocities": [1.0, 0.0, …], "morphs": [0.5, …], "pan": -0.3}], "path": [[0.2, 0.7], …]},
     "patterns": {"intro": {…}}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import MAX_TEXT, check_name
from realtime.model.courses import STRAIGHT, Course
from realtime.synth import quantities
from realtime.synth.commands import HIT_SETTINGS, LEVEL, PLAIN, SetClock, Trigger, Z
from realtime.synth.quantities import Quantity
from realtime.util.errors import ControlError

MAX_LANES = 64
MAX_PATTERNS = 200  # maximum number of stored patterns of a model
MAX_STEPS = int(quantities.STEPS.high)
MAX_PLACES = 64  # maximum number of positions in a path
PLACES_A_STEP = 4  # number of segments in the path of the point during a step
Place = tuple[float, float]
REST = (0.0,) * MAX_STEPS
LANE_QUANTITIES: dict[str, Quantity] = {
    "mute": quantities.SWITCH,
    **{row.name: row.quantity for row in HIT_SETTINGS.values()},
}
_DIGITS = {"tempo": 3, "swing": 1}  # decimal places
ROWS: dict[str, Quantity] = {"velocities": quantities.VELOCITY, "morphs": quantities.FRACTION}


@dataclass(frozen=True)
class Lane:
    """A row of steps that play one sound, or sounds on the line between two points.

    Attributes:
        start, end: names of two points in the latent space. If both are empty, the lane's hits play at the
            performer's point and follow its moves.
        velocities: velocity of each of `MAX_STEPS` steps, 0..1; 0 means no hit.
        morphs: position of each of `MAX_STEPS` steps between `start` (0) and `end` (1).
        mute: 1 silences the lane.
        hit: template of the lane's hits, which determines their settings, such as pan.
    """

    start: str = ""
    end: str = ""
    velocities: tuple[float, ...] = REST
    morphs: tuple[float, ...] = REST
    mute: int = 0
    hit: Trigger = PLAIN

    def changed(self, settings: Mapping[str, Any]) -> Lane:
        """Return a copy in which the given fields, or settings of the hits, are changed."""
        of_hits = {name: value for name, value in settings.items() if name in HIT_SETTINGS}
        rest = {name: value for name, value in settings.items() if name not in HIT_SETTINGS}
        return replace(self, **rest, hit=self.hit.with_settings(of_hits))

    def settings(self) -> dict[str, Any]:
        """Return the fields, with the settings of the hits in place of `hit`."""
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "hit"}
        return {**kept, **self.hit.settings}

    def missing(self, space: LatentSpace) -> str:
        """Return the name in `start` or `end` if no such point exists any longer; otherwise ""."""
        return next((name for name in (self.start, self.end) if name and not space.knows(name)), "")

    def hits(self, space: LatentSpace) -> tuple[Trigger | None, ...]:
        """Return a hit or None for each of `MAX_STEPS` steps; None for all if `missing` returns a name."""
        if self.mute or self.missing(space):
            return (None,) * MAX_STEPS
        if not self.start:
            return _hits(self, None, None, STRAIGHT)
        ends = self.start, self.end
        return _hits(self, *map(space.point, ends), space.course(*ends))


@lru_cache(2 * MAX_LANES)
def _hits(lane: Lane, start: Z | None, end: Z | None, course: Course) -> tuple[Trigger | None, ...]:
    def hit(velocity: float, morph: float) -> Trigger | None:
        if velocity == 0.0:
            return None
        if start is None or end is None:
            return replace(lane.hit, velocity=velocity)
        t, level_db = course.at(morph)
        point = tuple((1.0 - t) * a + t * b for a, b in zip(start, end, strict=True))
        level_db = LEVEL.clip(lane.hit.level_db + level_db)
        return replace(lane.hit, velocity=velocity, point=point, level_db=level_db)

    return tuple(map(hit, lane.velocities, lane.morphs))


@dataclass(frozen=True)
class Pattern:
    """A pattern for the sequencer; the methods `with…` return a changed copy.

    Attributes:
        tempo: in beats per minute; a step is a quarter of a beat.
        swing: duration of the first step of each pair, as a percentage of the pair's duration; 50 is
            straight.
        path: positions (x, y) on the map of the training sounds, each 0..1; the performer's point passes them
            at equal time intervals during the loop.
        steps: length of the loop. Lanes always store `MAX_STEPS` steps, also those after the loop.
    """

    tempo: float = quantities.TEMPO_BPM.default
    swing: float = quantities.SWING.default
    steps: int = int(quantities.STEPS.default)
    lanes: tuple[Lane, ...] = ()
    path: tuple[Place, ...] = ()

    @property
    def clock(self) -> SetClock:
        """The command that sets tempo, swing and length of the loop."""
        return SetClock(self.tempo, self.swing, self.steps)

    def hits(self, space: LatentSpace) -> list[tuple[Trigger, ...]]:
        """Return the hits of each of `MAX_STEPS` steps, in lane order."""
        lanes = [lane.hits(space) for lane in self.lanes]
        return [tuple(hit for hit in step if hit is not None) for step in zip(*lanes, strict=True)] or [
            ()
        ] * MAX_STEPS

    def ways(self, space: LatentSpace) -> list[tuple[Z, ...]]:
        """Return the part of `path` for each of `MAX_STEPS` steps, as points z [D] at equal time intervals.

        Each part consists of `PLACES_A_STEP` + 1 points. A part is empty if there is no path or no map, or if
        the step is after the end of the loop.
        """
        if not self.path or not len(space.map):
            return [()] * MAX_STEPS
        parts = np.linspace(0.0, len(self.path) - 1, PLACES_A_STEP * self.steps + 1)
        x, y = (np.interp(parts, np.arange(len(self.path)), side) for side in zip(*self.path, strict=True))
        points = [space.at(*place) for place in zip(x.tolist(), y.tolist(), strict=True)]
        begin = [PLACES_A_STEP * step for step in range(self.steps)]
        ways = [tuple(points[at : at + PLACES_A_STEP + 1]) for at in begin]
        return ways + [()] * (MAX_STEPS - self.steps)

    def with_field(self, name: str, value: Any) -> Pattern:
        """Change a field; tempo and swing are rounded to the sequencer's resolution."""
        if name in _DIGITS:
            value = round(value, _DIGITS[name])
        return replace(self, **{name: value})

    def with_lane(self, lane: Lane) -> Pattern:
        """Append a lane.

        Raises:
            ControlError: there are `MAX_LANES` lanes already.
        """
        if len(self.lanes) >= MAX_LANES:
            raise ControlError(f"there are {MAX_LANES} lanes already; remove one first")
        return replace(self, lanes=(*self.lanes, lane))

    def without_lane(self, index: int) -> Pattern:
        """Remove a lane; the lanes after it move up.

        Raises:
            ControlError: there is no such lane.
        """
        self._lane(index)
        return replace(self, lanes=self.lanes[:index] + self.lanes[index + 1 :])

    def with_setting(self, index: int, **settings: Any) -> Pattern:
        """Change fields of a lane, or settings of its hits.

        Raises:
            ControlError: there is no such lane.
        """
        changed = self._lane(index).changed(settings)
        return replace(self, lanes=(*self.lanes[:index], changed, *self.lanes[index + 1 :]))

    def with_row(self, index: int, row: str, values: Sequence[float]) -> Pattern:
        """Set a lane's `velocities` or `morphs`, beginning with the first step; steps without a value get 0.

        Raises:
            ControlError: there is no such lane, or there are more values than steps.
        """
        if len(values) > self.steps:
            raise ControlError(f"takes at most {self.steps} numbers, one for each step; got {len(values)}")
        kept = getattr(self._lane(index), row)[self.steps :]
        return self.with_setting(index, **{row: (*values, *REST[len(values) : self.steps], *kept)})

    def with_value(self, index: int, row: str, step: int, value: float) -> Pattern:
        """Set one value of a lane's `velocities` or `morphs`.

        Raises:
            ControlError: there is no such lane or step.
        """
        before = getattr(self._lane(index), row)
        if step >= self.steps:
            raise ControlError(f"step is {step}, not 0 to {self.steps - 1}")
        return self.with_setting(index, **{row: (*before[:step], value, *before[step + 1 :])})

    def _lane(self, index: int) -> Lane:
        if not self.lanes:
            raise ControlError("there are no lanes; `/morph/seq/add` adds a lane")
        if index >= len(self.lanes):
            raise ControlError(f"lane is {index}, not 0 to {len(self.lanes) - 1}")
        return self.lanes[index]


@dataclass
class Patterns(Mapping[str, Pattern]):
    """The patterns of one model: the current pattern `grid`, and stored patterns by name.

    One thread may change them while another thread calls `section`.
    """

    grid: Pattern = field(default_factory=Pattern)
    named: Mapping[str, Pattern] = field(default_factory=dict)  # replaced, never mutated

    def __getitem__(self, name: str) -> Pattern:
        if name not in self.named:
            raise ControlError(f"no pattern named {name!r}; `/morph/get/patterns` lists them")
        return self.named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.named)

    def __len__(self) -> int:
        return len(self.named)

    def store(self, name: str) -> None:
        """Store the current pattern under a name.

        Raises:
            ControlError: the name is not accepted, or there are too many patterns.
        """
        check_name(name)
        if name not in self.named and len(self.named) >= MAX_PATTERNS:
            raise ControlError(f"there are {MAX_PATTERNS} patterns already; delete one first")
        self.named = {**self.named, name: self.grid}

    def delete(self, name: str) -> None:
        """Delete a stored pattern.

        Raises:
            ControlError: no pattern has that name.
        """
        self[name]
        self.named = {n: pattern for n, pattern in self.named.items() if n != name}

    def section(self) -> dict[str, Any]:
        """Return the patterns as the preset file stores them; empty if there are none."""
        section: dict[str, Any] = {}
        if self.grid != Pattern():
            section["grid"] = _section(self.grid)
        if self.named:
            section["patterns"] = {name: _section(pattern) for name, pattern in self.named.items()}
        return section

    @staticmethod
    def read(section: Any) -> tuple[Patterns, int]:
        """Return the patterns in a file's section, and how many were left out (invalid, or too many)."""
        section = section if isinstance(section, dict) else {}
        kept = section.get("patterns", {})
        given: dict[str, Any] = kept if isinstance(kept, dict) else {}
        read = {name: _pattern(value) for name, value in given.items()}
        fit = [(name, pattern) for name, pattern in read.items() if pattern and name.strip()]
        named = dict(fit[:MAX_PATTERNS])
        grid = _pattern(section.get("grid", {}))
        return Patterns(grid or Pattern(), named), len(read) - len(named) + (grid is None)


def _section(pattern: Pattern) -> dict[str, Any]:
    """Return a pattern as the file stores it, with only those fields of lanes that are not the default."""
    lanes, new = [], Lane().settings()
    for lane in pattern.lanes:
        changed = {name: value for name, value in lane.settings().items() if value != new[name]}
        lanes.append({k: _without_last_zeros(value) if k in ROWS else value for k, value in changed.items()})
    path = {"path": [list(place) for place in pattern.path]} if pattern.path else {}
    return {"tempo": pattern.tempo, "swing": pattern.swing, "steps": pattern.steps, "lanes": lanes, **path}


def _without_last_zeros(values: Sequence[float]) -> list[float]:
    """Return the values up to the last nonzero value."""
    return list(values[: max(i for i, value in enumerate(values) if value) + 1])


_PATTERN_QUANTITIES: dict[str, Quantity] = {
    "tempo": quantities.TEMPO_BPM,
    "swing": quantities.SWING,
    "steps": quantities.STEPS,
}


def _pattern(value: Any) -> Pattern | None:
    """Return a file's pattern, or None if it is invalid."""
    try:
        given = _checked(value, _PATTERN_QUANTITIES, (*_PATTERN_QUANTITIES, "lanes", "path"))
        lanes = tuple(map(_lane, given.pop("lanes", ())))
        path = _path(given.pop("path", ()))
    except (TypeError, ValueError):
        return None
    return Pattern(**given, lanes=lanes, path=path) if len(lanes) <= MAX_LANES else None


def _path(value: Any) -> tuple[Place, ...]:
    path = tuple((x, y) for x, y in value)
    if len(path) > MAX_PLACES or not all(quantities.FRACTION.accepts(x) for place in path for x in place):
        raise ValueError("path")
    return path


def _lane(value: Any) -> Lane:
    given = _checked(value, LANE_QUANTITIES, Lane().settings())
    for row in ROWS.keys() & given.keys():
        numbers = tuple(given[row])
        if len(numbers) > MAX_STEPS or not all(map(ROWS[row].accepts, numbers)):
            raise ValueError(row)
        given[row] = (*map(float, numbers), *REST[len(numbers) :])
    for end in ("start", "end"):
        if not isinstance(given.get(end, ""), str) or len(given.get(end, "")) > MAX_TEXT:
            raise ValueError(end)
    lane = Lane().changed(given)
    if bool(lane.start) != bool(lane.end):
        raise ValueError("one end")
    return lane


def _checked(value: Any, accepted: Mapping[str, Quantity], known: Iterable[str]) -> dict[str, Any]:
    """Return a copy of the fields; raise ValueError if a field is not `known` or a value is out of range."""
    given = dict(value)
    if given.keys() - set(known):
        raise ValueError("unknown field")
    for key in accepted.keys() & given.keys():
        if not accepted[key].accepts(given[key]):
            raise ValueError(key)
    return given
