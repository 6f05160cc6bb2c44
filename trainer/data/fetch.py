"""Download public data sets, check them, and turn them into folders for `trainer fit`."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trainer.data.download import DownloadError, Progress, check, download

MAX_SOUND_BYTES = 16 * 2**20
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, RuntimeError, OSError)
"""Exceptions that `zipfile` raises for a damaged archive."""


@dataclass(frozen=True)
class DataSet:
    """A public archive of sounds.

    Attributes:
        title: name and version.
        url: address of the archive, a .zip.
        members: pattern of the paths of the sounds in the archive; its group "name" is the name of the file,
            and its group "class" is the class of the sound.
        content: checksum of the sounds (see `checksum`). A server may compress the archive anew for each
            request, which changes the checksum of the archive but not that of the sounds.
        licence: the licence of the sounds, and the credit that the licence requires.
    """

    title: str
    url: str
    members: str
    content: str
    licence: str


DATA_SETS = {
    "fsdd": DataSet(
        title="Free Spoken Digit Dataset v1.0.10",
        url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",
        members=r"(?:.*/)?recordings/(?P<name>(?P<class>[0-9])_[a-z]+_[0-9]+\.wav)",
        content="1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959",
        licence="CC-BY-SA-4.0 (Zohar Jackson and the speakers)",
    )
}


def fetch(
    name: str,
    out: Path,
    *,
    url: str = "",
    sha256: str = "",
    progress: Progress = lambda done, total: None,
) -> int:
    """Make a folder with the sounds of a data set and a manifest.csv; the folder appears only when complete.

    Args:
        name: a key of `DATA_SETS`.
        out: the folder to make. If it already contains the data set, nothing is done.
        url: a different address of the archive, or the path of a copy.
        sha256: checksum of the archive, in hex; replaces the check of the sounds.

    Returns:
        The number of sounds in the folder.

    Raises:
        DownloadError: if the archive cannot be downloaded or is not the expected one, or if `out` contains
            other files.
    """
    known = DATA_SETS[name]
    if out.is_dir() and any(out.iterdir()):
        if not sha256 and checksum(out) == known.content:
            return len(list(out.glob("*.wav")))
        raise DownloadError(f"{out}: not empty, and not the {known.title}; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    copy = Path(url).expanduser()
    if url and copy.is_file():
        check(copy, sha256)
        return _unpack(copy, out, known, checked=bool(sha256))
    if url and "://" not in url:
        raise DownloadError(f"{url}: no such file, and not a URL")
    archive = out.with_name(out.name + ".zip")
    download(url or known.url, archive, sha256, progress)
    try:
        return _unpack(archive, out, known, checked=bool(sha256))
    finally:
        archive.unlink()


def _unpack(archive: Path, out: Path, known: DataSet, *, checked: bool) -> int:
    """Turn the archive into the folder `out`; check the sounds unless the archive was `checked`."""
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        rows = _extract(archive, beside, known)
        if not checked and (found := checksum(beside)) != known.content:
            raise DownloadError(
                f"{archive}: not the {known.title}: its {len(rows)} sounds have the checksum {found}, not "
                f"{known.content}; to accept this archive, give its --sha256"
            )
        with (beside / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("file", "class", "source", "licence", "group"))
            table.writerows(rows)
        if out.exists():
            out.rmdir()
        os.replace(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return len(rows)


def _extract(archive: Path, folder: Path, known: DataSet) -> list[tuple[str, ...]]:
    """Write the sounds into the folder, and return the rows of its manifest."""
    rows = []
    for match, content in _sounds(archive, known):
        name = match["name"]
        (folder / name).write_bytes(content)
        rows.append((name, match["class"], known.title, known.licence, name))
    if not rows:
        raise DownloadError(f"{archive}: no sounds of the {known.title} in it")
    return sorted(rows)


def _sounds(archive: Path, known: DataSet) -> Iterator[tuple[re.Match[str], bytes]]:
    """Yield the sounds of the archive, each with the match of its path."""
    pattern = re.compile(known.members)
    try:
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                if match := pattern.fullmatch(str(PurePosixPath(info.filename))):
                    if info.file_size > MAX_SOUND_BYTES:
                        raise ValueError(f"{info.filename} has {info.file_size} bytes")
                    yield match, file.read(info)
    except DAMAGED as error:
        raise DownloadError(f"{archive}: not a zip archive, or damaged ({error})") from None


def checksum(folder: Path) -> str:
    """Return the SHA-256, in hex, that `sha256sum *.wav | sha256sum` prints in a folder."""
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.glob("*.wav"), key=lambda path: path.name.encode())
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
