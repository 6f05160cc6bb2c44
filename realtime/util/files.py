"""Files that are there whole or not at all: written beside their place, moved there when complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.util.errors import RealtimeError

#: suffix -> (soundfile's format, bits -> its sample format), the usual bits first
FORMATS = {
    ".wav": ("WAV", {"32f": "FLOAT", "24": "PCM_24", "16": "PCM_16"}),
    ".flac": ("FLAC", {"24": "PCM_24", "16": "PCM_16"}),
    ".ogg": ("OGG", {"vorbis": "VORBIS"}),
}


class FileError(RealtimeError):
    """A file that cannot be written."""


def sample_format(path: Path, bits: str | None = None) -> tuple[str, str]:
    """What soundfile calls the format of a file and that of its samples; `bits` None is the usual one.

    Raises:
        FileError: unknown suffix, or bits that the format does not have.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        *names, last = FORMATS
        raise FileError(f"cannot write {path.name!r}: accepted are {', '.join(names)} and {last} files")
    format_, subtypes = FORMATS[suffix]
    bits = bits or next(iter(subtypes))
    if bits not in subtypes:
        raise FileError(f"{suffix} files have no {bits} samples; accepted: {', '.join(subtypes)}")
    return format_, subtypes[bits]


def check(path: Path, force: bool = False, bits: str | None = None) -> None:
    """Raise FileError if `path` cannot be the place of a new sound file. Cheap: call it before any work.

    Raises:
        FileError: unknown suffix or bits, no such folder, or something is there already and `force` is not
            given.
    """
    sample_format(path, bits)
    check_place(path, force)


def check_place(path: Path, force: bool) -> None:
    """Raise FileError if `path` cannot be the place of a new file of any kind."""
    if not path.parent.is_dir():
        raise FileError(f"no such folder: {path.parent}")
    if path.is_dir():
        raise FileError(f"{path} is a folder")
    if path.exists() and not force:
        raise FileError(f"{path} exists; --force replaces it")


class SoundFile:
    """A sound file in the making.

    Args:
        path: where it goes when it is complete.
        sample_rate: in Hz.
        channels: at least 1.
        force: replace what is there.
        bits: a key of `FORMATS[suffix][1]`, or None for the first there.

    Raises:
        FileError: as `check`, or the folder cannot be written to.
    """

    def __init__(
        self, path: Path, sample_rate: int, channels: int, force: bool = False, bits: str | None = None
    ) -> None:
        import soundfile

        check(path, force, bits)
        self.path = path
        self._force = force
        self._broken = False
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        format_, subtype = sample_format(path, bits)
        try:
            self._file: Any = soundfile.SoundFile(
                self._part, "w", samplerate=sample_rate, channels=channels, format=format_, subtype=subtype
            )
        except (OSError, RuntimeError) as error:
            raise FileError(f"cannot write to {path.parent}: {error}") from error
        except BaseException:  # an interrupt
            self._part.unlink(missing_ok=True)
            raise

    def write(self, block: NDArray[np.float32]) -> None:
        """Append [T, C].

        Raises:
            FileError: the disk is full, or gone.
        """
        try:
            self._file.write(block)
        except (OSError, RuntimeError, AssertionError) as error:  # soundfile asserts that all was written
            self._broken = True
            raise FileError(f"cannot write to {self.path}: {error or 'disk full'}") from error

    def commit(self) -> None:
        """Complete the file and move it to its place; after a failed `write` it has what came before.

        Raises:
            FileError: that failed, or something has come there meanwhile.
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
        """Leave nothing behind."""
        with contextlib.suppress(OSError, RuntimeError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()


class Folder:
    """A folder in the making: `with Folder.making(path) as folder`, write files into `folder.part`.

    Args:
        path: where it goes when it is complete.
        force: put the files into a folder that is there, in place of those of the same names.

    Raises:
        FileError: the place will not do.
    """

    def __init__(self, path: Path, force: bool = False) -> None:
        self.path = path
        self._force = force
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._check()

    @classmethod
    @contextlib.contextmanager
    def making(cls, path: Path, force: bool = False) -> Iterator[Folder]:
        """A folder to write into, moved to its place at the end, gone after an error."""
        folder = cls(path, force)
        try:  # before it is made: an interrupt may come at any time
            folder.make()
            yield folder
        except BaseException:
            folder.discard()
            raise
        folder.commit()

    def make(self) -> None:
        """Make `part`.

        Raises:
            FileError: that cannot be.
        """
        try:
            self.part.mkdir()
        except OSError as error:
            raise FileError(f"cannot write to {self.path.parent}: {error}") from error

    def _check(self) -> None:
        if not self.path.name:
            raise FileError(f"{self.path} is no name for a new folder")
        if not self.path.parent.is_dir():
            raise FileError(f"no such folder: {self.path.parent}")
        if self.path.exists() and not self._force:
            raise FileError(f"{self.path} exists; --force writes into it")
        if self.path.exists() and not self.path.is_dir():
            raise FileError(f"{self.path} is a file, and a folder is to be written")

    def commit(self) -> None:
        """Move the folder, or its files, into place.

        Raises:
            FileError: that failed.
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
        """Leave nothing behind."""
        shutil.rmtree(self.part, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
