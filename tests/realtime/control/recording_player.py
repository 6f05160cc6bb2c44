"""A stand-in for the process that renders the sound, for tests of the process that receives messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from realtime.synth.commands import Command


class RecordingPlayer:
    """A player that records the commands that it receives, and makes no sound.

    Attributes:
        played: for each call of `submit`, the commands and the time at which they are due.
        arrived: numbers (tickets) of the glides that have reached their targets.
        full: whether `submit` refuses commands.
        at: the current position in the latent space, z [D].
    """

    def __init__(self, at: Sequence[float] = (0.25, -1.0, 0.5, 0.0)) -> None:
        self.played: list[tuple[tuple[Command, ...], float | None]] = []
        self.arrived: list[int] = []
        self.full = False
        self.at = list(at)

    def take(self) -> list[Command]:
        """Return the recorded commands and clear them."""
        taken = [command for commands, _ in self.played for command in commands]
        self.played.clear()
        return taken

    # ---- the methods of a player

    def submit(self, commands: Sequence[Command], due: float | None = None, at: int | None = None) -> bool:
        self.played.append((tuple(commands), due))
        return not self.full

    def submit_from(
        self, commands: Sequence[Command], due: float | None = None, at: int | None = None
    ) -> tuple[bool, list[float]]:
        return self.submit(commands, due, at), self.at

    def status(self) -> dict[str, int | float | str]:
        return {"voices": 2, "late_blocks": 0, "gain_db": 0.0, "mode": "live"}

    def latency(self) -> dict[str, float]:
        return {"queue": 8.0, "total": 8.0}

    def z(self) -> list[float]:
        return self.at

    def arrivals(self) -> Iterator[int]:
        while self.arrived:
            yield self.arrived.pop(0)
