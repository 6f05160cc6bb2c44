"""What `realtime serve` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from realtime.hosts import HostConfig
from realtime.protocol import HOST, PORT


@dataclass(frozen=True)
class ServeConfig:
    """See its --help."""

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
    host: str = HOST
    port: int = PORT
    allow: tuple[str, ...] = ()
    library: Path | None = None
    presets: Path | None = None
    restore: bool = False
    record: Path | None = None
    log: Path | None = None
    force: bool = False
    threads: int = 1
    provider: str = "auto"
    synchronous: bool = False
    steady: bool = False
    seconds: float | None = None
    hosts: HostConfig = field(default_factory=HostConfig)
