"""A progress display of a training run, for tests."""

from __future__ import annotations

from typing import Any

from trainer.run.state import State


class Recorder:
    """A display that keeps the losses of each step and the record of each epoch, and shows nothing."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.records: list[dict[str, Any]] = []

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        self.steps.append(losses)

    def finished_epoch(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def note(self, text: str) -> None: ...
