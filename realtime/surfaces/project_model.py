"""Exchanges model files with the soundmorph plugin in a host (a DAW), which stores them in its projects.

A bridge is memory that the server and the plugin share, in a file `NAME.bridge`. In the same folder, the
server keeps `NAME.model`, a link to the file of the current model. When the host opens a project that
contains a model file, the plugin first writes this file as `NAME.offer`, then passes on the project's state.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
from pathlib import Path

from realtime.model import verify
from realtime.model.decoder import bundled, resolve
from realtime.surfaces.models import Models
from realtime.util import files, outside
from realtime.util.errors import ModelError
from realtime.util.outside import OutsideError


class ProjectModel:
    """Finds the model of a project; if the project contains a model file, stores it in the library.

    Args:
        bridge: the file of the bridge's memory.
        models: the current model, and the library folder.
    """

    def __init__(self, bridge: Path, models: Models) -> None:
        self._link, self._offer = bridge.with_suffix(".model"), bridge.with_suffix(".offer")
        self._models = models
        self._shared: Path | None = None
        self._stored: Path | None = None

    def share(self) -> None:
        """Make `NAME.model` a link to the file of the current model."""
        if (playing := self._models.playing().resolve()) != self._shared:
            self._shared = playing
            part = self._link.with_suffix(".model-part")
            with contextlib.suppress(OSError):  # without the link, projects contain no copy of the model
                part.unlink(missing_ok=True)
                part.symlink_to(playing)
                os.replace(part, self._link)

    def find(self, name: str, checksum: str) -> str | None:
        """Return the name by which `/morph/model` loads a project's model, or None if the model is missing.

        Raises:
            RealtimeError: the project contains a file that is damaged, is a different model, or cannot be
                stored.
        """
        stored = f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)[:40]}-{checksum}.onnx"
        names = self._models.names()
        usual = next((each for each in (name, f"{name}.onnx") if each in names), None)
        if usual is not None and self._is_offered(usual):
            return usual
        if stored in names or self._store(stored, checksum):
            return stored
        return usual

    def _is_offered(self, name: str) -> bool:
        """Return True if the file of a model is identical to the file that the project contains."""
        path = (
            resolve(name)
            if self._models.library is None or name in bundled()
            else self._models.library / name
        )
        try:
            return filecmp.cmp(path, self._offer, shallow=False)
        except OSError:  # the project contains no file
            return False

    def _store(self, name: str, checksum: str) -> bool:
        """Check the file that the project contains, if there is one, and store it in the library."""
        if self._models.library is None or not self._offer.exists():
            return False
        try:
            content = outside.read(self._offer, verify.MAX_FILE_BYTES)
            found = verify.check(content).info.digest[: len(checksum)]
        except (OSError, OutsideError, ModelError) as error:
            raise ModelError(f"the model in the project cannot be used: {error}") from error
        if found != checksum:
            raise ModelError(f"the model in the project has the checksum {found}, not {checksum}")
        self._stored = self._models.library / name
        files.write_bytes(self._stored, content)
        return True

    def drop(self) -> None:
        """Remove the model file that was stored last; call this if the model cannot be played."""
        if self._stored is not None:
            self._stored.unlink(missing_ok=True)
            self._stored = None
