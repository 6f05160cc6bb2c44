"""What a message can ask for besides a command of the mixer: `control` carries these out.

A `Move` and a `Hit` become commands there, with the glide and the settings that are in force.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from realtime.control.pattern import Pattern
from realtime.synth.commands import Command, Z


@dataclass(frozen=True)
class Query:
    """A question: answered to the sender, nothing changes."""

    what: str


@dataclass(frozen=True)
class Nothing:
    """Asks for nothing, such as a note of velocity 0."""


@dataclass(frozen=True)
class Move:
    """Bring the point, or that of a touch, to `z` [D], as the glide in force says."""

    z: Z
    touch: int | None = None


@dataclass(frozen=True)
class Hit:
    """Play a sound as the settings in force say, `semitones` above that; fields as in `commands.Trigger`."""

    velocity: float
    z: Z | None = None
    touch: int | None = None
    semitones: float = 0.0


@dataclass(frozen=True)
class ChangeSetting:
    """How it shall be from now on: a field of `performance.Settings` and its value."""

    name: str
    value: Any = field(hash=False)


@dataclass(frozen=True)
class Store:
    """Keep the point where it is, under a name."""

    name: str


@dataclass(frozen=True)
class Delete:
    """Forget a named point."""

    name: str


@dataclass(frozen=True)
class Adopt:
    """Take over the presets of another model of the same name: that of `checksum`, or the only one."""

    checksum: str | None = None


@dataclass(frozen=True)
class Undo:
    """Go back to where the point was before the latest gesture; with `again`, take the latest undo back."""

    again: bool = False


@dataclass(frozen=True)
class Encode:
    """Make a named point of a sound file."""

    file: str
    name: str | None = None


@dataclass(frozen=True)
class Load:
    """Play on with another model."""

    file: str


@dataclass(frozen=True)
class SetParameter:
    """Set a parameter of a plugin."""

    plugin: int
    name: str
    value: float | str


@dataclass(frozen=True)
class Subscribe:
    """Send the status to `port` of the sender's machine, every `interval_ms`; no more if that is None."""

    port: int
    interval_ms: float | None


@dataclass(frozen=True)
class ReplyTo:
    """Send the answers to `port` of the sender's machine instead of the one its messages come from."""

    port: int


class PatternRequest:
    """Concerns the sequencer's pattern."""


@dataclass(frozen=True)
class Edit(PatternRequest):
    """Change the sequencer's pattern."""

    change: Callable[[Pattern], Pattern]


@dataclass(frozen=True)
class AddLane(PatternRequest):
    """Give the sequencer's pattern a lane, from one named point to another."""

    start: str
    end: str


@dataclass(frozen=True)
class UndoEdit(PatternRequest):
    """Take the latest edit of the sequencer's pattern back; with `again`, the latest undo."""

    again: bool = False


@dataclass(frozen=True)
class StorePattern(PatternRequest):
    """Keep the sequencer's pattern, under a name."""

    name: str


@dataclass(frozen=True)
class RecallPattern(PatternRequest):
    """Play a pattern that was kept."""

    name: str


@dataclass(frozen=True)
class DeletePattern(PatternRequest):
    """Forget a pattern that was kept."""

    name: str


Request = (
    Query
    | Nothing
    | Move
    | Hit
    | ChangeSetting
    | Store
    | Delete
    | Adopt
    | Undo
    | Encode
    | Load
    | SetParameter
    | Subscribe
    | ReplyTo
    | PatternRequest
)
Asked = Command | Request
