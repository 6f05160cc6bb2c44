"""Divides a collection of one-shots (recordings of single drum hits) into three parts.

The parts are training, validation and test. All sounds of a drum kit belong to the same part.
"""

from __future__ import annotations

import csv
import fnmatch
import os
import re
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError, DataError, printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COLUMNS = ("file", "class", "source", "licence", "kit", "drum", "velocity", "group")
"""Columns that the manifest of a collection must have; only `file` and `class` need a value in every row."""
HELD_OUT = ("validation", "test")
LAYERS = "layers"
LEAST_LAYERS = 3
"""Smallest number of velocities at which a drum must be recorded for its sounds to go into `layers`."""
TABLES = {
    "leave_out": {"drum"},
    "train": {"leave_out_licences"},
    "validation": {"kits", "per_drum"},
    "test": {"kits", "per_drum"},
}

Row = dict[str, str]


@dataclass(frozen=True)
class HeldOut:
    """Kits that are kept out of training.

    Attributes:
        kits: names of the kits.
        per_drum: number of sounds of each drum that are used, spread over the drum's velocities; 0 uses all
            sounds.
    """

    kits: tuple[str, ...]
    per_drum: int


@dataclass(frozen=True)
class Recipe:
    """The rules of a division.

    Attributes:
        description: a description of the division in one line.
        drums: patterns of the names of drums that are left out of all parts.
        licences: patterns of licences; sounds under matching licences are left out of the training part.
        held_out: the kits held out for "validation" and for "test".
    """

    description: str
    drums: tuple[str, ...]
    licences: tuple[str, ...]
    held_out: dict[str, HeldOut]


def bundled() -> dict[str, Path]:
    """Return the paths of the recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parents[1] / "divisions").glob("*.toml"))}


def read(name: str) -> Recipe:
    """Read a recipe from a TOML file, or a bundled recipe by its name.

    Raises:
        ConfigError: if there is no such recipe, or a key or value is not accepted.
    """
    path = bundled().get(name, Path(name))
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}; bundled recipes: {', '.join(bundled())}") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or beyond its limits
        raise ConfigError(f"{name}: {error}") from None
    description = tables.pop("description", "")
    for table, keys in tables.items():
        known = TABLES.get(table)
        if known is None or not isinstance(keys, dict):
            raise ConfigError(f"{name}: no table [{printable(table)}]; there are {', '.join(TABLES)}")
        if unknown := sorted(set(keys) - known):
            raise ConfigError(
                f"{name}: [{table}] has no key {printable(unknown[0])}; use {', '.join(sorted(known))}"
            )
    return Recipe(
        description=str(description),
        drums=_texts(name, tables, "leave_out", "drum"),
        licences=_texts(name, tables, "train", "leave_out_licences"),
        held_out={
            part: HeldOut(_texts(name, tables, part, "kits"), _count(name, tables, part)) for part in HELD_OUT
        },
    )


def divide(collection: Path, recipe: Recipe, out: Path) -> dict[str, list[Row]]:
    """Make a folder `out` with train, validation, test and layers; the folder appears only when complete.

    Each of the four folders has a sub-folder for each class, and a manifest.csv with the columns of the
    collection's manifest. A file is named source__drum__velocity__number; the column `original` gives its
    name in the collection. The folder `layers` contains the drums in validation and test that were recorded
    at three velocities or more, with all their sounds; the column `part` of its manifest states to which of
    the two parts a drum belongs.

    Returns:
        The rows of the four manifests.

    Raises:
        DataError: if the manifest cannot be used, the collection lacks a kit or a file, near-duplicates
            (sounds of one `group`) would lie in two parts, or `out` exists already.
    """
    rows = [row for row in _manifest(collection) if not _like(row["drum"], recipe.drums)]
    held_kits = {kit: part for part, held in recipe.held_out.items() for kit in held.kits}
    if missing := sorted(set(held_kits) - {row["kit"] for row in rows}):
        raise DataError(
            f"{collection}: its manifest.csv has no kit {', '.join(missing)}, which the recipe holds out; "
            "--recipe FILE.toml names other kits"
        )
    whole: dict[str, list[Row]] = {"train": [], **{part: [] for part in HELD_OUT}}
    for row in rows:
        part = held_kits.get(row["kit"], "train")
        if part != "train" or not _like(row["licence"], recipe.licences):
            whole[part].append(row)
    _check_groups(whole)
    chosen = {"train": whole["train"]}
    for part, held in recipe.held_out.items():
        chosen[part] = list(_spread(whole[part], held.per_drum))
    chosen[LAYERS] = [
        row | {"part": part} for part in HELD_OUT for drum in _layered(whole[part]) for row in drum
    ]
    named = {part: _named(members) for part, members in chosen.items()}
    _write(collection, named, out)
    return named


def summary(parts: dict[str, list[Row]]) -> Iterator[str]:
    """Yield a line for each part: the numbers of sounds, of kits, and of sounds in each class."""
    for part, rows in parts.items():
        counts = ", ".join(
            f"{label} {count}" for label, count in sorted(Counter(_column(rows, "class")).items())
        )
        yield f"{part}: {len(rows)} sounds of {len(set(_column(rows, 'kit')))} kits: {counts or 'none'}"


def _column(rows: Iterable[Row], name: str) -> list[str]:
    return [row[name] for row in rows]


def _manifest(collection: Path) -> list[Row]:
    path = collection / "manifest.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = sorted(set(COLUMNS) - set(reader.fieldnames or ()))
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if missing:
        raise DataError(f"{path}: no column {', '.join(missing)}; it needs {','.join(COLUMNS)}")
    for row in rows:
        if not all(map(_is_name, (*row["file"].split("/"), row["class"] or "none"))):
            raise DataError(f"{path}: {row['file']} of class {row['class']} is not within the collection")
        if not (collection / row["file"]).is_file():
            raise DataError(f"{path}: {row['file']} does not exist")
        if not row["class"] or not _is_velocity(row["velocity"]):
            fault = f"velocity {row['velocity']!r}, not a number" if row["class"] else "no class"
            raise DataError(f"{path}: {row['file']} has {fault}")
    return rows


def _is_name(text: str) -> bool:
    """Return True if a string is a plain file name, without a folder."""
    return text not in ("", ".", "..") and not re.search(r"[/\\\0]", text)


def _is_velocity(text: str) -> bool:
    return not text or re.fullmatch(r"\d*\.?\d+", text) is not None


def _like(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def _check_groups(parts: dict[str, list[Row]]) -> None:
    """Refuse groups of near-duplicates that lie in two parts."""
    where: dict[str, str] = {}
    for part, rows in parts.items():
        for row in rows:
            if row["group"] and where.setdefault(row["group"], part) != part:
                raise DataError(f"near-duplicates in {where[row['group']]} and {part}: group {row['group']}")


def _drums(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the sounds of each drum, from soft to loud."""
    drums: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        drums[row["kit"], row["class"], row["drum"]].append(row)
    for members in drums.values():
        yield sorted(members, key=lambda row: (float(row["velocity"] or 0), row["file"]))


def _spread(rows: Iterable[Row], most: int) -> Iterator[Row]:
    """Yield up to `most` sounds of each drum, spread evenly over its velocities."""
    for members in _drums(rows):
        count = min(most, len(members)) if most else len(members)
        yield from (members[(2 * k + 1) * len(members) // (2 * count)] for k in range(count))


def _layered(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the sounds of each drum that has velocity layers."""
    for members in _drums(row for row in rows if row["velocity"]):
        if len(set(_column(members, "velocity"))) >= LEAST_LAYERS:
            yield members


def _named(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with the names of the new files, sorted by these names."""
    found = []
    counts: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: row["file"]):
        facts = (row["source"], row["drum"], f"v{row['velocity']}" if row["velocity"] else "v-")
        bare = "__".join(re.sub(r"[^A-Za-z0-9.+-]+", "-", fact) for fact in facts)
        name = f"{row['class']}/{bare}"
        counts[name] += 1
        file = f"{name}__{counts[name]}{Path(row['file']).suffix}"
        found.append(row | {"file": file, "original": row["file"]})
    return sorted(found, key=lambda row: row["file"])


def _write(collection: Path, parts: dict[str, list[Row]], out: Path) -> None:
    if out.exists():
        raise DataError(f"{out}: it exists already; choose another --out")
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        for part, rows in parts.items():
            (beside / part).mkdir(parents=True)
            for row in rows:
                target = beside / part / row["file"]
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(collection / row["original"], target)
            if rows:
                with (beside / part / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
                    table = csv.DictWriter(file, fieldnames=list(rows[0]))
                    table.writeheader()
                    table.writerows(rows)
        os.replace(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _texts(name: str, tables: dict[str, Any], table: str, key: str) -> tuple[str, ...]:
    value = tables.get(table, {}).get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{name}: [{table}] {key} = {value!r}: it must be a list of strings")
    return tuple(value)


def _count(name: str, tables: dict[str, Any], table: str) -> int:
    value = tables.get(table, {}).get("per_drum", 0)
    if type(value) is not int or value < 0:
        raise ConfigError(f"{name}: [{table}] per_drum = {value!r}: it must be a whole number, 0 or more")
    return value
