"""Options of the process that plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SoundConfig:
    """The options of `realtime serve` that concern the sound; its --help describes each.

    Attributes:
        channels: outputs of the device, counted from 1.
        block: device samples in a block.
        ahead: finished blocks that may wait for the device; None: as many as the device needs.
        gain_db: initial gain of the output.
        dc_block_hz: corner of the high-pass; 0: none.
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
    dc_block_hz: float = 0.0
    library: Path | None = None
    record: Path | None = None
    log: Path | None = None
    force: bool = False
    threads: int = 1
    provider: str = "auto"
    synchronous: bool = False
    steady: bool = False
    plugins: tuple[Path, ...] = ()
