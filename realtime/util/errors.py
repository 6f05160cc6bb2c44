"""The one exception base of the package: its message is the line the user sees."""

from __future__ import annotations

import sys


class RealtimeError(Exception):
    """A mistake the user can mend. The message is one line: what was wrong and what is accepted."""


class HungError(Exception):
    """To a thread that hung in an effect and comes back: another one does its work, so it is to end."""


class ControlError(RealtimeError):
    """A message that cannot be carried out. Its text goes back to the sender."""


class ModelError(RealtimeError):
    """A decoder file that cannot be used, or a name that the model does not know."""


def say(line: str) -> None:
    """What the user is told besides, while the program goes on."""
    print(f"realtime: {line}", file=sys.stderr, flush=True)
