"""The interfaces of the worker's engine, instruments, takes and plugins that the control process calls.

The worker's own objects have these methods. Control holds proxies, which call them by name (`live/rpc.py`),
so a new method needs only its declaration here and its code in the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from realtime.synth.commands import Command, Tweak, Z
from realtime.synth.plugins import PluginFacts


class Player(Protocol):
    """The engine."""

    def submit(self, commands: Sequence[Command], due: float | None = None, at: int | None = None) -> bool:
        """Submit commands for monotonic time `due`, for device sample `at`, or for now.

        Return False if some commands were dropped.
        """
        ...

    def submit_from(
        self, commands: Sequence[Command], due: float | None = None, at: int | None = None
    ) -> tuple[bool, Sequence[float]]:
        """Submit commands as `submit` does; also return the point [D] before them."""
        ...

    def status(self) -> Mapping[str, int | float | str]:
        """Return the facts of the status reply: name -> value."""
        ...

    def latency(self) -> Mapping[str, float]:
        """Return the terms of the latency in ms, by name."""
        ...

    def z(self) -> Sequence[float]:
        """Return the point [D]."""
        ...

    def arrivals(self) -> Iterable[int]:
        """Return the tickets of the glides that have ended since the last call."""
        ...


class FileWork(Protocol):
    """Work on files. All but `install` run in the background; all raise RealtimeError for user errors."""

    def encode(self, file: str) -> Z:
        """Return a point [D] whose sound is near that of a sound file in the library."""
        ...

    def build(self, file: str) -> Any:
        """Return an instrument for `install`; its `info` describes the model."""
        ...

    def install(self, instrument: Any) -> None:
        """Play with the new instrument from now on. Quick; runs on the control thread."""
        ...


class InstrumentWork(FileWork, Protocol):
    """Work on files, and a method that only the proxy in the control process has."""

    def name_axes(self) -> Sequence[str]:
        """Return the names of the low and the high end of each axis of the model that plays.

        Takes seconds; no other call waits for it.
        """
        ...


class TakeWork(Protocol):
    """Begins and ends takes in the background. Both methods raise RealtimeError for user errors."""

    def begin(self, name: str) -> None:
        """Begin a take whose files have this name."""
        ...

    def end(self) -> str:
        """End the take; return its name when its files are complete."""
        ...


class PluginChain(Protocol):
    """The plugins after the mixer."""

    def facts(self) -> Sequence[PluginFacts]:
        """Return the current state of each plugin, in order."""
        ...

    def tweak(self, index: int, name: str, value: float | str) -> Tweak:
        """Return the command that sets a parameter; see `plugins.Chain.tweak`."""
        ...
