"""What a table of OSC addresses is made of: rows, their arguments, and how a message is held against them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from realtime.synth.quantities import Quantity
from realtime.util.errors import ControlError

HOST, PORT = "127.0.0.1", 9000  # where a server listens, unless told otherwise
MAX_TEXT = 200  # characters
REPLY_ITEMS = 32  # names in one datagram of an answer that may be long
MAX_DIGITS = 9  # of a number within an address
SHOWN = 80  # characters of a wrong value in an error text


@dataclass(frozen=True)
class Message:
    """An OSC message: an address and what came with it."""

    address: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Argument:
    """One argument of an address, or with `many` all that follow, and what is accepted for it."""

    name: str
    kind: str  # "float", "int", "text", or "any" for a number or a text
    summary: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    default: Any = ...  # none: the argument must be there
    many: bool = False
    missing: str = ""  # what a default of None means, in words
    names: str = ""  # whose names a text is: "points" or "presets"

    @property
    def optional(self) -> bool:
        return self.default is not ...

    @property
    def accepted(self) -> str:
        """In words: "a number from 0 to 1"."""
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
        """The value as float, int or text; an int is welcome where a float is meant, and 3.0 is as good as 3.

        Raises:
            ControlError: of another type, not finite, or out of range.
        """
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


def number(name: str, quantity: Quantity, summary: str, **more: Any) -> Argument:
    """Return an argument that takes the numbers of a quantity."""
    kind = "int" if quantity.whole else "float"
    return Argument(name, kind, summary, quantity.unit, quantity.low, quantity.high, **more)


def check_name(name: str) -> None:
    """Check what a performer wants to name something.

    Raises:
        ControlError: nothing to be seen in it, too long, or with characters that cannot be printed.
    """
    if not name.strip() or len(name) > MAX_TEXT or not name.isprintable():
        raise ControlError(f"name is {name[:80]!r}, not 1 to {MAX_TEXT} printable characters")


Context = TypeVar("Context")
Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Address(Generic[Context, Asked]):
    """A row of a table.

    `make` gets what the arguments are to be understood by (the model and its named points) and the checked
    values: those of the placeholders in the path, then those of the arguments, optional ones filled in, those
    of a `many` as a tuple. It gives what the message asks for.

    Attributes:
        path: the address; `<i>` and the like stand for the `placeholders`, one each, in order.
        summary: what it does, in a sentence.
        make: see above.
        arguments: in order; optional ones come last, and only the last may be `many`.
        reply: what is answered, in words; nothing where empty.
        placeholders: arguments within the path; of kind "int" or "text".
    """

    path: str
    summary: str
    make: Callable[[Context, tuple[Any, ...]], Asked]
    arguments: tuple[Argument, ...] = ()
    reply: str = ""
    placeholders: tuple[Argument, ...] = ()

    @property
    def usage(self) -> str:
        """The arguments as they are written: "[velocity [name]]"."""
        words = [f"{a.name} …" if a.many else a.name for a in self.arguments]
        optional = [a.optional for a in self.arguments]
        text = " ".join(f"[{w}" if o else w for w, o in zip(words, optional, strict=True))
        return text + "]" * sum(optional)

    def check(self, given: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments, checked and complete.

        Raises:
            ControlError: too few, too many, or one that is not accepted.
        """
        wanted = self.arguments
        if not wanted and all(value is None for value in given):
            given = ()  # an OSC nil, as OSCQuery says for what takes nothing
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
    """Finds the row that a message belongs to."""

    def __init__(self, rows: Sequence[Address[Context, Asked]]) -> None:
        self._plain = {row.path: row for row in rows if not row.placeholders}
        self._patterns = [(row.path.split("/"), row) for row in rows if row.placeholders]
        self._paths = [row.path for row in rows]

    def parse(self, message: Message, context: Context) -> Asked:
        """What a message asks for.

        Raises:
            ControlError: an address that is not in the table, or arguments that are not accepted.
        """
        row, places = self.find(message.address)
        checked = [place.check(value) for place, value in zip(row.placeholders, places, strict=True)]
        return row.make(context, (*checked, *row.check(message.arguments)))

    def find(self, path: str) -> tuple[Address[Context, Asked], tuple[int | str, ...]]:
        """The row of an address, and what stands in the places of its `<i>`.

        Raises:
            ControlError: there is none; the text names the nearest.
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
