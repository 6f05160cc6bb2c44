"""Recordings: sound files that may grow for hours and can be recovered if the program dies."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path

from realtime.util.files import FileError, SoundFile
from realtime.util.repair import REPAIRS

SUFFIX = "recording"
_RF64_AUTO_DOWNGRADE, _UPDATE_HEADER_NOW = 0x1210, 0x1060  # commands of libsndfile
_LEFT = re.compile(rf"\.(.+)\.\d+\.{SUFFIX}", re.DOTALL)


class Recording(SoundFile):
    """A sound file that `commit` moves to `path`, or to a similar name if `path` exists without `force`.

    A WAV file of 4 GB or more becomes RF64, the variant for large files. If the program dies before `commit`,
    `recover` completes the file. Arguments and errors are those of `SoundFile`.
    """

    suffix = SUFFIX

    def __init__(self, path: Path, sample_rate: int, channels: int, force: bool = False) -> None:
        super().__init__(path, sample_rate, channels, force)
        self._lock = lock_file(self._part)
        self._command(_RF64_AUTO_DOWNGRADE, 1)

    def _format(self, name: str) -> str:
        return "RF64" if name == "WAV" else name

    def _command(self, number: int, value: int) -> None:
        from soundfile import _ffi, _snd  # soundfile has no public access to libsndfile's commands

        if self._file.format == "RF64":
            _snd.sf_command(self._file._file, number, _ffi.NULL, value)

    def update_header(self) -> None:
        """Update the header to the number of samples written so far."""
        self._command(_UPDATE_HEADER_NOW, 0)

    def commit(self) -> None:
        """Close the file and move it to `path`. If `path` exists and `force` is not set, use a free name.

        Raises:
            FileError: closing or renaming fails; the file is left for `recover`.
        """
        try:
            with contextlib.suppress(*((OSError, RuntimeError) if self._broken else ())):
                self._file.close()
            _unlock(self._lock)
            if self._force:
                os.replace(self._part, self.path)
            else:
                self.path = move(self._part, self.path)
        except (OSError, RuntimeError) as error:
            raise FileError(f"cannot complete {self.path}: {error}; it is kept as {self._part}") from error

    def discard(self) -> None:
        """Close and delete the temporary file."""
        super().discard()
        _unlock(self._lock)


def names(path: Path) -> chain[Path]:
    """Return a path and its alternatives: take.wav, take-2.wav, take-3.wav, …"""
    return chain([path], (path.with_stem(f"{path.stem}-{number}") for number in count(2)))


def free(path: Path) -> Path:
    """Return the first of `names` that does not exist."""
    return next(each for each in names(path) if not each.exists())


def move(source: Path, target: Path) -> Path:
    """Move a file to the first of `names(target)` that is free; return the path. No file is replaced.

    Raises:
        OSError: the file cannot be moved.
    """
    for path in names(target):
        try:
            os.link(source, path)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if path.exists():
                continue
            os.rename(source, path)
            return path
        source.unlink()
        return path
    raise AssertionError


def recover(folder: Path, say: Callable[[str], None]) -> None:
    """Complete and name the recordings that programs left in a folder when they died.

    Recordings of running programs are locked and stay unchanged.

    Args:
        folder: folder of the recordings; it may be missing.
        say: receives a line for each recording.
    """
    try:
        found = sorted((part, match) for part in folder.iterdir() if (match := _LEFT.fullmatch(part.name)))
    except OSError:
        return
    for part, match in found:
        _recover(part, folder / match[1], say)


def _recover(part: Path, target: Path, say: Callable[[str], None]) -> None:
    try:
        if (lock := lock_file(part)) is None:
            return
        if part.stat().st_size == 0:
            part.unlink()
        else:
            if (repair := REPAIRS.get(target.suffix.lower())) is not None:
                with part.open("r+b") as file:
                    repair(file)
            say(f"{move(part, target)}: recovered; the server that recorded it did not end properly")
        _unlock(lock)
    except OSError as error:
        say(f"{part}: cannot be recovered: {error.strerror or error}")


def lock_file(path: Path) -> int | None:
    """Lock a file or a folder until this program ends.

    Return a descriptor, or None if another program has the lock. On Windows, an open file cannot be renamed.
    Therefore, no lock is needed there; the result is -1.
    """
    number = os.open(path, os.O_RDONLY)
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            return None
        except OSError:  # a file system without locks
            pass
        return number
    os.close(number)
    return -1


def _unlock(number: int | None) -> None:
    if number is not None and number >= 0:
        os.close(number)
