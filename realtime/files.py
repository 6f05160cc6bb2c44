"""Sound files that are there whole or not at all: written beside their place, moved there when complete."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import RealtimeError

#: suffix -> (soundfile's format, its sample format)
FORMATS = {".wav": ("WAV", "FLOAT"), ".flac": ("FLAC", "PCM_24")}


class FileError(RealtimeError):
    """A file that cannot be written."""


def check(path: Path, force: bool = False) -> None:
    """Raise FileError if `path` cannot be the place of a new sound file. Cheap: call it before any work.

    Raises:
        FileError: unknown suffix, no such folder, or something is there already and `force` is not given.
    """
    if path.suffix.lower() not in FORMATS:
        raise FileError(f"cannot write {path.name!r}: accepted are {' and '.join(FORMATS)} files")
    if not path.parent.is_dir():
        raise FileError(f"no such folder: {path.parent}")
    if path.is_dir():
        raise FileError(f"{path} is a folder")
    if path.exists() and not force:
        raise FileError(f"{path} exists; --force replaces it")


class SoundFile:
    """A WAV (32-bit float) or FLAC (24-bit) file in the making.

    Args:
        path: where it goes when it is complete.
        sample_rate: in Hz.
        channels: at least 1.
        force: replace what is there.

    Raises:
        FileError: as `check`, or the folder cannot be written to.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int, force: bool = False) -> None:
        import soundfile

        check(path, force)
        self.path = path
        self._force = force
        self._broken = False
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        format_, subtype = FORMATS[path.suffix.lower()]
        try:
            self._file: Any = soundfile.SoundFile(
                self._part, "w", samplerate=sample_rate, channels=channels, format=format_, subtype=subtype
            )
        except (OSError, RuntimeError) as error:
            raise FileError(f"cannot write to {path.parent}: {error}") from error

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
            check(self.path, self._force)
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
