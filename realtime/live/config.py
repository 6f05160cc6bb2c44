"""Options of the worker, the process that renders and plays the sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from realtime.synth.output import Finish

BRIDGE = "bridge:"  # prefix of the device name of a bridge, which is memory shared with a plugin host


@dataclass(frozen=True)
class SoundConfig:
    """Options of `realtime serve` that concern the sound; `realtime serve --help` describes each option.

    Attributes:
        channels: numbers of the device's outputs in use, counted from 1.
        block: block size in device samples.
        ahead: maximum number of finished blocks in the queue; None selects the default of `Engine`.
        gain_db: initial output gain.
        finish: treatment of the output, such as headroom and limiter.
        outs: names of further pairs of outputs, which follow those of `channels`.
        takes: folder for takes (recordings that messages begin and end); if None, takes are refused.
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
    outs: tuple[str, ...] = ()
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

    @property
    def bridge(self) -> str | None:
        """Name of the bridge that serves as the device, or None."""
        if self.device is None or self.null or not self.device.startswith(BRIDGE):
            return None
        return self.device.removeprefix(BRIDGE)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Device outputs in use, counted from 1: those of `channels`, then a pair for each of `outs`."""
        first = max(self.channels) + 1
        return (*self.channels, *range(first, first + 2 * len(self.outs)))

    @property
    def port_names(self) -> tuple[str, ...]:
        """Names of the outputs: out_1, out_2, then kick_1, kick_2 …"""
        main = [f"out_{number + 1}" for number in range(len(self.channels))]
        return (*main, *(f"{name}_{side}" for name in self.outs for side in (1, 2)))
