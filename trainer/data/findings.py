"""Report the sound files that are left out or adapted: as a table on a terminal, as plain lines in a log."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trainer.data.sounds import Sounds

Row = tuple[str, str, str]
"""File, fault, remedy."""
SEVERAL = 3
"""If at least this many adapted files share a fault, `brief` only counts them."""


def rows(sounds: Sounds) -> list[Row]:
    """Return one row for each file that is left out, then one for each that was adapted."""
    out = [(item.name, item.reason, "left out") for item in sounds.skipped]
    return out + [(item.name, item.fault, item.remedy) for item in sounds.adapted]


def brief(sounds: Sounds) -> list[Row]:
    """Return the rows, but only one row for a fault that at least `SEVERAL` files share."""
    out = [(item.name, item.reason, "left out") for item in sounds.skipped]
    kinds = [(item.fault.partition(" (")[0].partition(" offset")[0], item.remedy) for item in sounds.adapted]
    often = Counter(kinds)
    listed = set()
    for item, kind in zip(sounds.adapted, kinds, strict=True):
        if often[kind] < SEVERAL:
            out.append((item.name, item.fault, item.remedy))
        elif kind not in listed:
            out.append((f"{item.name} and {often[kind] - 1} more", *kind))
            listed.add(kind)
    return out


def show(found: Sequence[Row], file: TextIO) -> None:
    """Print the rows: a table on a terminal; elsewhere, for a log, one unbroken line for each row."""
    if not found:
        return
    lines = [(_printable(name), fault, remedy) for name, fault, remedy in found]
    console = Console(file=file)
    if console.is_terminal:
        table = Table("file", "found", "done", title_justify="left")
        for row in lines:
            table.add_row(*map(escape, row))
        console.print(table)
        return
    for name, fault, remedy in lines:
        line = f"left out: {name}: {fault}" if remedy == "left out" else f"{name}: {fault}: {remedy}"
        print(line, file=file, flush=True)


def _printable(name: str) -> str:
    """Escape the control characters of a name, such as line breaks."""
    return "".join(repr(each)[1:-1] if unicodedata.category(each) == "Cc" else each for each in name)


def summary(sounds: Sounds) -> str:
    """Return "12 sounds can be used, 3 files are left out, 2 were adapted | classes: kick 5, snare 7"."""
    adapted = len({item.name for item in sounds.adapted})
    return f"{count(len(sounds.names), 'sound')} can be used, {_are(len(sounds.skipped))} left out, " + (
        f"{adapted} {'was' if adapted == 1 else 'were'} adapted | classes: {classes(sounds)}"
    )


def classes(sounds: Sounds) -> str:
    """Return the classes with their numbers of sounds: "kick 5, snare 7"."""
    counts = Counter(sounds.labels.tolist())
    return ", ".join(f"{name} {counts[i]}" for i, name in enumerate(sounds.classes))


def count(number: int, noun: str) -> str:
    """Return "1 sound", "2 sounds" and so on."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return f"{count(number, 'file')} {'is' if number == 1 else 'are'}"


def classes_of_one(sounds: Sounds) -> Iterable[str]:
    """Return the names of the classes that have a single sound, which cannot be held out."""
    counts = Counter(sounds.labels.tolist())
    return [name for i, name in enumerate(sounds.classes) if counts[i] == 1]
