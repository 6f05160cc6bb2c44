"""Make MIDI messages for tests; channels are numbered from 1."""

from __future__ import annotations

from typing import Any

import mido


def midi(kind: str, channel: int = 1, **fields: int) -> Any:
    """Make a MIDI message; `kind` is the type and `fields` are the fields of mido's messages."""
    return mido.Message(kind, channel=channel - 1, **fields)


def cc(number: int, value: int, channel: int = 1) -> Any:
    """Make a message that sets controller `number` to `value`."""
    return midi("control_change", channel, control=number, value=value)


def note(number: int, velocity: int = 100, channel: int = 1) -> Any:
    """Make a message that starts a note."""
    return midi("note_on", channel, note=number, velocity=velocity)
