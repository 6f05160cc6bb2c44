"""Finds the line of each key in a TOML file; the standard library's parser does not report lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

Place = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
    r"""|(?P<comment>\#[^\n]*)|(?P<line>\n)|(?P<mark>[\[\]{}=,])|(?P<bare>[^\s\[\]{}=,\#"']+)""",
    re.DOTALL,
)


def places(source: str) -> dict[Place, int]:
    """Return the line, from 1, of every key, table and array (also nested) of a valid TOML document.

    A place is the path from the top: ("step", 3, "velocity") is that key in the fourth `[[step]]`.
    """
    return _Scanner(source).document()


class _Scanner:
    """Reads token by token, so that memory grows only with the number of places found."""

    def __init__(self, source: str) -> None:
        self.tokens = self._scan(source)
        self.kind, self.text, self.line = next(self.tokens)
        self.found: dict[Place, int] = {}
        self.arrays: dict[Place, int] = {}  # arrays of tables: index of the last element so far

    @staticmethod
    def _scan(source: str) -> Iterator[tuple[str, str, int]]:
        line = 1
        for match in _TOKEN.finditer(source):
            if match.lastgroup != "comment":
                yield str(match.lastgroup), match.group(), line
            line += match.group().count("\n")
        yield "line", "\n", line
        yield "end", "", line

    def _advance(self) -> None:
        self.kind, self.text, self.line = next(self.tokens)

    def _at(self, mark: str) -> bool:
        return self.kind == "mark" and self.text == mark

    def document(self) -> dict[Place, int]:
        table: Place = ()
        while self.kind != "end":
            if self.kind == "line":
                self._advance()
            elif self._at("["):
                table = self._header()
            else:
                self._pair(table)
        return self.found

    def _header(self) -> Place:
        line = self.line
        self._advance()
        many = self._at("[")
        if many:
            self._advance()
        words = self._key("]")
        self._advance()
        if many:
            self._advance()
        place: Place = ()
        for word in words[:-1]:
            place = self._element((*place, word))
        place = (*place, words[-1])
        if many:
            self.found.setdefault(place, line)
            self.arrays[place] = self.arrays.get(place, -1) + 1
        place = self._element(place)
        self.found[place] = line
        return place

    def _element(self, place: Place) -> Place:
        """Return the place of the last element if `place` is an array of tables, otherwise `place`."""
        return (*place, self.arrays[place]) if place in self.arrays else place

    def _key(self, end: str) -> list[str]:
        """Return the parts of a dotted key, up to the mark `end`."""
        words: list[str] = []
        while not self._at(end):
            text = self.text
            words += [text[1:-1]] if self.kind == "text" else [word for word in text.split(".") if word]
            self._advance()
        return words

    def _pair(self, table: Place) -> None:
        line = self.line
        place = (*table, *self._key("="))
        self._advance()
        self.found[place] = line
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._at("["):
            self._advance()
            index = 0
            while not self._closed("]"):
                if self.kind == "mark":  # an array or a table; a plain value has the line of its array
                    self.found[(*place, index)] = self.line
                self._value((*place, index))
                index += 1
        elif self._at("{"):
            self._advance()
            while not self._closed("}"):
                self._pair(place)
        elif self.kind == "text":
            self._advance()
        else:
            while self.kind == "bare":  # a date, a space, a time
                self._advance()

    def _closed(self, end: str) -> bool:
        """Skip commas and line ends; if the mark `end` follows, skip it too and return True."""
        while self.kind == "line" or self._at(","):
            self._advance()
        if not self._at(end):
            return False
        self._advance()
        return True
