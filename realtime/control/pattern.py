"""The pattern of the drum sequencer as performers edit it: lanes, tempo and swing; and patterns by name.

A section of the file of presets keeps them:

    {"grid": {"tempo": 120.0, "swing": 50.0, "steps": 16, "lanes": [{"start": "kick", "end": "snare",
              "velocities": [1.0, 0.0, …], "morphs": [0.5, …], "pan": -0.3}]},
     "patterns": {"intro": {…}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import MAX_TEXT, check_name
from realtime.synth import quantities
from realtime.synth.commands import SetClock, Trigger, Z
from realtime.synth.quantities import Quantity
from realtime.util.errors import ControlError

MAX_LANES = 64
MAX_PATTERNS = 200  # of a model
MAX_STEPS = int(quantities.STEPS.high)
REST = (0.0,) * MAX_STEPS
LANE_QUANTITIES: dict[str, Quantity] = {
    "mute": quantities.SWITCH,
    "pitch": quantities.PITCH,
    "pan": quantities.PAN,
    "decay": quantities.DECAY_MS,
    "reverse": quantities.SWITCH,
    "choke": quantities.CHOKE,
}
_DIGITS = {"tempo": 3, "swing": 1}
ROWS: dict[str, Quantity] = {"velocities": quantities.VELOCITY, "morphs": quantities.FRACTION}


@dataclass(frozen=True)
class Lane:
    """A row of steps that play one sound, or the sounds on the line from one point to another.

    Attributes:
        start, end: names of points; both empty where the lane plays where the point is, and follows it.
        velocities: of `MAX_STEPS` steps, 0..1; 0 is no hit.
        morphs: likewise, the place between `start` (0) and `end` (1).
        mute: 1 keeps it silent.
        pitch, pan, decay, reverse, choke: of its hits, as in `settings.Settings`; decay in ms, 0 is none.
    """

    start: str = ""
    end: str = ""
    velocities: tuple[float, ...] = REST
    morphs: tuple[float, ...] = REST
    mute: int = 0
    pitch: float = 0.0
    pan: float = 0.0
    decay: float = 0.0
    reverse: int = 0
    choke: int = 0

    def missing(self, space: LatentSpace) -> str:
        """Return the name of an end that is no point any more, or nothing."""
        return next((name for name in (self.start, self.end) if name and not space.knows(name)), "")

    def hits(self, space: LatentSpace) -> tuple[Trigger | None, ...]:
        """Return the hit of each of `MAX_STEPS` steps, or None; the lane is silent if an end is missing."""
        if self.mute or self.missing(space):
            return (None,) * MAX_STEPS
        if not self.start:
            return _hits(self, None, None)
        return _hits(self, space.point(self.start), space.point(self.end))


@lru_cache(2 * MAX_LANES)
def _hits(lane: Lane, start: Z | None, end: Z | None) -> tuple[Trigger | None, ...]:
    def hit(velocity: float, morph: float) -> Trigger | None:
        if velocity == 0.0:
            return None
        point = None
        if start is not None and end is not None:
            point = tuple((1.0 - morph) * a + morph * b for a, b in zip(start, end, strict=True))
        return Trigger(
            velocity=velocity,
            pitch=lane.pitch,
            pan=lane.pan,
            decay_ms=lane.decay or None,
            reverse=bool(lane.reverse),
            choke=lane.choke,
            point=point,
        )

    return tuple(map(hit, lane.velocities, lane.morphs))


@dataclass(frozen=True)
class Pattern:
    """What the sequencer plays; the methods return a changed one.

    Attributes:
        tempo: beats a minute; a step is a quarter of a beat.
        swing: share of a pair of steps that its first one takes, in percent; 50 is straight.
        steps: of the loop. Lanes keep `MAX_STEPS`, so that a shorter loop loses none.
    """

    tempo: float = quantities.TEMPO_BPM.default
    swing: float = quantities.SWING.default
    steps: int = int(quantities.STEPS.default)
    lanes: tuple[Lane, ...] = ()

    @property
    def clock(self) -> SetClock:
        """The command that makes the sequencer keep its time."""
        return SetClock(self.tempo, self.swing, self.steps)

    def hits(self, space: LatentSpace) -> list[tuple[Trigger, ...]]:
        """Return the hits of each of `MAX_STEPS` steps, in the order of lanes."""
        lanes = [lane.hits(space) for lane in self.lanes]
        return [tuple(hit for hit in step if hit is not None) for step in zip(*lanes, strict=True)] or [
            ()
        ] * MAX_STEPS

    def with_field(self, name: str, value: Any) -> Pattern:
        """Change a field; tempo and swing are kept as finely as the sequencer plays them."""
        if name in _DIGITS:
            value = round(value, _DIGITS[name])
        return replace(self, **{name: value})

    def with_lane(self, lane: Lane) -> Pattern:
        """Put a lane behind the others.

        Raises:
            ControlError: there are `MAX_LANES`.
        """
        if len(self.lanes) >= MAX_LANES:
            raise ControlError(f"there are {MAX_LANES} lanes already; remove one first")
        return replace(self, lanes=(*self.lanes, lane))

    def without_lane(self, index: int) -> Pattern:
        """Remove a lane; those behind it move up.

        Raises:
            ControlError: there is none of that index.
        """
        self._lane(index)
        return replace(self, lanes=self.lanes[:index] + self.lanes[index + 1 :])

    def with_setting(self, index: int, **settings: Any) -> Pattern:
        """Change fields of a lane.

        Raises:
            ControlError: there is none of that index.
        """
        changed = replace(self._lane(index), **settings)
        return replace(self, lanes=(*self.lanes[:index], changed, *self.lanes[index + 1 :]))

    def with_row(self, index: int, row: str, values: Sequence[float]) -> Pattern:
        """Change a lane's `velocities` or `morphs`, from the first step on; steps without a value get 0.

        Raises:
            ControlError: there is no such lane, or there are more values than steps.
        """
        if len(values) > self.steps:
            raise ControlError(f"takes up to {self.steps} numbers, one a step; got {len(values)}")
        kept = getattr(self._lane(index), row)[self.steps :]
        return self.with_setting(index, **{row: (*values, *REST[len(values) : self.steps], *kept)})

    def with_value(self, index: int, row: str, step: int, value: float) -> Pattern:
        """Change one of a lane's `velocities` or `morphs`.

        Raises:
            ControlError: there is no such lane or step.
        """
        before = getattr(self._lane(index), row)
        if step >= self.steps:
            raise ControlError(f"there are steps 0 to {self.steps - 1}, not {step}")
        return self.with_setting(index, **{row: (*before[:step], value, *before[step + 1 :])})

    def _lane(self, index: int) -> Lane:
        if not self.lanes:
            raise ControlError("there are no lanes; `/morph/seq/add` makes one")
        if index >= len(self.lanes):
            raise ControlError(f"there are lanes 0 to {len(self.lanes) - 1}, not {index}")
        return self.lanes[index]


@dataclass
class Patterns(Mapping[str, Pattern]):
    """The patterns of one model: the one that is edited, and those kept by name.

    Changed by one thread; another one may read `section` meanwhile.
    """

    grid: Pattern = field(default_factory=Pattern)
    named: Mapping[str, Pattern] = field(default_factory=dict)  # replaced, never changed

    def __getitem__(self, name: str) -> Pattern:
        if name not in self.named:
            raise ControlError(f"no pattern named {name!r}; `/morph/get/patterns` tells which there are")
        return self.named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.named)

    def __len__(self) -> int:
        return len(self.named)

    def store(self, name: str) -> None:
        """Keep the pattern that is edited.

        Raises:
            ControlError: a name that cannot be one, or too many patterns.
        """
        check_name(name)
        if name not in self.named and len(self.named) >= MAX_PATTERNS:
            raise ControlError(f"there are {MAX_PATTERNS} patterns already; delete one first")
        self.named = {**self.named, name: self.grid}

    def delete(self, name: str) -> None:
        """Forget a pattern.

        Raises:
            ControlError: there is none of that name.
        """
        self[name]
        self.named = {n: pattern for n, pattern in self.named.items() if n != name}

    def section(self) -> dict[str, Any]:
        """Return what the file keeps of them; empty if that is nothing."""
        section: dict[str, Any] = {}
        if self.grid != Pattern():
            section["grid"] = _section(self.grid)
        if self.named:
            section["patterns"] = {name: _section(pattern) for name, pattern in self.named.items()}
        return section

    @staticmethod
    def read(section: Any) -> tuple[Patterns, int]:
        """Return the patterns that a file has, and how many of them are none and are left out."""
        section = section if isinstance(section, dict) else {}
        kept = section.get("patterns", {})
        given: dict[str, Any] = kept if isinstance(kept, dict) else {}
        read = {name: _pattern(value) for name, value in list(given.items())[:MAX_PATTERNS]}
        named = {name: pattern for name, pattern in read.items() if pattern and name.strip()}
        grid = _pattern(section.get("grid", {}))
        return Patterns(grid or Pattern(), named), len(read) - len(named) + (grid is None)


def _section(pattern: Pattern) -> dict[str, Any]:
    """Return what a file keeps of a pattern: of its lanes, what differs from a new one."""
    lanes = []
    for lane in pattern.lanes:
        kept = {each.name: getattr(lane, each.name) for each in fields(lane)}
        changed = {name: value for name, value in kept.items() if value != getattr(Lane, name)}
        lanes.append({k: _until_zeros(value) if k in ROWS else value for k, value in changed.items()})
    return {"tempo": pattern.tempo, "swing": pattern.swing, "steps": pattern.steps, "lanes": lanes}


def _until_zeros(values: Sequence[float]) -> list[float]:
    """Return the values up to the last that is not 0."""
    return list(values[: max(i for i, value in enumerate(values) if value) + 1])


_PATTERN_QUANTITIES: dict[str, Quantity] = {
    "tempo": quantities.TEMPO_BPM,
    "swing": quantities.SWING,
    "steps": quantities.STEPS,
}


def _pattern(value: Any) -> Pattern | None:
    """Return the pattern that a file has; None for what is none."""
    try:
        given = _checked(value, _PATTERN_QUANTITIES, Pattern)
        lanes = tuple(map(_lane, given.pop("lanes", ())))
    except (TypeError, ValueError):
        return None
    return Pattern(**given, lanes=lanes) if len(lanes) <= MAX_LANES else None


def _lane(value: Any) -> Lane:
    given = _checked(value, LANE_QUANTITIES, Lane)
    for row in ROWS.keys() & given.keys():
        numbers = tuple(given[row])
        if len(numbers) > MAX_STEPS or not all(map(ROWS[row].accepts, numbers)):
            raise ValueError(row)
        given[row] = (*map(float, numbers), *REST[len(numbers) :])
    for end in ("start", "end"):
        if not isinstance(given.get(end, ""), str) or len(given.get(end, "")) > MAX_TEXT:
            raise ValueError(end)
    lane = Lane(**given)
    if bool(lane.start) != bool(lane.end):
        raise ValueError("one end")
    return lane


def _checked(value: Any, accepted: Mapping[str, Quantity], kind: type) -> dict[str, Any]:
    """Return the fields of a `kind`, a copy; ValueError for fields that it has not, or out of range."""
    given = dict(value)
    if given.keys() - {each.name for each in fields(kind)}:
        raise ValueError("unknown field")
    for key in accepted.keys() & given.keys():
        if not accepted[key].accepts(given[key]):
            raise ValueError(key)
    return given
