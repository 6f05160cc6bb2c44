"""The parts of a table of OSC addresses: rows, their arguments, and the search for a message's row."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from realtime.synth.quantities import Quantity
from realtime.util.errors import ControlError

HOST, PORT = "127.0.0.1", 9000  # default host and port on which the server listens
MAX_TEXT = 200  # maximum number of characters in a string
REPLY_ITEMS = 32  # maximum number of items in a datagram, for a reply that needs several datagrams
MAX_DIGITS = 9  # maximum number of digits in a number that is part of an address
SHOWN = 80  # characters of an invalid value that an error message quotes

Sender = tuple[str, int]
"""Host and port of a program that sends messages."""
NOBODY: Sender = ("", 0)
"""The sender of messages whose replies are dropped."""


@dataclass(frozen=True)
class Message:
    """An OSC message: an address and its arguments."""

    address: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Argument:
    """An argument of an address and its accepted values. A `many` argument takes all remaining values."""

    name: str
    kind: str  # "float", "int", "text", or "any": a number or text
    summary: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    default: Any = ...  # `...` (Ellipsis) makes the argument required
    many: bool = False
    missing: str = ""  # a phrase that explains a default of None
    names: str = ""  # kind of object that a string must name: "points" or "presets"

    @property
    def optional(self) -> bool:
        return self.default is not ...

    @property
    def accepted(self) -> str:
        """The accepted values in words, such as "a number from 0 to 1"."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        text = f"text of up to {MAX_TEXT} characters"
        if self.kind == "text":
            return text
        number = "a whole number" if self.kind == "int" else "a number"
        unit = f" {self.unit}" if self.unit else ""
        numbers = f"{number} from {self.low:g} to {self.high:g}{unit}"
        return f"{numbers} or {text}" if self.kind == "any" else numbers

    def check(self, value: Any) -> float | int | str:
        """Return the value as float, int or str.

        An argument of kind "float" accepts an int, kind "int" accepts 3.0, and kind "text" accepts 6 as "6".

        Raises:
            ControlError: the value has a different type, is not finite, or is out of range.
        """
        if self.kind == "text" and not self.choices:
            value = _as_text(value)
        if isinstance(value, str):
            if (
                self.kind in ("text", "any")
                and len(value) <= MAX_TEXT
                and value in (self.choices or (value,))
            ):
                return value
        elif (
            self.kind != "text"
            and isinstance(value, (int, float))
            and not isinstance(value, bool)
            and self.low <= value <= self.high
            and (self.kind != "int" or value == int(value))
        ):
            return int(value) if self.kind == "int" else float(value)
        shown = repr(value) if isinstance(value, (int, float, str)) else type(value).__name__
        raise ControlError(f"{self.name} is {shown[:SHOWN]}, not {self.accepted}")


def _as_text(value: Any) -> Any:
    """Return a whole number as a string, because clients turn names such as "6" into numbers."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9:
        return f"{value:.0f}" if value == int(value) else value
    return value


def number(name: str, quantity: Quantity, summary: str, **more: Any) -> Argument:
    """Return an argument with the unit and range of a quantity."""
    kind = "int" if quantity.whole else "float"
    return Argument(name, kind, summary, quantity.unit, quantity.low, quantity.high, **more)


def check_name(name: str) -> None:
    """Check a name chosen by a performer.

    Raises:
        ControlError: the name is blank, too long, or contains characters that cannot be printed.
    """
    if not name.strip() or len(name) > MAX_TEXT or not name.isprintable():
        raise ControlError(f"name is {name[:80]!r}, not 1 to {MAX_TEXT} printable characters")


Context = TypeVar("Context")
Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Address(Generic[Context, Asked]):
    """A row of the table: an OSC address and its effect.

    `make` turns checked values into a request. It is called with the context, which contains the model and
    its named points, and with a tuple of values: first those of the placeholders, then those of the
    arguments. Missing optional arguments have their defaults; the values of a `many` argument form a tuple.

    Attributes:
        path: the address; a word such as `<i>` stands for each of the `placeholders`, in order.
        summary: the effect, in a sentence.
        make: function that returns the request.
        arguments: the arguments, in order; optional ones come last, and only the last argument may be `many`.
        reply: the reply in words; empty if there is none.
        placeholders: arguments within the path, of kind "int" or "text".
    """

    path: str
    summary: str
    make: Callable[[Context, tuple[Any, ...]], Asked]
    arguments: tuple[Argument, ...] = ()
    reply: str = ""
    placeholders: tuple[Argument, ...] = ()

    @property
    def usage(self) -> str:
        """The arguments in usage notation, such as "[velocity [name]]"."""
        words = [f"{a.name} …" if a.many else a.name for a in self.arguments]
        optional = [a.optional for a in self.arguments]
        text = " ".join(f"[{w}" if o else w for w, o in zip(words, optional, strict=True))
        return text + "]" * sum(optional)

    def check(self, given: Sequence[Any]) -> tuple[Any, ...]:
        """Return the arguments, checked and with defaults filled in.

        Raises:
            ControlError: there are too few or too many arguments, or an argument is not accepted.
        """
        wanted = self.arguments
        if not wanted and all(value is None for value in given):
            given = ()  # the OSC value nil, which OSCQuery clients send to addresses without arguments
        many = bool(wanted) and wanted[-1].many
        required = sum(not argument.optional for argument in wanted)
        if len(given) < required or (len(given) > len(wanted) and not many):
            raise ControlError(f"takes {self.usage or 'no arguments'}; got {len(given)}")
        single = wanted[:-1] if many else wanted
        checked = [argument.check(value) for argument, value in zip(single, given, strict=False)]
        defaults = [argument.default for argument in single[len(given) :]]
        rest = [tuple(wanted[-1].check(value) for value in given[len(single) :])] if many else []
        return (*checked, *defaults, *rest)


class Table(Generic[Context, Asked]):
    """A table of addresses, which finds the row for a message."""

    def __init__(self, rows: Sequence[Address[Context, Asked]]) -> None:
        self._plain = {row.path: row for row in rows if not row.placeholders}
        self._patterns = [(row.path.split("/"), row) for row in rows if row.placeholders]
        self._paths = [row.path for row in rows]

    def parse(self, message: Message, context: Context) -> Asked:
        """Return the request that a message makes.

        Raises:
            ControlError: the address is not in the table, or the arguments are not accepted.
        """
        row, places = self.find(message.address)
        checked = [place.check(value) for place, value in zip(row.placeholders, places, strict=True)]
        return row.make(context, (*checked, *row.check(message.arguments)))

    def find(self, path: str) -> tuple[Address[Context, Asked], tuple[int | str, ...]]:
        """Return the row for an address and the values of its placeholders.

        Raises:
            ControlError: no row matches; the error message names a similar address.
        """
        if row := self._plain.get(path):
            return row, ()
        words = path.split("/")
        for pattern, row in self._patterns:
            if len(pattern) == len(words) and (places := _match(pattern, words, row)) is not None:
                return row, places
        near = difflib.get_close_matches(path[:SHOWN], self._paths, n=1)
        raise ControlError(f"no such address{f'; did you mean {near[0]}?' if near else ''}")


def _match(pattern: list[str], words: list[str], row: Address[Any, Any]) -> tuple[int | str, ...] | None:
    places: list[int | str] = []
    for wanted, word in zip(pattern, words, strict=True):
        if not wanted.startswith("<"):
            if wanted != word:
                return None
        elif row.placeholders[len(places)].kind == "text":
            places.append(word)
        elif word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS:
            places.append(int(word))
        else:
            return None
    return tuple(places)
