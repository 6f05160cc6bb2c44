"""MIDI maps: rules that translate MIDI messages into OSC messages, stored in a TOML file. An example:

[[knob]]                        [[notes]]                      [[program]]
cc = 21                         low = 36                       number = 0
target = "/morph/z/0"           high = 36                      preset = "dark"
                                target = "/morph/trigger"
[mpe]                           name = "kick"
x = "bend"                      choke = 1
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from realtime.control.addresses import TABLE
from realtime.control.protocol import MAX_TEXT, Argument
from realtime.synth.commands import HIT_SETTINGS
from realtime.synth.quantities import MIDI_DATA
from realtime.util import outside
from realtime.util.errors import ControlError, RealtimeError
from realtime.util.outside import OutsideError

SOURCES = ("cc", "bend", "pressure")
HITS = ("/morph/trigger", "/morph/note", "/morph/drum")
CURVES = {"soft": 0.6, "linear": 1.0, "hard": 1.7}
"""Exponents applied to the velocity, 0..1: `soft` makes light hits louder, `hard` makes them quieter."""
FINGER = ("bend", "timbre", "pressure", "note")  # dimensions of a finger on an MPE controller
KNOB_LIMIT = 1000.0  # largest limit of an argument that serves as an end of a knob's range
USUAL_LIMIT = 3.0  # replaces a limit beyond ±`KNOB_LIMIT` as an end of a knob's range
MAX_BYTES = 2**20

Rule = TypeVar("Rule")


class MapError(RealtimeError):
    """A map cannot be read or written, or a rule is invalid."""


@dataclass(frozen=True)
class Knob:
    """A rule for a knob, which sets one argument of an OSC address.

    Attributes:
        target: the OSC address.
        cc: controller number; if `bits` is 14, the number for the coarse half, 0..31 (`cc + 32` is the number
            for the fine half).
        source: "cc", or a channel's "bend" or "pressure".
        channel: 1..16, or 0 for all.
        bits: 7, or 14 for controllers that send each value in two halves, first coarse, then fine.
        arguments: the other arguments of the address, in order.
        argument: name of the argument that the knob sets; an empty string selects the last numeric argument.
        low, high: ends of the knob's range; NaN selects the argument's limit, or ±3 if that limit is beyond
            ±1000.
        pickup: ignore the knob until its position passes the current value; used for the source "cc" only.
    """

    target: str
    cc: int = 0
    source: str = "cc"
    channel: int = 0
    bits: int = 7
    arguments: tuple[float | str, ...] = ()
    argument: str = ""
    low: float = float("nan")
    high: float = float("nan")
    pickup: bool = True

    def __post_init__(self) -> None:
        _one_of("source", self.source, SOURCES)
        _within("channel", self.channel, 0, 16)
        if self.bits not in (7, 14):
            raise MapError(f"bits is {self.bits!r}, not 7 or 14")
        _within("cc", self.cc, 0, 31 if self.bits == 14 and self.source == "cc" else 127)
        moved = self.moved()
        for end in ("low", "high"):
            value = getattr(self, end)
            if value != value:
                usual = getattr(moved, end)
                value = usual if abs(usual) <= KNOB_LIMIT else USUAL_LIMIT if end == "high" else -USUAL_LIMIT
            object.__setattr__(self, end, float(value))
        if self.low == self.high:
            raise MapError(f"{self.target}: low and high are both {self.low:g}")
        self.check()

    def moved(self) -> Argument:
        """Return the argument that the knob sets.

        Raises:
            MapError: the target is unknown, or has no such numeric argument.
        """
        numbers = [a for a in self.arguments_of_target() if a.kind != "text"]
        if self.argument:
            numbers = [a for a in numbers if a.name == self.argument]
        if not numbers:
            wanted = f" {self.argument!r}" if self.argument else ""
            raise MapError(f"{self.target} has no argument{wanted} that a knob could move")
        if numbers[-1].many:
            raise MapError(f"{self.target} takes many numbers; a knob moves a single one, as in /morph/z/0")
        return numbers[-1]

    def fill(self, value: float, others: Sequence[float | str] | None = None) -> tuple[float | str, ...]:
        """Return the arguments of a message: `others` (default: `arguments`), with `value` inserted."""
        moved = self.moved()
        rest = list(self.arguments if others is None else others)
        place = [a.name for a in self.arguments_of_target()].index(moved.name)
        return (*rest[:place], round(value) if moved.kind == "int" else value, *rest[place:])

    def check(self) -> None:
        """Check that the table of addresses accepts the messages for both ends of the range.

        Raises:
            MapError: a message is not accepted.
        """
        row = _row(self.target)[0]
        for value in (self.low, self.high):
            try:
                row.check(self.fill(value))
            except ControlError as error:  # noqa: PERF203
                raise MapError(f"{self.target}: {error}") from None

    def arguments_of_target(self) -> tuple[Argument, ...]:
        """Return the arguments of the target address, in order."""
        return tuple(_row(self.target)[0].arguments)


@dataclass(frozen=True)
class Notes:
    """A rule for the notes from `low` to `high`.

    Attributes:
        target: "/morph/drum" plays the drums of General MIDI; "/morph/trigger" plays all notes alike;
            "/morph/note" plays each note at its pitch.
        channel: 1..16, or 0 for all.
        low, high: MIDI notes, 0..127.
        name: for "/morph/trigger", the name of a class of sounds, a training sound or a preset; the
            performer's position in the latent space (the point) first jumps there.
        choke: choke group 1..16; a hit fades out the earlier hits of its group. 0 means no group.
        curve: a key of `CURVES`, which shapes the velocity.
    """

    target: str = "/morph/note"
    channel: int = 0
    low: int = 0
    high: int = 127
    name: str = ""
    choke: int = 0
    curve: str = "linear"

    def __post_init__(self) -> None:
        _one_of("target", self.target, HITS)
        _one_of("curve", self.curve, tuple(CURVES))
        _within("channel", self.channel, 0, 16)
        _within("low", self.low, *MIDI_DATA.range)
        _within("high", self.high, self.low, MIDI_DATA.high)
        _within("choke", self.choke, *HIT_SETTINGS["choke"].quantity.range)
        if self.name and self.target != "/morph/trigger":
            raise MapError(f"name is {self.name!r}, but only the target /morph/trigger takes a name")


@dataclass(frozen=True)
class Program:
    """A rule that recalls a preset on a program change.

    Attributes:
        number: program number, 0..127.
        preset: the preset's name.
        ms: duration of the glide to the preset; if negative, the default glide (`/morph/glide`) is used.
        channel: 1..16, or 0 for all.
    """

    number: int
    preset: str
    ms: float = -1.0
    channel: int = 0

    def __post_init__(self) -> None:
        _within("number", self.number, *MIDI_DATA.range)
        _within("channel", self.channel, 0, 16)
        if not 0 < len(self.preset) <= MAX_TEXT:
            raise MapError(f"preset is {self.preset!r}, not a name of 1 to {MAX_TEXT} characters")
        if not self.ms <= 600_000.0:
            raise MapError(f"ms is {self.ms!r}, not a number up to 600000")


@dataclass(frozen=True)
class Mpe:
    """A zone of MIDI Polyphonic Expression (MPE): a range of channels, each of which carries one finger.

    The finger on channel c is called touch c. It moves its own position in the latent space, its point.

    Attributes:
        zone: "lower" has the member channels from 2 upwards, "upper" the member channels from 15 downwards.
        members: number of member channels, 1..15.
        x, y: the dimension of the finger that moves the point in this direction of the model's map of
            sounds: bend, timbre (CC 74), pressure or note.
        release: "ring" lets a sound play to its end, "stop" fades it out when the finger lifts.
    """

    zone: str = "lower"
    members: int = 15
    x: str = "bend"
    y: str = "timbre"
    release: str = "ring"

    def __post_init__(self) -> None:
        _one_of("zone", self.zone, ("lower", "upper"))
        _within("members", self.members, 1, 15)
        _one_of("x", self.x, FINGER)
        _one_of("y", self.y, FINGER)
        _one_of("release", self.release, ("ring", "stop"))

    def has(self, channel: int) -> bool:
        """Return True if a channel, 1..16, carries a finger."""
        if self.zone == "lower":
            return 2 <= channel <= 1 + self.members
        return 16 - self.members <= channel <= 15


@dataclass(frozen=True)
class MidiMap:
    """All rules of a map. The first rule that matches a message applies."""

    knobs: tuple[Knob, ...] = ()
    notes: tuple[Notes, ...] = ()
    programs: tuple[Program, ...] = ()
    mpe: Mpe | None = field(default=None)


_TABLES: dict[str, type[Any]] = {"knob": Knob, "notes": Notes, "program": Program, "mpe": Mpe}


def read(path: Path) -> MidiMap:
    """Read a map from a TOML file.

    Raises:
        MapError: the file cannot be read, or a rule is invalid; for an unknown name, the message suggests a
            similar known name.
    """
    try:
        return parse(outside.from_toml(outside.read(path, MAX_BYTES)))
    except OSError as error:
        raise MapError(f"{path}: {error.strerror or error}") from None
    except (OutsideError, MapError) as error:
        raise MapError(f"{path}: {error}") from None


def parse(tables: Mapping[str, Any]) -> MidiMap:
    """Convert the tables of a TOML file to a map.

    Raises:
        MapError: see `read`.
    """
    for name in tables:
        _known("table", name, _TABLES)
    found: dict[str, list[Any]] = {}
    for name, kind in _TABLES.items():
        given = tables.get(name, [])
        if name == "mpe":
            given = [given] if given != [] else []
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            wanted = f"[{name}]" if name == "mpe" else f"[[{name}]]"
            raise MapError(f"{name} is not a table; write {wanted}")
        found[name] = [_rule(kind, name, each, at) for at, each in enumerate(given, 1)]
    return MidiMap(
        tuple(found["knob"]),
        tuple(found["notes"]),
        tuple(found["program"]),
        found["mpe"][0] if found["mpe"] else None,
    )


def _rule(kind: type[Rule], name: str, given: Mapping[str, Any], at: int) -> Rule:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    where = f"{name} {at}"
    values: dict[str, Any] = {}
    for key, value in given.items():
        _known(f"{where}: key", key, known)
        wanted = str(known[key].type)
        good = {
            "str": isinstance(value, str),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, (int, float)) and not isinstance(value, bool),
            "bool": isinstance(value, bool),
        }.get(wanted, isinstance(value, list) and all(isinstance(x, (int, float, str)) for x in value))
        if not good:
            raise MapError(f"{where}: {key} is {value!r}, not of type {wanted}")
        values[key] = tuple(value) if isinstance(value, list) else value
    missing = [f.name for f in known.values() if f.default is MISSING and f.name not in values]
    if missing:
        raise MapError(f"{where} lacks {' and '.join(missing)}")
    try:
        return kind(**values)
    except MapError as error:
        raise MapError(f"{where}: {error}") from None


def write(path: Path, midi_map: MidiMap) -> None:
    """Write a map to a file atomically.

    Raises:
        MapError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(dump(midi_map), encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MapError(f"cannot write {path}: {error.strerror}") from None


def dump(midi_map: MidiMap) -> str:
    """Convert a map to TOML, from which `parse` returns the same map."""
    rules: list[tuple[str, Any]] = [("[[knob]]", k) for k in midi_map.knobs] + [
        ("[[notes]]", n) for n in midi_map.notes
    ]
    rules += [("[[program]]", p) for p in midi_map.programs]
    rules += [("[mpe]", midi_map.mpe)] if midi_map.mpe else []
    return "\n".join(f"{head}\n{_body(rule)}" for head, rule in rules)


def _body(rule: Any) -> str:
    given = [(f, getattr(rule, f.name)) for f in fields(rule)]
    kept = [(f.name, value) for f, value in given if value != f.default]
    return "".join(f"{name} = {_toml(value)}\n" for name, value in kept)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _row(target: str) -> tuple[Any, tuple[int | str, ...]]:
    try:
        row, places = TABLE.find(target)
        for place, value in zip(row.placeholders, places, strict=True):
            place.check(value)
    except ControlError as error:
        raise MapError(f"target is {target!r}: {error}") from None
    return row, places


def _known(what: str, name: str, names: Mapping[str, Any]) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"accepted: {', '.join(names)}"
        raise MapError(f"{what} {name!r} is not known; {hint}")


def _one_of(what: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        near = difflib.get_close_matches(value, accepted, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise MapError(f"{what} is {value!r}, not one of {', '.join(accepted)}{hint}")


def _within(what: str, value: int, low: float, high: float) -> None:
    if not low <= value <= high:
        raise MapError(f"{what} is {value}, not a whole number from {low} to {high}")


_WHEEL = (Knob("/morph/macro/0", cc=1),)  # the mod wheel moves the point along the first principal axis
MAPS = {
    "drums": MidiMap(_WHEEL, (Notes("/morph/drum"),)),
    "melodic": MidiMap(_WHEEL, (Notes(),)),
}
"""The built-in maps: notes play the drums of General MIDI, or each note plays at its pitch."""
DEFAULT = MAPS["drums"]
