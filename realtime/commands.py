"""What a performer can ask of the mixer. `control` makes these from messages, `mixer` carries them out."""

from __future__ import annotations

from dataclasses import dataclass

Z = tuple[float, ...]


@dataclass(frozen=True)
class SetZ:
    """Put the point on `z` [D], at once."""

    z: Z


@dataclass(frozen=True)
class SetDimension:
    """Put one dimension of the point on `value`, at once; the others stay, or go on gliding."""

    index: int
    value: float


@dataclass(frozen=True)
class Goto:
    """Move the point to `z` [D] in `ms` milliseconds along a curve of `glide.CURVES`.

    The mixer tells `ticket`, unless it is 0, when the point has arrived.
    """

    z: Z
    ms: float
    curve: str = "linear"
    ticket: int = 0


@dataclass(frozen=True)
class Trigger:
    """Start a voice; `velocity` 0..1 is its amplitude. With `z` [D], put the point there first."""

    velocity: float = 1.0
    z: Z | None = None


@dataclass(frozen=True)
class Stop:
    """Fade all voices out, as on a steal."""


@dataclass(frozen=True)
class Panic:
    """Silence, as fast as it goes without a click; what was submitted before it for later is forgotten."""


@dataclass(frozen=True)
class Gain:
    """Set the output gain in dB; it is reached over a few milliseconds."""

    db: float


@dataclass(frozen=True)
class Mode:
    """`live`: the point moves the voices that sound. `latch`: a voice keeps the point it was started at."""

    mode: str


@dataclass(frozen=True)
class Shed:
    """Fade the quietest voice out because the machine cannot keep up; the last one stays."""


Command = SetZ | SetDimension | Goto | Trigger | Stop | Panic | Gain | Mode | Shed
