"""The OSC addresses: one table, from which parsing, checks, error texts, answers and `docs/osc.md` come.

`python -m realtime.addresses` prints the page.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from realtime.commands import Command, Gain, Goto, Mode, Panic, SetDimension, SetZ, Stop, Trigger
from realtime.contract import ModelInfo
from realtime.errors import RealtimeError
from realtime.glide import CURVES
from realtime.mixer import MODES
from realtime.output import GAIN_RANGE_DB

HORIZON_S = 60.0  # furthest a time tag may lie ahead
REPLY_ITEMS = 32  # names in one datagram of an answer that may be long
Z_RANGE = (-10000.0, 10000.0)
MAX_TEXT = 200  # characters


@dataclass(frozen=True)
class Message:
    """An OSC message: an address and what came with it."""

    address: str
    arguments: tuple[Any, ...] = ()


class ControlError(RealtimeError):
    """A message that cannot be carried out; the text goes back to its sender."""


@dataclass(frozen=True)
class Argument:
    """One argument of an address, or with `many` all that follow, and what is accepted for it."""

    name: str
    kind: str  # "float" or "text"
    summary: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    default: Any = ...  # none: the argument must be there
    many: bool = False

    @property
    def optional(self) -> bool:
        return self.default is not ...

    @property
    def accepted(self) -> str:
        """In words: "a number from 0 to 1"."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind == "text":
            return f"text of up to {MAX_TEXT} characters"
        unit = f" {self.unit}" if self.unit else ""
        return f"a number from {self.low:g} to {self.high:g}{unit}"

    def check(self, value: Any) -> float | str:
        """The value as float or text; an int is welcome where a float is meant.

        Raises:
            ControlError: of another type, not finite, or out of range.
        """
        if self.kind == "text":
            if isinstance(value, str) and len(value) <= MAX_TEXT and value in (self.choices or (value,)):
                return value
        elif (
            isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high
        ):
            return float(value)
        shown = repr(value) if isinstance(value, (int, float, str)) else type(value).__name__
        raise ControlError(f"{self.name} is {shown[:80]}, not {self.accepted}")


@dataclass(frozen=True)
class Query:
    """A question: answered to the sender, nothing changes."""

    what: str


@dataclass(frozen=True)
class Address:
    """A row of the table.

    `make` gets the model and the checked arguments (optional ones filled in, those of a `many` as a tuple,
    the number that stood for `<i>` first) and gives what the message asks for.
    """

    path: str
    summary: str
    make: Callable[[ModelInfo, tuple[Any, ...]], Command | Query]
    arguments: tuple[Argument, ...] = ()
    reply: str = ""


def _z(info: ModelInfo, values: tuple[Any, ...]) -> SetZ:
    (z,) = values
    if len(z) != info.latent_dim:
        raise ControlError(f"takes {info.latent_dim} numbers, one a dimension of z; got {len(z)}")
    return SetZ(z)


def _dimension(info: ModelInfo, values: tuple[Any, ...]) -> SetDimension:
    index, value = values
    if index >= info.latent_dim:
        raise ControlError(f"z has dimensions 0 to {info.latent_dim - 1}, not {index}")
    return SetDimension(index, value)


def _goto(info: ModelInfo, values: tuple[Any, ...]) -> Goto:
    name, ms, curve = values
    return Goto(info.point(name), ms, curve)


def _between(info: ModelInfo, values: tuple[Any, ...]) -> SetZ:
    a, b, t = values
    return SetZ(tuple((1.0 - t) * x + t * y for x, y in zip(info.point(a), info.point(b), strict=True)))


def _trigger(info: ModelInfo, values: tuple[Any, ...]) -> Trigger:
    velocity, name = values
    return Trigger(velocity, None if name is None else info.point(name))


_NAME = "a class, for its centre, or a training sound (anchor)"

ADDRESSES: tuple[Address, ...] = (
    Address(
        "/morph/z",
        "Put the point on these coordinates.",
        _z,
        (Argument("z", "float", "one number a dimension", low=Z_RANGE[0], high=Z_RANGE[1], many=True),),
    ),
    Address(
        "/morph/z/<i>",
        "Move the point in one dimension, counted from 0.",
        _dimension,
        (Argument("value", "float", "the coordinate", low=Z_RANGE[0], high=Z_RANGE[1]),),
    ),
    Address(
        "/morph/goto",
        "Glide to a named point.",
        _goto,
        (
            Argument("name", "text", _NAME),
            Argument("ms", "float", "how long it takes; 0 is at once", "ms", 0.0, 600_000.0),
            Argument("curve", "text", "the course it takes in time", choices=tuple(CURVES), default="linear"),
        ),
        "`/morph/done /morph/goto name` on arrival; nothing if another move comes first",
    ),
    Address(
        "/morph/between",
        "Put the point on the line from one named point to another.",
        _between,
        (
            Argument("a", "text", _NAME),
            Argument("b", "text", _NAME),
            Argument("t", "float", "0 is a, 1 is b", low=0.0, high=1.0),
        ),
    ),
    Address(
        "/morph/trigger",
        "Play a sound. With a name, the point jumps there first, as by `/morph/goto name 0`.",
        _trigger,
        (
            Argument("velocity", "float", "amplitude", low=0.0, high=1.0, default=1.0),
            Argument("name", "text", _NAME, default=None),
        ),
    ),
    Address("/morph/stop", "Fade all sounds out (5 ms).", lambda info, values: Stop()),
    Address(
        "/morph/panic",
        "Silence within 2 ms; messages still waiting for their time are forgotten.",
        lambda info, values: Panic(),
    ),
    Address(
        "/morph/gain",
        "Set the output gain, reached in 5 ms.",
        lambda info, values: Gain(*values),
        (Argument("gain", "float", "0 leaves the sound as it is", "dB", *GAIN_RANGE_DB),),
    ),
    Address(
        "/morph/mode",
        "`live`: the point moves what is sounding. `latch`: a sound keeps the point it was started at.",
        lambda info, values: Mode(*values),
        (Argument("mode", "text", "for sounds that start from now on", choices=MODES),),
    ),
    Address(
        "/morph/get/info",
        "What is playing?",
        lambda info, values: Query("info"),
        reply="`/morph/info.reply` key value …: name, architecture, sample_rate, latent_dim, length_ms, "
        "number of classes and anchors",
    ),
    Address(
        "/morph/get/classes",
        "Which classes are there?",
        lambda info, values: Query("classes"),
        reply="`/morph/classes.reply` name …",
    ),
    Address(
        "/morph/get/anchors",
        "Which training sounds are there?",
        lambda info, values: Query("anchors"),
        reply=f"`/morph/anchors.reply` first total name class name class …, {REPLY_ITEMS} sounds a message",
    ),
    Address(
        "/morph/get/z",
        "Where is the point?",
        lambda info, values: Query("z"),
        reply="`/morph/z.reply` one number a dimension",
    ),
    Address(
        "/morph/get/status",
        "How is the engine?",
        lambda info, values: Query("status"),
        reply="`/morph/status.reply` key value …: voices, hits, late_blocks, xruns, … since the start",
    ),
    Address("/ping", "Is anyone there?", lambda info, values: Query("ping"), reply="`/pong`"),
)

_BY_PATH = {address.path: address for address in ADDRESSES}


def parse(message: Message, info: ModelInfo) -> Command | Query:
    """What a message asks for.

    Raises:
        RealtimeError: an address that is not in the table, or arguments that are not accepted.
    """
    address, index = _find(message.address)
    values = (*index, *_check(address, message.arguments))
    return address.make(info, values)


def _find(path: str) -> tuple[Address, tuple[int, ...]]:
    if path in _BY_PATH:
        return _BY_PATH[path], ()
    stem, _, last = path.rpartition("/")
    indexed = _BY_PATH.get(f"{stem}/<i>")
    if indexed and last.isascii() and last.isdigit() and len(last) <= 9:
        return indexed, (int(last),)
    near = difflib.get_close_matches(path[:80], _BY_PATH, n=1)
    raise ControlError(f"no such address{f'; did you mean {near[0]}?' if near else ''}")


def _check(address: Address, given: Sequence[Any]) -> tuple[Any, ...]:
    wanted = address.arguments
    if wanted and wanted[-1].many:
        return (tuple(wanted[-1].check(value) for value in given),)
    required = sum(not argument.optional for argument in wanted)
    if not required <= len(given) <= len(wanted):
        raise ControlError(f"takes {_usage(address) or 'no arguments'}; got {len(given)}")
    checked = [argument.check(value) for argument, value in zip(wanted, given, strict=False)]
    return (*checked, *(argument.default for argument in wanted[len(given) :]))


def _usage(address: Address) -> str:
    """The arguments as they are written: "[velocity [name]]"."""
    words = [f"{a.name} …" if a.many else a.name for a in address.arguments]
    optional = [a.optional for a in address.arguments]
    text = " ".join(f"[{w}" if o else w for w, o in zip(words, optional, strict=True))
    return text + "]" * sum(optional)


_PAGE = """\
# OSC addresses

<!-- Written by `python -m realtime.addresses > docs/osc.md` from the table in realtime/addresses.py. -->

The server listens on UDP port 9000 of 127.0.0.1 unless told otherwise, and answers to the port that a
message came from. An int is accepted where a float is meant. A message that cannot be carried out is
answered `/morph/error address text`, and the sound goes on.

| address | arguments | what it does | answer |
|---|---|---|---|
{addresses}

## Arguments

| address | argument | meaning | accepted | if left out |
|---|---|---|---|---|
{arguments}

## Bundles and time

The messages of a bundle take effect at the same sample; a wrong one is answered and does not stop the
others. A time tag says when they shall be heard, to the sample. The latency of the engine and the sound
card is taken off, so send them at least as far ahead as the server says at its start. Tags in the past, and
*immediately*, mean now; tags more than {horizon:g} s ahead are refused. Without a time tag, a message takes
effect with the next block.
"""


def markdown() -> str:
    """`docs/osc.md`: the table for people."""
    addresses = [f"| `{a.path}` | {_usage(a) or '–'} | {a.summary} | {a.reply or '–'} |" for a in ADDRESSES]
    arguments = []
    for address in ADDRESSES:
        for a in address.arguments:
            missing = "–" if not a.optional else "the point stays" if a.default is None else f"{a.default}"
            arguments.append(f"| `{address.path}` | {a.name} | {a.summary} | {a.accepted} | {missing} |")
    return _PAGE.format(addresses="\n".join(addresses), arguments="\n".join(arguments), horizon=HORIZON_S)


if __name__ == "__main__":
    print(markdown(), end="")
