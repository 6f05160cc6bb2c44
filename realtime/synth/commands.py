"""What a performer can ask for. `control` makes these from messages, `mixer` and `deck` carry them out.

The *point* is the z that every voice follows. A voice that was started with a `touch` (a finger of an MPE
controller, a track of a sequencer) has a point of its own, which commands with that touch move instead.
"""

from __future__ import annotations

from dataclasses import dataclass

Z = tuple[float, ...]
MODES = ("live", "latch")


@dataclass(frozen=True)
class SetZ:
    """Put the point, or that of a touch, on `z` [D], at once."""

    z: Z
    touch: int | None = None


@dataclass(frozen=True)
class SetDimension:
    """Put one dimension of the point on `value`, at once; the others stay, or go on gliding."""

    index: int
    value: float


@dataclass(frozen=True)
class SetAxis:
    """Put the point's coordinate along unit vector `axis` [D], from `origin` [D], on `value`, at once."""

    axis: Z
    origin: Z
    value: float


@dataclass(frozen=True)
class Goto:
    """Move the point to `z` [D] in `ms` milliseconds; see `glide.CURVES` and `glide.PATHS`.

    `through` are points passed on the way, at equal times; a path "spline" goes through them without corners.
    The mixer tells `ticket`, unless it is 0, when the point has arrived.
    """

    z: Z
    ms: float
    curve: str = "linear"
    ticket: int = 0
    path: str = "linear"
    through: tuple[Z, ...] = ()
    touch: int | None = None


@dataclass(frozen=True)
class Trigger:
    """Start a voice; with `z` [D], put the point there first.

    Attributes:
        velocity: amplitude, 0..1.
        z: where the point jumps first, or None.
        touch: gives the voice a point of its own, under this number (0..127); `z` is then that point's start.
        pitch: semitones up, -48..48, by faster or slower playing.
        pan: -1 left .. 1 right.
        decay_ms: the sound falls by 60 dB in this time; None leaves it as it is.
        reverse: play the sound from its end.
        choke: a group 1..16: the voice ends those of its group that sound; 0 is none.
        point: the voice stays at this one [D], wherever it would else be; None for nearly all.
        ahead: as it begins its whole sound is there, decoded ahead: a move of the point is heard from the
            next frame on and not from the next tick. Noted where hits are played live.
    """

    velocity: float = 1.0
    z: Z | None = None
    touch: int | None = None
    pitch: float = 0.0
    pan: float = 0.0
    decay_ms: float | None = None
    reverse: bool = False
    choke: int = 0
    point: Z | None = None
    ahead: bool = False


@dataclass(frozen=True)
class Stop:
    """Fade all voices out, or those of a touch, as on a steal."""

    touch: int | None = None


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
class Prepare:
    """Decode sounds at these points [D] when there is time: a trigger there then needs no inference."""

    points: tuple[Z, ...]


@dataclass(frozen=True)
class Shed:
    """Fade the quietest voice out because the machine cannot keep up; the last one stays.

    For a while hits then take the place of voices instead of making them more.
    """


@dataclass(frozen=True)
class Ticks:
    """Decode so many ticks at a time: fewer calls; a move of the point is heard up to as much later."""

    at_once: int


@dataclass(frozen=True)
class Tweak:
    """Set a parameter of a plugin, counted from 0, to `raw`: 0..1, as the plugin keeps it."""

    plugin: int
    parameter: str
    raw: float


@dataclass(frozen=True)
class Swap:
    """Play on with another model: what sounds fades out, what is scheduled is dropped.

    Attributes:
        model: its file.
        model_sha256: of that file.
        latent_dim: size of z from now on.
        chunk_frames: of the mixer that takes over.
    """

    model: str
    model_sha256: str
    latent_dim: int
    chunk_frames: int


Command = (
    SetZ
    | SetDimension
    | SetAxis
    | Goto
    | Trigger
    | Stop
    | Panic
    | Gain
    | Mode
    | Prepare
    | Shed
    | Ticks
    | Tweak
    | Swap
)

POINT_MOVES = (SetZ, SetDimension, SetAxis, Goto)
"""The kinds of commands that move the point, or that of a touch."""
