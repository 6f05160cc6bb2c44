"""Learns a folder of sounds, and hands each nearer version of the model to the stage."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.play.published import Published, compared, mean_db
from export.play.stage import Elsewhere, Stage
from trainer.commands import installed
from trainer.commands.running import signals
from trainer.config import Config
from trainer.data import findings
from trainer.errors import DataError, TrainerError
from trainer.run import checkpoint, fit, progress
from trainer.run.adapt import Adaptation
from trainer.run.checkpoint import LAST, Checkpoint
from trainer.run.progress import duration
from trainer.run.state import State

SHARE = 0.1
"""Largest part of the time that goes into new versions of the model file."""
LEAST_S = 10.0
"""Least time between two versions."""
NEAR_DB, FAR_DB = 2.0, 4.0
"""Mean distances by ear up to which sounds are near the real ones, and like them.

Two hits of one drum are 1.1 dB apart (median, docs/results.md)."""
NICENESS = 10
"""Of the training: the stage goes first."""


@dataclass(frozen=True)
class Order:
    """The sounds to learn, and the settings.

    Attributes:
        data: folder of the sounds.
        out: folder of the run.
        config: the recipe, with the passes over the sounds.
        base: weights to start a new run from; None: random ones.
        qualities: passes over the sounds by quality.
        staged: whether a server of its own plays the model.
        force: replace a run of other sounds.
    """

    data: Path
    out: Path
    config: Config
    base: Checkpoint | None
    qualities: Mapping[str, int]
    staged: bool = True
    force: bool = False

    @property
    def model(self) -> Path:
        """The decoder file of the run."""
        return self.out / f"{self.data.resolve().name}.onnx"


class Watcher(progress.Bars):
    """The display of `trainer play`: a bar with the distance by ear; it offers new versions of the model."""

    def __init__(self, order: Order, run: Adaptation, published: Published, stage: Stage | Elsewhere) -> None:
        super().__init__(order.config.fit.epochs)
        self._qualities = order.qualities
        self._run, self._published, self._stage = run, published, stage
        self._next = time.monotonic() + LEAST_S
        self._told = False

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Advance the bar by a step."""
        super().stepped(state, {"dB from your sounds": round(self._published.distance_db, 1)})

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """After the first pass, show the duration of each quality; offer a version when one is due."""
        if not self._told:
            self._told = True
            each = (f"{name} {duration(n * record['seconds'])}" for name, n in self._qualities.items())
            self.note(f"total time of each --quality on this machine: {', '.join(each)}")
        if time.monotonic() >= self._next:
            self.offer()

    def offer(self) -> None:
        """Offer the model as it is now; the stage plays it from now on if it is nearer than the last."""
        began, before = time.monotonic(), self._published.distance_db
        found = self._published.offer(self._run)
        if found < before:
            self._stage.renew()
            self.note(f"plays a nearer version: {found:.1f} dB from your sounds, before {before:.1f}")
        self._next = time.monotonic() + max(LEAST_S, (time.monotonic() - began) / SHARE)


def play(order: Order, options: Sequence[str]) -> int:
    """Learn the sounds of a folder while the stage plays them, until Ctrl-C.

    Args:
        options: options of `realtime serve`.

    Returns:
        0, 128 + the signal that ended the learning, or the exit code of a server that ended before.
    """
    Stage.check(options)
    published = Published(order.model)
    bars = progress.Bars(order.config.fit.epochs)
    with signals() as caught:
        with bars.live():
            run = _run(order, bars)
            findings.show(findings.brief(run.state.sounds), sys.stdout)
            for line in _found(run.state):
                bars.note(line)
            published.offer(run)
        stage = Stage(order.model, options) if order.staged else Elsewhere()
        try:
            if not stage.ready():
                return stage.wait()
            return _learn(order, run, published, stage, caught)
        finally:
            stage.close()


def _found(state: State) -> Iterator[str]:
    """Yield three lines about the sounds found, and their use."""
    sounds, test = state.sounds, state.parts.test
    yield findings.summary(sounds)
    flat = not any("/" in name for name in sounds.names)
    told = "the names of the files; hats are open or closed by ear" if flat else "the folders"
    yield f"the names of the classes come from {told}"
    held = (
        f"{len(test)} are held out for `trainer evaluate`" if len(test) else "none is held out (--hold-out)"
    )
    yield f"{len(state.train)} sounds are learnt, {held}"


def _learn(
    order: Order, run: Adaptation, published: Published, stage: Stage | Elsewhere, caught: list[int]
) -> int:
    """Learn until the end or a signal, or until the stage ends; then play until Ctrl-C."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    watcher = Watcher(order, run, published, stage)

    def stop() -> bool:
        return bool(caught) or stage.ended

    def analysed(done: int, total: int) -> None:
        watcher.reading(done, total)
        if stop():
            raise KeyboardInterrupt

    done = False
    with watcher.live():
        watcher.note(f"plays the first version: {published.distance_db:.1f} dB from your sounds")
        try:
            fit.take_apart(run.state, analysed, order.out / fit.COMPONENTS)
        except KeyboardInterrupt:
            pass
        else:
            done = run.run(order.out, watcher, stop)
            watcher.offer()
    mean = mean_db(compared(order.model, run.state, most=0))
    watcher.note(f"{mean:.1f} dB from your sounds on average: {verdict(mean)}")
    watcher.note(
        f"your sounds beside the model's, the worst match first: {order.out}/preview.png, preview.wav"
    )
    if not done:
        again = f"{installed.program('trainer')} play {shlex.quote(str(order.data))}"
        passes = f"{run.state.epoch} of {order.config.fit.epochs} passes"
        watcher.note(f"saved after {passes}; the same command continues: {again}")
        return 128 + caught[0] if caught else stage.wait()
    later = f"{installed.program('realtime')} serve --model {shlex.quote(str(order.model))}"
    watcher.note(f"learnt; plays until Ctrl-C. Later: {later}")
    stage.wait(stop)
    return 0


def verdict(distance_db: float) -> str:
    """Return a mean distance from the real sounds in words."""
    if distance_db <= NEAR_DB:
        return "near"
    if distance_db <= FAR_DB:
        return "like them, with less detail"
    return "not near; the model is made for drums and other short sounds"


def _run(order: Order, bars: progress.Bars) -> Adaptation:
    """Return the run in the folder, continued if it is of these sounds, else a new one."""
    reading: Callable[[int, int], None] = bars.reading
    if (order.out / LAST).exists() and not order.force:
        try:
            saved = checkpoint.load(order.out)
            config = saved.config.replace("fit", epochs=max(saved.epoch, order.config.fit.epochs))
            state = fit.restored(saved, config, order.data, reading)
        except DataError:
            if not order.model.exists():
                raise
            bars.note(f"{order.out}: the sounds have changed; they are learnt anew")
        else:
            bars.note(f"{order.out}: continues after pass {state.epoch}")
            return Adaptation(state, order.base, saved)
    elif order.out.is_dir() and not order.force and _foreign(order):
        raise TrainerError(f"{order.out}: not empty; choose another folder with --out")
    state = fit.start(order.config, order.data, reading, base=order.base, analysed=False)
    order.out.mkdir(parents=True, exist_ok=True)
    fit.clear(order.out)
    return Adaptation(state, order.base)


def _foreign(order: Order) -> bool:
    """Return True if the folder has files, and `trainer play` made none of them."""
    return any(order.out.iterdir()) and not order.model.exists()
