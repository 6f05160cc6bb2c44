"""Atomic files and folders: they are written under a temporary name beside the target, and then renamed."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.util.errors import RealtimeError

#: suffix -> (soundfile's format, bits -> soundfile's sample format); the default bits come first
FORMATS = {
    ".wav": ("WAV", {"32f": "FLOAT", "24": "PCM_24", "16": "PCM_16"}),
    ".flac": ("FLAC", {"24": "PCM_24", "16": "PCM_16"}),
    ".ogg": ("OGG", {"vorbis": "VORBIS"}),
}
BYTES = {"FLOAT": 4, "PCM_24": 3, "PCM_16": 2}  # bytes per sample
MAX_WAV = 2**32 - 2**16  # maximum bytes of sound in a WAV file; its header cannot state 2**32 bytes


class FileError(RealtimeError):
    """A file that cannot be written."""


def sample_format(path: Path, bits: str | None = None) -> tuple[str, str]:
    """Return soundfile's names for a file's format and sample format; None for `bits` selects the default.

    Raises:
        FileError: the suffix is unknown, or the format does not support the bits.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        *names, last = FORMATS
        raise FileError(f"cannot write {path.name!r}: only {', '.join(names)} and {last} files are accepted")
    format_, subtypes = FORMATS[suffix]
    bits = bits or next(iter(subtypes))
    if bits not in subtypes:
        raise FileError(f"{suffix} files have no samples of format {bits}; accepted: {', '.join(subtypes)}")
    return format_, subtypes[bits]


def check(path: Path, force: bool = False, bits: str | None = None) -> None:
    """Check that a new sound file can be written to `path`. The check is fast; call it before any work.

    Raises:
        FileError: the suffix or bits are unknown, the folder does not exist, or the file exists and `force`
            is not set.
    """
    sample_format(path, bits)
    check_place(path, force)


def check_place(path: Path, force: bool) -> None:
    """Check that a new file of any kind can be written to `path`.

    Raises:
        FileError: the folder does not exist, or the file exists and `force` is not set.
    """
    if not path.parent.is_dir():
        raise FileError(f"no such folder: {path.parent}")
    if path.is_dir():
        raise FileError(f"{path} is a folder")
    if path.exists() and not force:
        raise FileError(f"{path} exists; choose another name, or --force to replace it")


def name_for_soundfile(path: Path) -> str | bytes:
    """Return a path for soundfile: bytes, except on Windows, because soundfile encodes only UTF-8 itself."""
    return str(path) if os.name == "nt" else os.fsencode(path)


class SoundFile:
    """A sound file that appears at `path` only on `commit`.

    Args:
        path: the target.
        sample_rate: in Hz.
        channels: at least 1.
        force: replace an existing file.
        bits: a key of `FORMATS[suffix][1]`, or None for the first key.

    Raises:
        FileError: as for `check`, or the folder is not writable.
    """

    suffix = "part"
    """End of the temporary name."""

    def __init__(
        self, path: Path, sample_rate: int, channels: int, force: bool = False, bits: str | None = None
    ) -> None:
        import soundfile

        check(path, force, bits)
        self.path = path
        self._force = force
        self._broken = False
        self._part = path.with_name(f".{path.name}.{os.getpid()}.{self.suffix}")
        name, subtype = sample_format(path, bits)
        format_ = self._format(name)
        self._left = MAX_WAV if format_ == "WAV" else math.inf  # bytes that may still be written
        self._bytes = channels * BYTES.get(subtype, 0)
        try:
            self._file: Any = soundfile.SoundFile(
                name_for_soundfile(self._part), "w", sample_rate, channels, subtype, None, format_
            )
        except (OSError, RuntimeError) as error:
            raise FileError(f"cannot write to {path.parent}: {error}") from error
        except BaseException:  # such as an interrupt
            self._part.unlink(missing_ok=True)
            raise

    def _format(self, name: str) -> str:
        """Return soundfile's name for the format to write."""
        return name

    def write(self, block: NDArray[np.float32]) -> None:
        """Append a block [T, C].

        Raises:
            FileError: writing fails, for example on a full disk, or a WAV file would exceed 4 GB.
        """
        self._left -= len(block) * self._bytes
        if self._left < 0:
            raise FileError(f"cannot write to {self.path}: a WAV file holds 4 GB at most; choose .flac")
        try:
            self._file.write(block)
        except (OSError, RuntimeError, AssertionError) as error:  # soundfile asserts that it has written all
            self._broken = True
            raise FileError(f"cannot write to {self.path}: {error or 'disk full'}") from error

    def commit(self) -> None:
        """Close the file and rename it to its target. Blocks written before a failed `write` are kept.

        Raises:
            FileError: closing or renaming fails, or the target has been created meanwhile.
        """
        try:
            with contextlib.suppress(*((OSError, RuntimeError) if self._broken else ())):
                self._file.close()
            check_place(self.path, self._force)
            os.replace(self._part, self.path)
        except (OSError, RuntimeError) as error:
            self.discard()
            raise FileError(f"cannot complete {self.path}: {error}") from error

    def discard(self) -> None:
        """Close and delete the temporary file."""
        with contextlib.suppress(OSError, RuntimeError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()


class Folder:
    """A folder that appears at `path` only when complete: `with Folder.making(path) as folder`.

    Write the files to `folder.part`.

    Args:
        path: the target.
        force: write into an existing folder and replace files with the same names.

    Raises:
        FileError: the target is not a valid name, its parent does not exist, or it exists and `force` is not
            set.
    """

    def __init__(self, path: Path, force: bool = False) -> None:
        self.path = path
        self._force = force
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._check()

    @classmethod
    @contextlib.contextmanager
    def making(cls, path: Path, force: bool = False) -> Iterator[Folder]:
        """Yield a new folder to a `with` block; commit it after the block, or discard it after an error."""
        folder = cls(path, force)
        try:  # includes `make`, because an interrupt may arrive at any time
            folder.make()
            yield folder
        except BaseException:
            folder.discard()
            raise
        folder.commit()

    def make(self) -> None:
        """Create `part`.

        Raises:
            FileError: the folder cannot be created.
        """
        try:
            self.part.mkdir()
        except OSError as error:
            raise FileError(f"cannot write to {self.path.parent}: {error}") from error

    def _check(self) -> None:
        if not self.path.name:
            raise FileError(f"{self.path} is not a name for a new folder")
        if not self.path.parent.is_dir():
            raise FileError(f"no such folder: {self.path.parent}")
        if self.path.exists() and not self._force:
            raise FileError(f"{self.path} exists; choose another name, or --force to write into it")
        if self.path.exists() and not self.path.is_dir():
            raise FileError(f"{self.path} is a file, not a folder")

    def commit(self) -> None:
        """Move the folder, or its files, to the target.

        Raises:
            FileError: moving fails, or the target has been created meanwhile.
        """
        try:
            self._check()
            if not self.path.exists():
                os.replace(self.part, self.path)
                return
            for source in sorted(path for path in self.part.rglob("*") if path.is_file()):
                target = self.path / source.relative_to(self.part)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
        except OSError as error:
            raise FileError(f"cannot complete {self.path}: {error}") from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Delete the temporary folder."""
        shutil.rmtree(self.part, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        FileError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
