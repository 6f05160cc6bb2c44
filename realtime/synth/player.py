"""The interfaces through which the control process of the server uses objects of the worker process.

The worker, which plays the sound, has an engine, instruments (loaded models), takes (recordings of a
performance) and plugins. Their classes have these methods. The control process, which receives messages,
holds proxies that call the methods by name (`live/rpc.py`). A new method therefore needs only its code and a
declaration here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from realtime.synth.commands import Command, Tweak, Z
from realtime.synth.plugins import PluginFacts


class Player(Protocol):
    """The engine, which executes commands and renders the sound."""

    def submit(self, commands: Sequence[Command], due: float | None = None, at: int | None = None) -> bool:
        """Submit commands for monotonic time `due` (in s), for device sample `at`, or for now.

        Return False if some commands were dropped.
        """
        ...

    def submit_from(
        self, commands: Sequence[Command], due: float | None = None, at: int | None = None
    ) -> tuple[bool, Sequence[float]]:
        """Submit commands as `submit` does; also return the point [D] before the commands take effect."""
        ...

    def status(self) -> Mapping[str, int | float | str]:
        """Return the engine's facts for the reply to `/morph/get/status`: name -> value."""
        ...

    def latency(self) -> Mapping[str, float]:
        """Return the components of the latency: name -> ms."""
        ...

    def z(self) -> Sequence[float]:
        """Return the point [D], the position in the latent space that the performer moves."""
        ...

    def arrivals(self) -> Iterable[int]:
        """Return the tickets (`Goto.ticket`) of the glides that have ended since the last call."""
        ...


class FileWork(Protocol):
    """Work on files, in the background except for `install`; raises RealtimeError for user errors."""

    def encode(self, file: str) -> Z:
        """Return a point [D] whose sound is close to a sound file of the library, the user's folder."""
        ...

    def build(self, file: str) -> Any:
        """Load a model file; return an instrument for `install`, whose `info` describes the model."""
        ...

    def install(self, instrument: Any) -> None:
        """Play with the new instrument from now on. This is quick and runs on the worker's control thread."""
        ...


class InstrumentWork(FileWork, Protocol):
    """Work on files, and a method that only the proxy in the control process has."""

    def name_axes(self) -> Sequence[str]:
        """Return the names of the low and the high end of each principal axis of the current model.

        The call takes seconds; no other call waits for it.
        """
        ...


class TakeWork(Protocol):
    """Begins and ends takes in the background; the methods raise RealtimeError for user errors."""

    def begin(self, name: str) -> None:
        """Begin a take whose files have this name."""
        ...

    def end(self) -> str:
        """End the take; return the name of the take when the files are complete."""
        ...


class PluginChain(Protocol):
    """The plugins that process the mix."""

    def facts(self) -> Sequence[PluginFacts]:
        """Return the current state of each plugin, in order."""
        ...

    def tweak(self, index: int, name: str, value: float | str) -> Tweak:
        """Return the command that sets a parameter; see `plugins.Chain.tweak`."""
        ...
