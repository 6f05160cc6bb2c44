"""The job of learning a folder of sounds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.commands import installed
from trainer.config import Config
from trainer.errors import TrainerError

SOURCE = "source"
"""Name of the file in a run that holds the path of the folder of its sounds."""


@dataclass(frozen=True)
class Job:
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
    def serve_command(self) -> str:
        """The command that plays the model without learning, for a shell."""
        return f"{installed.program('realtime')} serve --model {shlex.quote(str(self.model))}"

    @property
    def continue_command(self) -> str:
        """The command that continues the learning, for a shell."""
        out = [] if self.out == Path("runs") / self.model.stem else ["--out", str(self.out)]
        return f"{installed.program('trainer')} play {shlex.join([str(self.data), *out])}"

    def check(self) -> None:
        """Refuse a run of another folder, unless `force` is set or that folder is gone.

        Raises:
            TrainerError: the run has learnt another folder.
        """
        known = self.out / SOURCE
        if self.force or not known.is_file():
            return
        other = Path(os.fsdecode(known.read_bytes()))
        if other.is_dir() and not other.samefile(self.data):
            free = next(place for place in map(self._numbered, range(2, 10_000)) if not place.exists())
            raise TrainerError(
                f"{self.out} has the sounds of {other}; for a run of its own, add "
                f"--out {shlex.quote(str(free))}; to replace the run, --force"
            )

    def record_source(self) -> None:
        """Store the path of the folder of sounds in the run."""
        (self.out / SOURCE).write_bytes(os.fsencode(self.data.resolve()))

    def _numbered(self, number: int) -> Path:
        return self.out.with_name(f"{self.out.name}-{number}")
