"""The settings of one run of `trainer play`: the sounds, the training configuration and the output folder."""

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
"""Name of a file in a run's folder; the file contains the path of the folder of training sounds."""


@dataclass(frozen=True)
class Job:
    """The settings of one training run.

    Attributes:
        data: folder of the sounds.
        out: folder of the run, which contains the model file, the checkpoints and the preview.
        config: the training configuration, including the number of passes over the sounds.
        base: the trained model from which a new run starts, or None (see `trainer.run.base.choose`).
        qualities: number of passes over the sounds for each value of `--quality`.
        force: True replaces a run that was trained on other sounds.
    """

    data: Path
    out: Path
    config: Config
    base: str | None
    qualities: Mapping[str, int]
    force: bool = False

    @property
    def model(self) -> Path:
        """The path of the model file (the decoder) of the run."""
        return self.out / f"{self.data.resolve().name}.onnx"

    @property
    def serve_command(self) -> str:
        """The shell command that plays the model without further training."""
        return f"{installed.program('realtime')} serve --model {shlex.quote(str(self.model))}"

    @property
    def continue_command(self) -> str:
        """The shell command that continues the training."""
        out = [] if self.out == Path("runs") / self.model.stem else ["--out", str(self.out)]
        return f"{installed.program('trainer')} play {shlex.join([str(self.data), *out])}"

    def check(self) -> None:
        """Check that `out` can be the folder of the run; an earlier run must have been trained on `data`.

        Raises:
            TrainerError: `out` is a file; or `force` is False, and the run in `out` was trained on a
                different folder that still exists.
        """
        if self.out.exists() and not self.out.is_dir():
            raise TrainerError(f"{self.out}: it is a file; --out takes a folder")
        known = self.out / SOURCE
        if self.force or not known.is_file():
            return
        other = Path(os.fsdecode(known.read_bytes()))
        if other.is_dir() and not other.samefile(self.data):
            free = next(place for place in map(self._numbered, range(2, 10_000)) if not place.exists())
            raise TrainerError(
                f"{self.out} was trained on {other}; add --out {shlex.quote(str(free))} to start a "
                f"separate run, or --force to replace the run"
            )

    def record_source(self) -> None:
        """Write the path of the folder `data` into the folder of the run."""
        (self.out / SOURCE).write_bytes(os.fsencode(self.data.resolve()))

    def _numbered(self, number: int) -> Path:
        return self.out.with_name(f"{self.out.name}-{number}")
