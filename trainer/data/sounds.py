"""From a folder of audio files to prepared sounds, all of one length, with labels and sources."""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.config import DataConfig, ModelConfig
from trainer.data import labels
from trainer.data.audio import LIBROSA_SUFFIXES, SOUNDFILE_SUFFIXES, faults, prepare_signal, read
from trainer.errors import DataError

UNKNOWN = "unknown, supplied by the user"

Progress = Callable[[int, int], None]
"""Called with (files done, files in all)."""


@dataclass(frozen=True)
class Entry:
    """One audio file before it is read: path, name (relative, with /), class, source, licence and group.

    `fields` are the parts of its name by `label_pattern`.
    """

    path: Path
    name: str
    label: str
    source: str = ""
    licence: str = UNKNOWN
    group: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Fixed:
    """A file that is used, but was not as it should be: what was wrong, and what was done about it."""

    name: str
    fault: str
    remedy: str


@dataclass(frozen=True)
class Sounds:
    """Prepared sounds.

    Attributes:
        names: unique, relative to the folder, without the suffix.
        classes: sorted names of the classes.
        labels: int64 [N], index into `classes`.
        sources: where each sound comes from ("" where the folder has no manifest).
        groups: sounds of one group are near-duplicates.
        waveforms: float32 [N, 1, T], each of peak 1.
        skipped: files left out.
        licence: all licences, "; " between them.
        credits: one line for each source.
        fixed: files that are used, but needed more than a change of rate or length.
        centres: float64 [classes, 20], of the clusters that gave the classes; None where k-means did not.
        fields: the parts of the file names by `label_pattern`: for each, one value a sound.
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
    fixed: tuple[Fixed, ...] = ()
    centres: Tensor | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of everything that training sees."""
        facts = "\n".join((*self.names, *self.classes, *self.sources, *self.groups))
        found = hashlib.sha256(facts.encode())
        found.update(self.labels.numpy().tobytes())
        found.update(self.waveforms.numpy().tobytes())
        return found.hexdigest()


def find(folder: Path, config: DataConfig) -> tuple[list[Entry], list[Skipped]]:
    """The audio files of a folder, in order of name, and those that have no class.

    The class comes from where `labels` says. Without a pattern it is what the manifest says, else the first
    sub-folder; in a folder without sub-folders of audio it is the folder's name. For k-means it is "" yet.

    Raises:
        DataError: where there is no folder, no audio file in it, or its manifest cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")
    audio = SOUNDFILE_SUFFIXES | LIBROSA_SUFFIXES
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in audio and path.is_file()]
    paths = [
        path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not paths:
        raise DataError(f"{folder}: no audio files in it (looked for {', '.join(sorted(audio))})")
    if config.include:
        paths = [path for path in paths if fnmatch.fnmatch(path.name, config.include)]
        if not paths:
            raise DataError(f"{folder}: no audio file is named like {config.include}")
    manifest = _manifest(folder / "manifest.csv")
    labelled = config.labels in ("auto", "pattern")
    pattern = _pattern(config.label_pattern, labelled) if config.label_pattern else None
    flat = all(path.parent == folder for path in paths)
    entries, skipped = [], []
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
            reason = "" if label else "beside the class folders, not in one"
        if reason:
            skipped.append(Skipped(name, reason))
        else:
            licence, group = row.get("licence") or UNKNOWN, row.get("group", "")
            fields = match.groupdict() if match else {}
            entries.append(Entry(path, name, label, row.get("source", ""), licence, group, fields))
    return _capped(entries, config.max_per_source), skipped


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key that puts "hit-2" before "hit-10"."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def prepare(
    folder: Path,
    model: ModelConfig,
    config: DataConfig,
    progress: Progress | None = None,
    centres: Tensor | None = None,
) -> Sounds:
    """Read and prepare all sounds of a folder. Files that cannot be used are listed in `skipped`.

    Of files that make the same sound (by the hash of what is made of them) the first by name is kept.

    Args:
        centres: of the clusters that give the classes, where they are known; None makes them, from all of the
            sounds, where `labels` says so.

    Raises:
        DataError: where no sound is left.
    """
    entries, skipped = find(folder, config)
    kept: list[Entry] = []
    fixed: list[Fixed] = []
    waveforms: list[NDArray[np.float32]] = []
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
            kept.append(entry)
            waveforms.append(waveform)
            fixed += [Fixed(entry.name, fault, remedy) for fault, remedy in faults(signal)]
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
        fixed=tuple(sorted(fixed, key=lambda item: natural(item.name))),
        centres=centres,
        fields={key: tuple(entry.fields[key] for entry in kept) for key in kept[0].fields},
    )


def _manifest(path: Path) -> dict[str, dict[str, str]]:
    """The rows of manifest.csv by file; {} where there is none.

    Its columns are file, class, source, licence and, where wanted, group: near-duplicates share one.
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
            key: (row.get(key) or "").strip() for key in ("class", "source", "licence", "group")
        }
        for row in rows
    }


def _pattern(text: str, labelled: bool = True) -> re.Pattern[str]:
    """ "{label}_{speaker}_{index}" as a regular expression with those groups."""
    pieces = re.split(r"\{(\w+)\}", text)
    if (labelled and "label" not in pieces[1::2]) or len(set(pieces[1::2])) < len(pieces[1::2]):
        raise DataError(f"label_pattern {text}: it needs {{label}}, and each name once")
    found = (f"(?P<{piece}>.+?)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
    return re.compile("".join(found))


def _capped(entries: list[Entry], most: int) -> list[Entry]:
    """At most `most` entries of each (class, source), spread evenly in order of name; all of them for 0."""
    if not most:
        return entries
    pairs: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        pairs[entry.label, entry.source].append(entry)
    kept: set[str] = set()
    for pair in pairs.values():
        picks = np.linspace(0, len(pair) - 1, min(most, len(pair))).round().astype(int)
        kept.update(pair[i].name for i in picks)
    return [entry for entry in entries if entry.name in kept]


def _group(entry: Entry) -> str:
    """What the manifest says; else one for sounds of one source whose names differ in a last number only."""
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
