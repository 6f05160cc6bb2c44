"""Where each key of a TOML file stands: the standard library's parser gives values without their lines."""

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
    """The line, from 1, of every key, table and array element of a valid TOML document.

    A place is the way from the top: ("step", 3, "velocity") is that key in the fourth `[[step]]`.
    """
    return _Scanner(source).document()


class _Scanner:
    def __init__(self, source: str) -> None:
        self.tokens = list(self._scan(source))
        self.next = 0
        self.found: dict[Place, int] = {}
        self.arrays: dict[Place, int] = {}  # of tables: how many elements so far

    @staticmethod
    def _scan(source: str) -> Iterator[tuple[str, str, int]]:
        line = 1
        for match in _TOKEN.finditer(source):
            if match.lastgroup != "comment":
                yield str(match.lastgroup), match.group(), line
            line += match.group().count("\n")
        yield "line", "\n", line

    def document(self) -> dict[Place, int]:
        table: Place = ()
        while self.next < len(self.tokens):
            kind, text, line = self.tokens[self.next]
            if kind == "line":
                self.next += 1
            elif text == "[":
                table = self._header(line)
            else:
                self._pair(table)
        return self.found

    def _header(self, line: int) -> Place:
        many = self.tokens[self.next + 1][1] == "["
        self.next += 2 if many else 1
        words = self._key("]")
        self.next += 2 if many else 1
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
        """The last element, where the place is an array of tables."""
        return (*place, self.arrays[place]) if place in self.arrays else place

    def _key(self, end: str) -> list[str]:
        """The words of a dotted key, up to the mark `end`."""
        words: list[str] = []
        while (token := self.tokens[self.next])[1] != end or token[0] != "mark":
            kind, text, _ = token
            words += [text[1:-1]] if kind == "text" else [word for word in text.split(".") if word]
            self.next += 1
        return words

    def _pair(self, table: Place) -> None:
        line = self.tokens[self.next][2]
        place = (*table, *self._key("="))
        self.next += 1
        self._value(place, line)

    def _value(self, place: Place, line: int) -> None:
        self.found[place] = line
        kind, text, _ = self.tokens[self.next]
        self.next += 1
        if (kind, text) == ("mark", "["):
            index = 0
            while (token := self._skip())[1] != "]" or token[0] != "mark":
                self._value((*place, index), token[2])
                index += 1
            self.next += 1
        elif (kind, text) == ("mark", "{"):
            while (token := self._skip())[1] != "}" or token[0] != "mark":
                self._pair(place)
            self.next += 1
        elif kind == "bare":
            while self.tokens[self.next][0] == "bare":  # a date, a space, a time
                self.next += 1

    def _skip(self) -> tuple[str, str, int]:
        """The next token that is neither a comma nor the end of a line."""
        while self.tokens[self.next][1] in (",", "\n") and self.tokens[self.next][0] in ("mark", "line"):
            self.next += 1
        return self.tokens[self.next]
