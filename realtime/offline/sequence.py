"""Reads sequence files: TOML with timed steps, each with parameters of a hit and a point.

A point is a position in the model's latent space. `read` returns a `Sequence`; the module `score` converts
the sequence to commands. docs/render.md describes the format.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realtime.model.courses import WAYS
from realtime.synth import quantities
from realtime.synth.commands import HIT_SETTINGS, MODES, PLAIN, Trigger
from realtime.synth.glide import CURVES, PATHS
from realtime.synth.quantities import Quantity
from realtime.util import outside
from realtime.util.errors import RealtimeError
from realtime.util.outside import OutsideError

MAX_BYTES = 16 * 2**20
POINTS = ("point", "z", "preset", "wav", "between")


class SequenceError(RealtimeError):
    """Errors in a sequence file; the message contains the first error and the number of further errors.

    Attributes:
        mistakes: one string per error, with file, table, key, and accepted values.
    """

    def __init__(self, mistakes: list[str]) -> None:
        more = f" (and {len(mistakes) - 1} more: realtime render --check lists them)"
        super().__init__(mistakes[0] + (more if len(mistakes) > 1 else ""))
        self.mistakes = mistakes


@dataclass(frozen=True)
class Spec:
    """Specification of a point: a name, z, a preset, a sound file, or a position between two named points.

    Attributes:
        kind: one of `POINTS`; "" if the point is rejected.
        value: value of the key `kind`.
        t: position between two points, from 0 (first) to 1 (second).
        way: kind of the path between these points: one of `WAYS`.
        table: name of the table in the file, for error messages.
    """

    kind: str
    value: Any
    t: float = 0.5
    way: str = "straight"
    table: str = field(default="", compare=False)

    @property
    def label(self) -> str:
        """Short name for use in file names."""
        match self.kind:
            case "z":
                return "z"
            case "between":
                return f"{self.value[0]}-{self.value[1]}-{self.t:g}"
            case "wav":
                return Path(self.value).stem
            case _:
                return str(self.value)


REJECTED = Spec("", None)
"""A named point whose value is a mistake. A step that names it is no further mistake."""


@dataclass(frozen=True)
class Step:
    """A `[[step]]` of the file.

    `table` names the step in error messages. `trigger` contains the velocity and the settings of the hit.
    `every` is in beats if `beat` is given, and in seconds if `time` is given.
    """

    table: str
    beat: float | None = None
    time: float | None = None
    spec: Spec | None = None
    through: tuple[str, ...] = ()
    walk: float = 0.0
    seed: int | None = None
    glide: float = 0.0
    glide_beats: float = 0.0
    curve: str = "linear"
    path: str = "linear"
    trigger: Trigger = PLAIN
    mode: str | None = None
    hit: bool = True
    voice: str | None = None
    name: str | None = None
    repeat: int = 1
    every: float = 0.0


@dataclass(frozen=True)
class Sequence:
    """A checked sequence file.

    Attributes:
        path: path of the file; sound files are looked up relative to its folder.
        tempo: pairs (beat, tempo in beats per minute from this beat to the beat of the next pair); the first
            beat is 0.
        length: length of one loop in beats; needed only if `loops` is above 1.
    """

    path: Path
    steps: tuple[Step, ...]
    tempo: tuple[tuple[float, float], ...] = ((0.0, 120.0),)
    mode: str = "latch"
    seed: int = 0
    loops: int = 1
    length: float = 0.0
    gain: float = 0.0
    points: Mapping[str, Spec] = field(default_factory=dict)

    def seconds(self, beat: float) -> float:
        """Return the time of a beat in seconds."""
        passed = 0.0
        for (start, bpm), (end, _) in zip(self.tempo, (*self.tempo[1:], (math.inf, 0.0)), strict=True):
            passed += 60.0 / bpm * (min(beat, end) - start)
            if beat <= end:
                break
        return passed

    def beat(self, seconds: float) -> float:
        """Return the beat at a time in seconds."""
        start, bpm = [change for change in self.tempo if self.seconds(change[0]) <= seconds][-1]
        return start + (seconds - self.seconds(start)) * bpm / 60.0

    def glide_ms(self, step: Step, seconds: float) -> float:
        """Return the duration in ms of a step's glide that begins at `seconds`."""
        if not step.glide_beats:
            return step.glide
        return 1000.0 * (self.seconds(self.beat(seconds) + step.glide_beats) - seconds)


# ---- accepted values of each key


@dataclass(frozen=True)
class Key:
    """Accepted values of a key: `check` returns the converted value, or None if it is not accepted."""

    accepted: str
    check: Callable[[Any], Any]


def _of(quantity: Quantity) -> Key:
    def check(value: Any) -> float | None:
        if not quantity.accepts(value):
            return None
        return int(value) if quantity.whole else float(value)

    return Key(quantity.accepted, check)


def _number(low: float, high: float, unit: str = "") -> Key:
    return _of(Quantity(low, high, unit))


def _whole(low: int, high: int) -> Key:
    return _of(Quantity(low, high, whole=True))


def _choice(*names: str) -> Key:
    return Key("one of " + ", ".join(names), lambda value: value if value in names else None)


def _text(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # TOML takes a name such as 6 for a number
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _z(value: Any) -> tuple[float, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= 1024:
        return None
    coordinates = [_COORDINATE.check(each) for each in value]
    return None if None in coordinates else tuple(coordinates)


def _names(low: int, high: int) -> Callable[[Any], tuple[str, ...] | None]:
    def check(value: Any) -> tuple[str, ...] | None:
        if not isinstance(value, list) or not low <= len(value) <= high:
            return None
        names = [name for each in value if (name := _text(each)) is not None]
        return tuple(names) if len(names) == len(value) else None

    return check


def _tempo(value: Any) -> tuple[tuple[float, float], ...] | None:
    if (bpm := _BPM.check(value)) is not None:
        return ((0.0, bpm),)
    if not isinstance(value, list) or not value:
        return None
    pairs = [pair if isinstance(pair, list) and len(pair) == 2 else (None, None) for pair in value]
    changes = [(_BEAT.check(beat), _BPM.check(bpm)) for beat, bpm in pairs]
    beats = [beat for beat, _ in changes]
    if any(None in change for change in changes) or beats[0] != 0 or sorted(set(beats)) != beats:
        return None
    return tuple(changes)


_FLAG = Key("true or false", lambda value: value if isinstance(value, bool) else None)
_COORDINATE = _of(quantities.COORDINATE)
_BPM = _number(1.0, 1000.0, "beats per minute")
_BEAT = _number(0.0, 1e6)
_NAME = "a class, a training sound (anchor) or a name in [points]"

POINT_KEYS: dict[str, Key] = {
    "point": Key(_NAME, _text),
    "z": Key("a list of numbers, one for each dimension", _z),
    "preset": Key("the name of a preset", _text),
    "wav": Key("a sound file, relative to the folder of the sequence", _text),
    "between": Key("two names of points", _names(2, 2)),
    "t": _of(quantities.FRACTION),
    "way": _choice(*WAYS),
}
PLAY_KEYS: dict[str, Key] = {
    "walk": _number(0.0, 10.0, "standard deviations"),
    "seed": _whole(0, 2**63 - 1),
    "glide": _of(quantities.TRAVEL_MS),
    "glide_beats": _of(quantities.TRAVEL_BEATS),
    "curve": _choice(*CURVES),
    "path": _choice(*PATHS),
    "through": Key("up to 16 names of points", _names(1, 16)),
    "velocity": _of(quantities.VELOCITY),
    **{row.name: _FLAG if row.switch else _of(row.quantity) for row in HIT_SETTINGS.values()},
    "mode": _choice(*MODES),
    "hit": _FLAG,
    "voice": Key("a name", _text),
}
STEP_KEYS: dict[str, Key] = {
    "beat": _BEAT,
    "time": _number(0.0, 86_400.0, "s"),
    **POINT_KEYS,
    **PLAY_KEYS,
    "name": Key("a name", _text),
    "repeat": _whole(1, 100_000),
    "every": _number(0.001, 10_000.0),
}
TOP_KEYS: dict[str, Key] = {
    "tempo": Key("beats per minute, 1 to 1000, or a list of [beat, beats per minute] from beat 0", _tempo),
    "mode": _choice(*MODES),
    "seed": _whole(0, 2**63 - 1),
    "loops": _whole(1, 100_000),
    "length": _number(0.001, 1e6, "beats"),
    "gain": _of(quantities.GAIN_DB),
    "points": Key("a table of named points", lambda value: value if isinstance(value, dict) else None),
    "defaults": Key("a table", lambda value: value if isinstance(value, dict) else None),
    "step": Key(
        "tables [[step]]",
        lambda value: (
            value if isinstance(value, list) and value and all(isinstance(v, dict) for v in value) else None
        ),
    ),
}


def read(path: Path, look_up: Callable[[Sequence], list[str]] = lambda sequence: []) -> Sequence:
    """Read and check a sequence file.

    Args:
        look_up: returns an error message for each missing point of a sequence. If the file has other
            mistakes, the sequence lacks the values that are not accepted.

    Raises:
        SequenceError: the file has errors; the attribute `mistakes` lists all of them.
    """
    try:
        content = outside.from_toml(outside.read(path, MAX_BYTES))
    except OSError as error:
        raise SequenceError([f"{path}: {error.strerror or error}"]) from error
    except OutsideError as error:
        raise SequenceError([f"{path}: {error}"]) from error
    return _Reader(path).sequence(content, look_up)


class _Reader:
    """Converts the content of a file; collects all mistakes instead of stopping at the first mistake."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mistakes: list[str] = []

    def sequence(self, content: dict[str, Any], look_up: Callable[[Sequence], list[str]]) -> Sequence:
        top = self._table("", content, TOP_KEYS, "the file")
        points = {name: self._named(name, table) for name, table in top.pop("points", {}).items()}
        defaults = self._table("defaults", top.pop("defaults", {}), PLAY_KEYS, "[defaults]")
        rows = top.pop("step", [])
        if "step" not in content:
            self._add_mistake("", "no [[step]]: a sequence needs at least one")
        steps = [self._step(_words(index, row), row, defaults) for index, row in enumerate(rows)]
        if top.get("loops", 1) > 1 and "length" not in content:
            self._add_mistake("", "loops needs length, the number of beats in one loop")
        if "length" in top and (late := [s for s in steps if s.beat is not None and s.beat >= top["length"]]):
            self._add_mistake(late[0].table, f"beat is {late[0].beat:g}, not below length {top['length']:g}")
        sequence = Sequence(self.path, tuple(steps), points=points, **top)
        self.mistakes += look_up(sequence)
        if self.mistakes:
            raise SequenceError(self.mistakes)
        return sequence

    def _add_mistake(self, where: str, text: str) -> None:
        self.mistakes.append(": ".join(filter(None, (str(self.path), where, text))))

    def _table(
        self, where: str, table: Mapping[str, Any], keys: Mapping[str, Key], kind: str
    ) -> dict[str, Any]:
        """Return the accepted values of a table; collect the errors."""
        accepted = {}
        for name, value in table.items():
            if name not in keys:
                near = difflib.get_close_matches(name, keys, n=1)
                hint = f"did you mean {near[0]}?" if near else f"its keys are {', '.join(keys)}"
                self._add_mistake(where, f"{kind} has no key {name!r}: {hint}")
                continue
            checked = keys[name].check(value)
            if checked is None:
                shown = repr(value) if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"
                self._add_mistake(where, f"{name} is {shown[:80]}, not {keys[name].accepted}")
            else:
                accepted[name] = checked
        return accepted

    def _named(self, name: str, table: Any) -> Spec:
        where = f"point {name}"
        if not isinstance(table, dict):
            wanted = 'a table such as { between = ["kick", "snare"], t = 0.3 }'
            self._add_mistake("", f"{where} is {table!r:.80}, not {wanted}")
            return REJECTED
        spec = self._spec(where, self._table(where, table, POINT_KEYS, "a point"))
        if spec is None and not table:
            self._add_mistake("", f"{where} is empty: give one of {', '.join(POINTS)}")
        return spec or REJECTED

    def _spec(self, where: str, values: dict[str, Any]) -> Spec | None:
        """Remove the keys that specify a point from `values`; return the point, or None if there is none."""
        given = {key: values.pop(key) for key in POINTS if key in values}
        t, way = values.pop("t", None), values.pop("way", None)
        if len(given) > 1:
            names = " and ".join(given)
            self._add_mistake(where, f"{names} both set the point: give only one")
        if t is not None and "between" not in given:
            self._add_mistake(where, "t needs between, which is missing")
        if way is not None and "between" not in given:
            self._add_mistake(where, "way needs between, which is missing")
        for kind, value in given.items():
            return Spec(kind, value, 0.5 if t is None else t, way or "straight", where)
        return None

    def _step(self, where: str, table: dict[str, Any], defaults: Mapping[str, Any]) -> Step:
        values = self._table(where, table, STEP_KEYS, "a step")
        if ("beat" in table) == ("time" in table):
            self._add_mistake(where, "a step needs either beat or time (s)")
        if values.get("repeat", 1) > 1 and "every" not in table:
            self._add_mistake(where, "repeat needs every, the beats (or s) between repeats")
        spec = self._spec(where, values)
        values = {**defaults, **values}
        glides = [key for key in ("glide", "glide_beats") if table.get(key)]
        if glides and spec is None:
            self._add_mistake(where, f"{glides[0]} needs a point to go to")
        if len(glides) > 1:
            self._add_mistake(where, "glide and glide_beats both set the duration: give only one")
        if "glide" in table and "glide_beats" in defaults:
            values["glide_beats"] = 0.0  # the step's own `glide` replaces the default
        if not values.get("hit", True) and spec is None and not values.get("walk"):
            self._add_mistake(where, "a step with hit = false needs a point to move to")
        if values.get("through") and not (values.get("glide") or values.get("glide_beats")):
            self._add_mistake(where, "through needs glide or glide_beats, the duration of the move")
        velocity = values.pop("velocity", quantities.VELOCITY.default)
        settings = {name: values.pop(name) for name in HIT_SETTINGS if name in values}
        return Step(where, spec=spec, trigger=Trigger(velocity).with_settings(settings), **values)


def _words(index: int, row: Mapping[str, Any]) -> str:
    """Return the name of a step for messages, such as "step 3 (beat 1.5)"."""
    time = next((f" ({key} {row[key]!r:.20})" for key in ("beat", "time") if key in row), "")
    return f"step {index + 1}{time}"
