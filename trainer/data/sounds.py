"""Turn a folder of audio files into prepared sounds, all of one length, with labels and sources."""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import math
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.config import DataConfig, ModelConfig
from trainer.data import by_name, labels
from trainer.data.audio import (
    AUDIOREAD_SUFFIXES,
    SOUNDFILE_SUFFIXES,
    cut_off,
    faults,
    prepare_signal,
    read,
    too_long,
)
from trainer.errors import DataError

UNKNOWN = "unknown, supplied by the user"

Progress = Callable[[int, int], None]
"""Called with (files done, total files)."""


@dataclass(frozen=True)
class Entry:
    """An audio file before it is read: path, name (relative, with /), class, source, licence and group.

    `velocity` is how hard the drum was hit, 0 to 1. `fields` are the parts of the file name that match the
    fields of `label_pattern`.
    """

    path: Path
    name: str
    label: str
    source: str = ""
    licence: str = UNKNOWN
    group: str = ""
    velocity: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, with the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class Adapted:
    """A file that was adapted, with its fault and the remedy."""

    name: str
    fault: str
    remedy: str


@dataclass(frozen=True)
class Sounds:
    """Prepared sounds.

    Attributes:
        names: unique file names, relative to the folder; without the suffix if the names stay unique.
        classes: sorted names of the classes.
        labels: int64 [N], index into `classes`.
        sources: origin of each sound ("" if the folder has no manifest).
        groups: group of each sound; sounds of one group are near-duplicates.
        waveforms: float32 [N, 1, T], each of peak 1.
        skipped: files that are left out.
        licence: all licences, separated by "; ".
        credits: one line for each source.
        adapted: files that needed more than a change of rate or length.
        centres: float64 [classes, 20], centres of the clusters, if k-means found the classes; else None.
        fields: the fields of `label_pattern` by name, with the value of each sound.
        velocities: how hard each drum was hit, 0 to 1; None if the manifest does not say.
        recordings: float32 [N, 1, T + margin], longer excerpts, from which the aligned sounds are cut; None
            if [data] align_ms is 0.
        cuts: for each aligned sound, the number of samples cut from its start, and the factor, 1 or -1; None
            for any other sound. Empty if nothing is aligned.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    labels: Tensor
    sources: tuple[str, ...]
    groups: tuple[str, ...]
    waveforms: Tensor
    skipped: tuple[Skipped, ...]
    licence: str
    credits: tuple[str, ...]
    adapted: tuple[Adapted, ...] = ()
    centres: Tensor | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    velocities: tuple[float | None, ...] = ()
    recordings: Tensor | None = None
    cuts: tuple[tuple[int, int] | None, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The SHA-256, in hex, of everything that training uses."""
        facts = "\n".join((*self.names, *self.classes, *self.sources, *self.groups))
        found = hashlib.sha256(facts.encode())
        found.update(self.labels.numpy().tobytes())
        found.update(self.waveforms.numpy().tobytes())
        return found.hexdigest()


def find(folder: Path, config: DataConfig) -> tuple[list[Entry], list[Skipped]]:
    """Find the audio files of a folder, in order of name, and the files that are left out.

    `config.labels` selects the source of the class. Without a pattern, or with "auto" if no file matches the
    pattern, the class is taken from the manifest, or else from the first sub-folder. In a folder without
    sub-folders of audio, the name of the folder takes the place of the sub-folder; with "names" and without a
    manifest, the class follows from the file's name (`by_name`). With "kmeans", the class is "".

    Raises:
        DataError: if the folder or its audio files are missing, or its manifest cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")
    audio = SOUNDFILE_SUFFIXES | AUDIOREAD_SUFFIXES
    unread: list[OSError] = []
    paths = [
        path
        for place, _, names in os.walk(folder, onerror=unread.append)
        for path in (Path(place, name) for name in names)
        if path.suffix.lower() in audio and path.is_file()
    ]
    paths = [
        path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not paths:
        raise DataError(f"{folder}: no audio files in it (looked for {', '.join(sorted(audio))})")
    if config.include:
        paths = [path for path in paths if fnmatch.fnmatch(path.name, config.include)]
        if not paths:
            raise DataError(f"{folder}: none of its audio files is named like {config.include}")
    manifest = _manifest(folder / "manifest.csv")
    labelled = config.labels in ("auto", "pattern")
    pattern = _pattern(config.label_pattern, labelled) if config.label_pattern else None
    if pattern and config.labels == "auto" and not any(pattern.fullmatch(path.stem) for path in paths):
        pattern = None
    flat = all(path.parent == folder for path in paths)
    entries, skipped = [], [_unread(error, folder) for error in unread]
    for path in sorted(paths, key=lambda path: natural(path.relative_to(folder).as_posix())):
        name = path.relative_to(folder).as_posix()
        row = manifest.get(name, {})
        match = pattern.fullmatch(path.stem) if pattern else None
        label, reason = "", ""
        if pattern and not match:
            reason = f"not named like {config.label_pattern}"
        elif match and labelled:
            label = match["label"]
        elif config.labels != "kmeans":
            folders = folder.resolve().name if flat else name.rpartition("/")[0].split("/")[0]
            label = row.get("class") or folders
            reason = "" if label else "it is beside the class folders, not in one of them"
        if reason:
            skipped.append(Skipped(name, reason))
        else:
            licence, group = row.get("licence") or UNKNOWN, row.get("group", "")
            fields = match.groupdict() if match else {}
            velocity = _velocity(row.get("velocity", ""), name)
            entries.append(Entry(path, name, label, row.get("source", ""), licence, group, velocity, fields))
    if config.labels == "names" and flat and not manifest:
        named = by_name.classes([entry.path.stem for entry in entries], folder.resolve().name)
        entries = [replace(entry, label=label) for entry, label in zip(entries, named, strict=True)]
    return _capped(entries, config.max_per_source), skipped


def _unread(error: OSError, folder: Path) -> Skipped:
    """Return the record of a sub-folder that cannot be read."""
    name = Path(error.filename or folder).relative_to(folder).as_posix()
    return Skipped(f"{name}/", f"a folder that cannot be read: {error.strerror or error}")


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts "hit-2" before "hit-10"."""
    parts = [part for part in re.split(r"([0-9]+)", text) if part]
    digits = [part.lstrip("0") if part[0] in "0123456789" else None for part in parts]
    return [(1, 0, part) if d is None else (0, len(d), d) for part, d in zip(parts, digits, strict=True)]


def prepare(
    folder: Path,
    model: ModelConfig,
    config: DataConfig,
    progress: Progress | None = None,
    centres: Tensor | None = None,
) -> Sounds:
    """Read and prepare all sounds of a folder. Files that cannot be used are listed in `skipped`.

    If several files give the same prepared sound, only the first file by name is kept.

    Args:
        centres: known centres of the clusters that give the classes. If the value is None and `labels` is
            "kmeans", k-means finds the centres from all sounds.

    Raises:
        DataError: if no sound is left.
    """
    entries, skipped = find(folder, config)
    kept: list[Entry] = []
    adapted: list[Adapted] = []
    waveforms: list[NDArray[np.float32]] = []
    recordings: list[NDArray[np.float32]] = []
    margin = round(config.align_ms * model.sample_rate / 1000)
    longer = replace(model, length=model.length + margin)
    seen: dict[bytes, str] = {}
    for done, entry in enumerate(entries, start=1):
        try:
            signal, rate = read(entry.path)
            waveform = prepare_signal(signal, rate, model, config)
            twin = seen.setdefault(hashlib.sha256(waveform.tobytes()).digest(), entry.name)
            if twin != entry.name:
                raise DataError(f"the same sound as {twin}")
        except DataError as error:
            skipped.append(Skipped(entry.name, str(error)))
        else:
            if entry.label == by_name.HAT and config.labels == "names":
                entry = replace(entry, label=by_name.hat(waveform, model.sample_rate))
            kept.append(entry)
            waveforms.append(waveform)
            if margin:
                recordings.append(prepare_signal(signal, rate, longer, config))
            found = [*cut_off(entry.path), *faults(signal), *too_long(signal, rate, model)]
            adapted += [Adapted(entry.name, fault, remedy) for fault, remedy in found]
        if progress:
            progress(done, len(entries))
    if not kept:
        raise DataError(f"{folder}: none of its {len(skipped)} audio files can be used ({_reasons(skipped)})")
    stacked = torch.from_numpy(np.stack(waveforms))[:, None]
    if config.labels == "kmeans":
        features = labels.attack_features(stacked, model.sample_rate)
        centres = labels.cluster(features, config.clusters) if centres is None else centres
        classes, label = labels.names(centres), labels.nearest(features, centres)
    else:
        classes = tuple(sorted({entry.label for entry in kept}, key=natural))
        label, centres = torch.tensor([classes.index(entry.label) for entry in kept]), None
    return Sounds(
        names=_names(kept),
        classes=classes,
        labels=label,
        sources=tuple(entry.source for entry in kept),
        groups=tuple(_group(entry) for entry in kept),
        waveforms=stacked,
        skipped=tuple(sorted(skipped, key=lambda item: natural(item.name))),
        licence="; ".join(sorted({entry.licence.split(" (")[0] for entry in kept})),
        credits=tuple(sorted({f"{entry.source}: {entry.licence}" for entry in kept if entry.source})),
        adapted=tuple(sorted(adapted, key=lambda item: natural(item.name))),
        centres=centres,
        fields={key: tuple(entry.fields[key] for entry in kept) for key in kept[0].fields},
        velocities=tuple(entry.velocity for entry in kept),
        recordings=torch.from_numpy(np.stack(recordings))[:, None] if margin else None,
    )


def _manifest(path: Path) -> dict[str, dict[str, str]]:
    """Return the rows of manifest.csv by file; {} without a manifest.

    The columns of the manifest are file, class, source, licence and, optionally, group (near-duplicates share
    a group) and velocity.
    """
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if rows and rows[0].get("file") is None:
        raise DataError(f"{path}: no column named file; its columns should be file,class,source,licence")
    return {
        (row["file"] or "").replace("\\", "/"): {
            key: (row.get(key) or "").strip() for key in ("class", "source", "licence", "group", "velocity")
        }
        for row in rows
    }


def _velocity(text: str, name: str) -> float | None:
    """Return the velocity of the file `name` from its string in the manifest; None for an empty string."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise DataError(f"manifest.csv: the velocity of {name} is {text[:20]}, not a number from 0 to 1")
    return value


def _pattern(text: str, labelled: bool = True) -> re.Pattern[str]:
    """Turn "{label}_{speaker}_{index}" into a regular expression with those groups.

    Args:
        labelled: refuse a pattern without {label}.
    """
    pieces = re.split(r"\{(\w+)\}", text)
    if (labelled and "label" not in pieces[1::2]) or len(set(pieces[1::2])) < len(pieces[1::2]):
        raise DataError(f"label_pattern {text}: it needs {{label}}, and each name once")
    found = (f"(?P<{piece}>.+?)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
    return re.compile("".join(found))


def _capped(entries: list[Entry], most: int) -> list[Entry]:
    """Keep up to `most` entries of each class and source, spread evenly in order of name; 0 keeps all.

    An entry without a source counts as a source of its own.
    """
    if not most:
        return entries
    pairs: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        pairs[entry.label, entry.source or entry.name].append(entry)
    kept: set[str] = set()
    for pair in pairs.values():
        picks = np.linspace(0, len(pair) - 1, min(most, len(pair))).round().astype(int)
        kept.update(pair[i].name for i in picks)
    return [entry for entry in entries if entry.name in kept]


def _group(entry: Entry) -> str:
    """Return the group of near-duplicates to which a file belongs.

    The manifest may give the group. Otherwise, the files of one class and source whose names differ only in
    the last number form a group; a file without a source forms a group alone.
    """
    if entry.group:
        return f"{entry.label}/{entry.source}/{entry.group}"
    if not entry.source:
        return entry.name
    return f"{entry.label}/{entry.source}/{re.sub(r'[-_ ]?[0-9]+$', '', entry.path.stem)}"


def _names(entries: list[Entry]) -> tuple[str, ...]:
    bare = [entry.name.rpartition(".")[0] for entry in entries]
    often = Counter(bare)
    return tuple(entry.name if often[name] > 1 else name for entry, name in zip(entries, bare, strict=True))


def _reasons(skipped: Iterable[Skipped]) -> str:
    return ", ".join(
        f"{count} {reason}" for reason, count in Counter(item.reason for item in skipped).most_common(3)
    )
