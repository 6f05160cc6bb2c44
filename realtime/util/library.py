"""The library: the folder with the files that messages to the server, and its web page, may name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from realtime.util import outside
from realtime.util.errors import ControlError
from realtime.util.outside import OutsideError

MAX_SEEN = 300  # maximum number of files that are compared with a name that no file has


class Library:
    """Looks up files by name in the library.

    Args:
        folder: the folder; if None, no name is accepted.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder.resolve()

    def open(self, name: str, suffixes: Sequence[str]) -> BinaryIO:
        """Open a file; the result reads this file even if a different file later takes its name.

        Raises:
            ControlError: as for `file`, or the file is not regular or not readable.
        """
        path = self.file(name, suffixes)
        try:
            return outside.open_file(path)
        except (OSError, OutsideError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ControlError(f"file is {name[:80]!r}, which cannot be read: {reason}") from None

    def file(self, name: str, suffixes: Sequence[str]) -> Path:
        """Return the path of a file.

        Raises:
            ControlError: there is no library, the name has unprintable characters, the file does not exist,
                its suffix is not one of `suffixes`, or it lies outside the library (`..`, absolute paths,
                links).
        """
        if self._folder is None:
            raise ControlError("this server has no library: start it with --library FOLDER")
        # without the whole path, which clients on other machines must not learn
        library = f"the library folder {self._folder.name!r}"
        if not name.isprintable():
            raise ControlError(f"file is {name[:80]!r}, which has characters that cannot be printed")
        path = Path(name)
        if path.suffix.lower() not in suffixes:
            raise ControlError(f"file is {name[:80]!r}, which does not end with {' or '.join(suffixes)}")
        if path.is_absolute() or path.drive or ".." in path.parts:
            raise ControlError(f"file is {name[:80]!r}; only files within {library} are accepted")
        try:
            found = (self._folder / path).resolve(strict=True)
            inside = found.is_relative_to(self._folder) and found.is_file()
        except (OSError, RuntimeError):  # RuntimeError: circular links, before Python 3.13
            near = self.similar(name, suffixes)
            hint = f"; did you mean {near!r}?" if near else ""
            raise ControlError(f"no file {name[:80]!r} in {library}{hint}") from None
        if not inside:
            raise ControlError(f"file is {name[:80]!r}; only files within {library} are accepted")
        return found

    def similar(self, name: str, suffixes: Sequence[str]) -> str | None:
        """Return the file in the library, in any of its folders, whose name is most like `name`, or None."""
        if self._folder is None:
            return None
        found: dict[str, str] = {}
        with suppress(OSError):  # such as a folder that may not be read
            for path in sorted(islice(self._folder.rglob("*"), MAX_SEEN)):
                file = path.relative_to(self._folder).as_posix()
                if path.suffix.lower() in suffixes and "/." not in f"/{file}" and path.is_file():
                    found.setdefault(path.stem.casefold(), file)
        near = difflib.get_close_matches(Path(name).stem.casefold(), found, n=1)
        return found[near[0]] if near else None
