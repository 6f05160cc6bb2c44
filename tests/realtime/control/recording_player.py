"""A player for tests of control: it records its commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from realtime.synth.commands import Command


class RecordingPlayer:
    """A player that records its commands.

    Attributes:
        played: the commands of each call of `submit`, with their due time.
        arrived: tickets of glides that have arrived.
        full: if True, `submit` refuses commands.
        at: the point, z [D].
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

    # ---- as a player

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
