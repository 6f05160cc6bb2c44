"""The models that a server can play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime.model.decoder import bundled

MAX_NAMES = 500


@dataclass(frozen=True)
class Models:
    """The one that plays, and those that `/morph/model` takes.

    Attributes:
        playing: gives its file.
        library: the folder of files that messages may name; None for none.
    """

    playing: Callable[[], Path]
    library: Path | None = None

    def names(self) -> list[str]:
        """Return the bundled models by name, and the decoders in the library by their path there."""
        if self.library is None:
            return bundled()
        found = sorted(path.relative_to(self.library).as_posix() for path in self.library.rglob("*.onnx"))
        return [*bundled(), *(name for name in found if not name.endswith(".encoder.onnx"))][:MAX_NAMES]
