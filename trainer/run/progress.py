"""Displays of a training run: a bar with the remaining time on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from trainer.run.state import State
from trainer.run.steps import Display


def terms(values: dict[str, float]) -> str:
    """Return the terms of a loss as text, such as "reconstruction 0.0123  kl 4.56"."""
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


def duration(seconds: float) -> str:
    """Return a duration as "1 h 02 min", "3 min 20 s" or "7 s"."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


class Bars:
    """The display of `trainer fit`; use it within `live()`."""

    def __init__(self, epochs: int) -> None:
        self.console = Console()
        self.epochs = epochs
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[terms]}"),
            console=self.console,
            disable=not self.console.is_terminal,
            speed_estimate_period=600,
        )
        self._task: TaskID | None = None
        self._seconds: list[float] = []

    @contextmanager
    def live(self) -> Iterator[Bars]:
        """Show the bars within the `with` block."""
        with self.progress:
            yield self

    def reading(self, done: int, total: int, task: str = "reading") -> None:
        """Show the progress of reading files, or of a different task."""
        if self._task is None:
            self._task = self.progress.add_task(task, total=total, terms="")
        self.progress.update(self._task, completed=done, total=total)
        if done == total:
            self.progress.remove_task(self._task)
            self._task = None

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Advance the bar by a step, and show the losses."""
        self.advance(state, terms(losses))

    def advance(self, state: State, text: str) -> None:
        """Advance the bar by a step, with a text beside it."""
        if self._task is None:
            self._task = self.progress.add_task("", total=state.steps, completed=state.step - 1, terms="")
        self.progress.update(
            self._task,
            description=f"epoch {state.epoch + 1}/{self.epochs}",
            completed=state.step,
            terms=escape(text),
        )

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Print a line if the epoch ended with a validation, or if there is no bar."""
        if "validation" not in record and self.console.is_terminal:
            return
        parts = [f"epoch {record['epoch']}/{self.epochs}", terms(record["train"])]
        if record.get("validation"):
            parts.append("validation: " + terms(record["validation"]))
        if record.get("nearest_neighbour") is not None:
            parts.append(f"1-NN {record['nearest_neighbour']:.0%}")
        self._seconds.append(record["seconds"] + record.get("validation_seconds", 0.0))
        left = (self.epochs - record["epoch"]) * sum(self._seconds) / len(self._seconds)
        if not self.console.is_terminal and left:
            parts.append(f"{duration(left)} left")
        self.note(" | ".join(parts))

    def note(self, text: str) -> None:
        """Print one line above the bar."""
        self.progress.console.print(text, highlight=False, markup=False, soft_wrap=True)


class Silent:
    """A display that shows nothing, for all processes except the first process."""

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Do nothing."""

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


class Several:
    """A display that forwards everything to several other displays."""

    def __init__(self, *displays: Display) -> None:
        self.displays = displays

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Show the step on all displays."""
        for display in self.displays:
            display.stepped(state, losses)

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Show the record on all displays."""
        for display in self.displays:
            display.finished_epoch(record)

    def note(self, text: str) -> None:
        """Show the text on all displays."""
        for display in self.displays:
            display.note(text)
