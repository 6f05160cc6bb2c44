"""The commands. `control` makes them from messages; `crossfade`, `mixer` and `sequencer` execute them.

A z is a position in the latent space of a model, in which each position stands for a sound; D is the number
of dimensions. The term *point* means the z that voices follow. A voice started with a `touch` (a finger on an
MPE controller, a track of a sequencer) follows the point of that touch instead. Commands with the same touch
move that point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from realtime.synth.quantities import SWITCH, Quantity

Z = tuple[float, ...]
MODES = ("live", "latch")


@dataclass(frozen=True)
class SetZ:
    """Move the point, or the point of a touch, to `z` [D] at once."""

    z: Z
    touch: int | None = None


@dataclass(frozen=True)
class SetDimension:
    """Set one dimension of the point to `value` at once; the other dimensions stay, or continue to glide."""

    index: int
    value: float


@dataclass(frozen=True)
class SetAxis:
    """Set the point's coordinate along unit vector `axis` [D] (0 at `origin` [D]) to `value` at once."""

    axis: Z
    origin: Z
    value: float


MAX_THROUGH = 1024  # maximum number of points that a glide passes on the way
MAX_NUMBERS = 2**15  # maximum number of coordinates in a glide, which lets the command fit in a line of a log


def most_through(dim: int) -> int:
    """Return the maximum number of points of `dim` dimensions that a glide may pass on the way."""
    return min(MAX_THROUGH, MAX_NUMBERS // dim - 1)


@dataclass(frozen=True)
class Goto:
    """Move the point to `z` [D] in `ms` milliseconds.

    Attributes:
        z: the target.
        ms: duration of the glide.
        curve: a key of `glide.CURVES`.
        ticket: number that the mixer reports when the point arrives; 0 means no report.
        path: a key of `glide.PATHS`; "spline" passes through `through` without corners.
        through: points passed on the way, at equal time intervals.
        touch: the touch whose point moves; None moves *the point*, which belongs to no touch.
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
    """Start a voice, which plays the sound of a hit.

    Attributes:
        velocity: amplitude, 0..1.
        z: position [D] to which the point jumps first, or None.
        touch: number (0..127) of the touch whose point the voice follows; `z` then moves that point.
        pitch, pan, decay_ms, reverse, choke, dynamics, vary, level_db, out: see `HIT_SETTINGS`.
        point: fixed z [D] of the voice, which then follows no point; usually None.
        ahead: True if the complete sound is cached when the voice begins. The voice then follows a move of
            the point at the next latent frame instead of the next tick (a group of frames). A mixer that
            plays live sets `ahead`.
        offset: z of the voice relative to the point that it follows, [D]. If None, the mixer calculates the
            offset from `dynamics` and `vary`.
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
    dynamics: float = 0.0
    vary: float = 0.0
    offset: Z | None = None
    level_db: float = 0.0
    out: int = 0

    @property
    def settings(self) -> dict[str, float]:
        """The settings of the hit: name -> number, as a performer states it."""
        return {row.name: row.to_number(getattr(self, row.field)) for row in HIT_SETTINGS.values()}

    def with_settings(self, numbers: Mapping[str, float]) -> Trigger:
        """Return a copy with other settings: name -> number, as a performer states it."""
        rows = [(HIT_SETTINGS[name], number) for name, number in numbers.items()]
        return replace(self, **{row.field: row.to_field(number) for row, number in rows})


@dataclass(frozen=True)
class HitSetting:
    """A setting of hits. Its OSC addresses, file keys, controls and documentation are made from this row.

    Attributes:
        field: name of the field of `Trigger`.
        name: name in addresses, replies, sequence files and preset files, and on the page.
        argument: name of the argument in the table of addresses.
        quantity: the numbers that a performer gives. `SWITCH` is for a field that is true or false. If None
            is the default of the field, 0 stands for None.
        effect: the effect in a sentence, with "{hits}" for the hits.
        meaning: meaning of the numbers.
    """

    field: str
    name: str
    argument: str
    quantity: Quantity
    effect: str
    meaning: str

    @property
    def switch(self) -> bool:
        """True if the field is a boolean."""
        return self.quantity is SWITCH

    def to_field(self, number: float) -> Any:
        """Return the value of the field for a number that a performer gives."""
        if self.switch:
            return bool(number)
        return None if number == 0 and getattr(Trigger, self.field) is None else number

    def to_number(self, value: float | None) -> float:
        """Return the number that stands for a value of the field."""
        return int(value or 0) if self.quantity.whole else value or 0.0


HIT_SETTINGS = {
    row.name: row
    for row in (
        HitSetting(
            "pitch",
            "pitch",
            "semitones",
            Quantity(-48.0, 48.0, "semitones"),
            "Transpose {hits} by playing them faster or slower.",
            "positive is up",
        ),
        HitSetting(
            "pan",
            "pan",
            "pan",
            Quantity(-1.0, 1.0),
            "Set the stereo position of {hits}.",
            "-1 is left, 1 is right",
        ),
        HitSetting(
            "decay_ms",
            "decay",
            "ms",
            Quantity(0.0, 60_000.0, "ms"),
            "Make {hits} decay.",
            "time to fall by 60 dB; 0 is off",
        ),
        HitSetting(
            "reverse",
            "reverse",
            "reverse",
            SWITCH,
            "Play {hits} backwards.",
            "1 is backwards, 0 is forwards",
        ),
        HitSetting(
            "choke",
            "choke",
            "group",
            Quantity(0, 16, whole=True),
            "Put {hits} into a choke group: a hit fades out the earlier hits of its group.",
            "0 is none",
        ),
        HitSetting(
            "dynamics",
            "dynamics",
            "amount",
            Quantity(0.0, 2.0),
            "Let velocity change the timbre of {hits}, not only their level.",
            "0 changes only the level, 1 changes the timbre as much as in recordings of hard and soft hits",
        ),
        HitSetting(
            "vary",
            "vary",
            "amount",
            Quantity(0.0, 1.0),
            "Let {hits} differ at random, as the training sounds of their class do.",
            "0 is no variation, 1 is as much as between different drums of the class",
        ),
        HitSetting(
            "level_db",
            "level",
            "level",
            Quantity(-60.0, 24.0, "dB"),
            "Change the level of {hits}.",
            "0 is no change",
        ),
        HitSetting(
            "out",
            "out",
            "number",
            Quantity(0, 16, whole=True),
            "Send {hits} to a pair of outputs of their own, which `--outs` names.",
            "1 is the first name; 0 is the pair of their touch or class, or the main pair if they have none",
        ),
    )
}
PITCH = HIT_SETTINGS["pitch"].quantity
LEVEL = HIT_SETTINGS["level"].quantity
PLAIN = Trigger()
"""A hit with the default settings."""


@dataclass(frozen=True)
class Stop:
    """Fade out all voices, or the voices of a touch, within a few milliseconds."""

    touch: int | None = None


@dataclass(frozen=True)
class Press:
    """Change the timbre of a touch's voices to that of `velocity`, 0..1, if their hits have `dynamics`."""

    touch: int
    velocity: float


@dataclass(frozen=True)
class Panic:
    """Silence all voices as fast as possible without a click; drop all commands submitted earlier."""


@dataclass(frozen=True)
class Gain:
    """Set the output gain in dB, with a ramp of a few milliseconds."""

    db: float


@dataclass(frozen=True)
class Mode:
    """Let each new hit follow the point (`live`), or keep the point at which it started (`latch`)."""

    mode: str


@dataclass(frozen=True)
class Prepare:
    """Decode the sounds at these points [D] in idle time; a hit there then needs no decoder call."""

    points: tuple[Z, ...]


@dataclass(frozen=True)
class Shed:
    """Fade out the quietest of several voices, because the machine cannot keep up.

    For some seconds, hits then replace voices instead of adding to them.
    """


@dataclass(frozen=True)
class Ticks:
    """Decode `at_once` ticks (groups of frames) per call; a higher number saves calls, but delays moves."""

    at_once: int


@dataclass(frozen=True)
class Tweak:
    """Set a parameter of the plugin with index `plugin` (from 0) to the raw value `raw`, 0..1."""

    plugin: int
    parameter: str
    raw: float


@dataclass(frozen=True)
class Swap:
    """Switch to another model: sounding voices fade out, scheduled commands are dropped.

    Attributes:
        model: path of the model file.
        model_sha256: checksum of the file.
        latent_dim: size of z from now on.
        chunk_frames: latent frames in a tick of the new mixer.
    """

    model: str
    model_sha256: str
    latent_dim: int
    chunk_frames: int


@dataclass(frozen=True)
class StartSteps:
    """Play the sequencer's loop from its first step."""


@dataclass(frozen=True)
class StopSteps:
    """Stop the sequencer's loop; sounding voices play to their end."""


@dataclass(frozen=True)
class SetStep:
    """Set the hits of step `index` of the sequencer's loop, and the path of the point during the step.

    Attributes:
        path: points [D] that the point passes at equal time intervals, from the beginning of the step to its
            end. If empty, the step does not move the point.
    """

    index: int
    hits: tuple[Trigger, ...]
    path: tuple[Z, ...] = ()


@dataclass(frozen=True)
class SetClock:
    """Set the timing of the sequencer.

    Attributes:
        bpm: tempo in beats per minute, to 0.001; a step is a quarter of a beat.
        swing: duration of the first step of each pair, as a percentage of the pair's duration, to 0.1; 50 is
            straight.
        steps: number of steps in the loop.
    """

    bpm: float
    swing: float
    steps: int


@dataclass(frozen=True)
class SetBeat:
    """Align the sequencer with an external beat.

    Attributes:
        beat: position in beats at the command's sample; beat 0 is the first step of the loop.
        bpm: tempo from that sample onwards, in beats per minute.
    """

    beat: float
    bpm: float


Sequencing = StartSteps | StopSteps | SetStep | SetClock | SetBeat
"""Commands for the sequencer; a log keeps only the resulting hits and moves of the point."""

Command = (
    SetZ
    | SetDimension
    | SetAxis
    | Goto
    | Trigger
    | Stop
    | Press
    | Panic
    | Gain
    | Mode
    | Prepare
    | Shed
    | Ticks
    | Tweak
    | Swap
    | Sequencing
)

POINT_MOVES = (SetZ, SetDimension, SetAxis, Goto, Press)
"""Commands that move the point, or the point of a touch, or offset voices from their point."""
