"""The order to learn a folder of sounds."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.commands import installed
from trainer.config import Config


@dataclass(frozen=True)
class Order:
    """The sounds to learn, and the settings.

    Attributes:
        data: folder of the sounds.
        out: folder of the run.
        config: the recipe, with the passes over the sounds.
        base: the weights to start a new run from, as for `trainer.run.base.choose`.
        qualities: passes over the sounds by quality.
        force: replace a run of other sounds.
    """

    data: Path
    out: Path
    config: Config
    base: str | None
    qualities: Mapping[str, int]
    force: bool = False

    @property
    def model(self) -> Path:
        """The decoder file of the run."""
        return self.out / f"{self.data.resolve().name}.onnx"

    @property
    def later(self) -> str:
        """The command that plays the model without learning, for a shell."""
        return f"{installed.program('realtime')} serve --model {shlex.quote(str(self.model))}"

    @property
    def again(self) -> str:
        """The command that continues the learning, for a shell."""
        out = [] if self.out == Path("runs") / self.model.stem else ["--out", str(self.out)]
        return f"{installed.program('trainer')} play {shlex.join([str(self.data), *out])}"
