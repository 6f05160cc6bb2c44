"""Requests that OSC messages make, other than commands for the mixer; the dispatcher carries them out.

The dispatcher turns a `Move` and a `Hit` into commands, using the default glide and the current settings.
"The point" here means the position z in the latent space that the performer moves; z is a list of D numbers.
A touch, such as a finger or a track, has a point of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from realtime.control.pattern import Pattern
from realtime.synth.commands import Command, Goto, Z


@dataclass(frozen=True)
class Query:
    """Reply to the question `what`; change nothing."""

    what: str


@dataclass(frozen=True)
class Nothing:
    """Do nothing; for example, for a note of velocity 0."""


@dataclass(frozen=True)
class Move:
    """Move the point, or the point of a touch, to `z` [D] with the default glide.

    Attributes:
        level_db: gain in dB for hits that start while the point is at `z` or on its way there.
    """

    z: Z
    touch: int | None = None
    level_db: float = 0.0


@dataclass(frozen=True)
class Hit:
    """Play a sound with the current settings; see `commands.Trigger`.

    Attributes:
        semitones: pitch of the hit relative to the pitch in the settings.
        choke: choke group (a hit ends the earlier hits of its group); 0 uses the group in the settings.
    """

    velocity: float
    z: Z | None = None
    touch: int | None = None
    semitones: float = 0.0
    choke: int = 0


@dataclass(frozen=True)
class ChangeSetting:
    """Change a setting for new hits by its name, or the default glide (name "travel")."""

    name: str
    value: Any = field(hash=False)


@dataclass(frozen=True)
class InBeats:
    """Glide for a number of beats at the tempo of the sequencer."""

    glide: Goto
    beats: float


@dataclass(frozen=True)
class Store:
    """Store the point as a preset."""

    name: str


@dataclass(frozen=True)
class Delete:
    """Delete a preset."""

    name: str


@dataclass(frozen=True)
class Adopt:
    """Take over the presets of another model of the same name.

    Attributes:
        checksum: checksum of the other model; None selects the model whose presets were saved last.
    """

    checksum: str | None = None


@dataclass(frozen=True)
class Undo:
    """Undo the latest gesture (a quick series of moves of the point), or redo it if `again`."""

    again: bool = False


@dataclass(frozen=True)
class Encode:
    """Find a point whose sound is similar to a sound file, and store the point as a preset."""

    file: str
    name: str | None = None


@dataclass(frozen=True)
class Load:
    """Switch to another model."""

    file: str


@dataclass(frozen=True)
class BeginTake:
    """Begin to record the sound and the commands under a name; None uses the date and time as the name."""

    name: str | None = None


@dataclass(frozen=True)
class EndTake:
    """End the recording."""


@dataclass(frozen=True)
class SetParameter:
    """Set a parameter of a plugin."""

    plugin: int
    name: str
    value: float | str


@dataclass(frozen=True)
class Subscribe:
    """Send the status to `port` on the sender's machine every `interval_ms`; None ends the subscription."""

    port: int
    interval_ms: float | None


@dataclass(frozen=True)
class ReplyTo:
    """Send replies to `port` on the sender's machine instead of the port from which the messages come."""

    port: int


class PatternRequest:
    """A request about the sequencer's patterns."""


@dataclass(frozen=True)
class Edit(PatternRequest):
    """Change the sequencer's pattern."""

    change: Callable[[Pattern], Pattern]


@dataclass(frozen=True)
class AddLane(PatternRequest):
    """Append a lane (a row of steps) that plays sounds between two named points."""

    start: str
    end: str


@dataclass(frozen=True)
class UndoEdit(PatternRequest):
    """Undo the latest edit of the pattern, or redo it if `again`."""

    again: bool = False


@dataclass(frozen=True)
class StorePattern(PatternRequest):
    """Store the current pattern under a name."""

    name: str


@dataclass(frozen=True)
class RecallPattern(PatternRequest):
    """Replace the current pattern with a stored pattern."""

    name: str


@dataclass(frozen=True)
class DeletePattern(PatternRequest):
    """Delete a stored pattern."""

    name: str


Request = (
    Query
    | Nothing
    | Move
    | Hit
    | ChangeSetting
    | InBeats
    | Store
    | Delete
    | Adopt
    | Undo
    | Encode
    | Load
    | BeginTake
    | EndTake
    | SetParameter
    | Subscribe
    | ReplyTo
    | PatternRequest
)
Asked = Command | Request
