"""The models that a server can play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime.model.decoder import bundled

MAX_NAMES = 500


@dataclass(frozen=True)
class Models:
    """The current model, and the models that `/morph/model` accepts.

    Attributes:
        playing: returns the file of the current model.
        library: folder of the files that messages may name, or None.
    """

    playing: Callable[[], Path]
    library: Path | None = None

    def names(self) -> list[str]:
        """Return the names of the bundled models, and the paths of model files relative to the library.

        Hidden files and encoders are left out; at most `MAX_NAMES` names are returned.
        """
        if self.library is None:
            return bundled()
        found = sorted(path.relative_to(self.library).as_posix() for path in self.library.rglob("*.onnx"))
        drafts = (name for name in found if "/." in f"/{name}")
        others = {*drafts, *(name for name in found if name.endswith(".encoder.onnx"))}
        return [*bundled(), *(name for name in found if name not in others)][:MAX_NAMES]
