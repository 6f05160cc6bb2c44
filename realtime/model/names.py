"""Finds names in the spellings that people use: "Kick", "kicks", "closed hat", "hihat", "six" for "6"."""

from __future__ import annotations

import re
from collections.abc import Iterable

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SYNONYMS = (
    ("kick", "bass drum", "kick drum", "bd"),
    ("snare", "snare drum", "sd"),
    ("closed hat", "hihat", "hat", "closed hihat", "hh", "ch"),
    ("open hat", "open hihat", "oh"),
    ("cymbal", "crash", "ride", "cy"),
    ("clap", "hand clap", "cp"),
    ("rim", "rimshot", "side stick", "rs"),
    ("tom", "tomtom", "lt", "mt", "ht"),
    ("perc", "percussion"),
)
"""Rows of words for the same drum. A word unknown to a model stands for the first known word of its row."""


def fold(name: str) -> str:
    """Return a name in lower case, singular, without spaces, hyphens or underscores; "six" becomes "6"."""
    word = re.sub(r"[\s_-]+", "", name.casefold())
    if re.search(r"(?:sh|ch|x|ss)es$", word):
        word = word[:-2]
    elif re.search(r"[^s]s$", word) and len(word) > 2:
        word = word[:-1]
    return str(DIGITS.index(word)) if word in DIGITS else word


def unordered(name: str) -> str:
    """Return the folded words of a name in alphabetical order: "Hat Open" equals "open hat"."""
    return "".join(sorted(fold(word) for word in re.split(r"[\s_-]+", name) if word))


_SYNONYMS = {fold(word): words for words in SYNONYMS for word in words}


class Names:
    """Looks up names. Of names that differ only in case, plural, spelling or word order, the first is found.

    Args:
        names: the known names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = dict.fromkeys(names)
        self._folded: dict[str, str] = {}
        self._unordered: dict[str, str] = {}
        self._files: dict[str, str | None] = {}  # None: several folders contain the file
        for name in self._exact:
            self._folded.setdefault(fold(name), name)
            self._unordered.setdefault(unordered(name), name)
            folder, _, file = name.rpartition("/")
            if folder:
                word = fold(file)
                self._files[word] = None if word in self._files else name

    def find(self, query: str) -> str | None:
        """Return the known name that `query` means, or None.

        The exact name has precedence, followed by a name with the same `fold`, a synonym, and a name with the
        same words in another order.
        """
        if query in self._exact:
            return query
        words = (query, *_SYNONYMS.get(fold(query), ()))
        found = [self._folded.get(fold(word)) for word in words]
        found += [self._unordered.get(unordered(word)) for word in words]
        return next((name for name in found if name is not None), None)

    def find_file(self, query: str) -> str | None:
        """Return the only name whose last part is `query` (`Kicks/Kick 03` for `Kick 03`), or None."""
        return self._files.get(fold(query))

    def spellings(self) -> dict[str, str]:
        """Return folded word -> name for the digits, synonyms and names that `find` accepts."""
        found = {word: self.find(word) for word in (*DIGITS, *_SYNONYMS, *self._folded)}
        return {word: name for word, name in found.items() if name is not None}
