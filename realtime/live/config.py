"""Options of the worker process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from realtime.synth.output import Finish


@dataclass(frozen=True)
class SoundConfig:
    """Options of `realtime serve` that concern the sound; its --help describes each.

    Attributes:
        channels: device outputs, counted from 1.
        block: block size in device samples.
        ahead: maximum number of finished blocks in the queue; None: as many as the device needs.
        gain_db: initial output gain.
        finish: treatment of the output.
        takes: folder of the recordings that messages begin; None: there are none.
        plugins: effects after the mixer, in order.
    """

    model: Path
    device: str | None = None
    null: bool = False
    rate: int | None = None
    channels: tuple[int, ...] = (1, 2)
    block: int = 128
    ahead: int | None = None
    voices: int = 8
    gain_db: float = 0.0
    finish: Finish = Finish()  # noqa: RUF009  immutable
    library: Path | None = None
    takes: Path | None = None
    record: Path | None = None
    log: Path | None = None
    force: bool = False
    threads: int = 1
    provider: str = "auto"
    synchronous: bool = False
    steady: bool = False
    plugins: tuple[Path, ...] = ()
