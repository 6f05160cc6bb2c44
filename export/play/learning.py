"""Learns a folder of sounds; writes each version of the model that is nearer to the sounds than the last."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from export.play.job import Job
from export.play.published import Published, compared, mean_db
from trainer.components.kept import Analysis
from trainer.data import findings
from trainer.errors import DataError, TrainerError
from trainer.run import base, checkpoint, fit, progress
from trainer.run.adapt import Adaptation
from trainer.run.checkpoint import LAST, Checkpoint
from trainer.run.progress import duration
from trainer.run.state import State

SHARE = 0.1
"""Share of the time spent on new versions of the model file, on an idle machine."""
LEAST_S, MOST_S = 10.0, 60.0
"""Shortest and longest time of learning between two versions; longer if a version took longer to make."""
NEAR_DB, FAR_DB = 2.0, 4.0
"""Largest mean distances by ear for the verdicts "near" and "like them, with less detail".

Two hits of one drum are 1.1 dB apart (median, docs/results.md)."""
NICENESS = 10
"""Niceness of the training; the stage has priority."""


class Watcher(progress.Bars):
    """The display of `trainer play`: a bar with the distance by ear; it offers new versions of the model.

    Args:
        renewed: called after each new version of the files.
        stop: returns True once no new version is wanted.
    """

    def __init__(
        self,
        job: Job,
        run: Adaptation,
        published: Published,
        renewed: Callable[[], None],
        stop: Callable[[], bool],
    ) -> None:
        super().__init__(job.config.fit.epochs)
        self._qualities = job.qualities
        self._run, self._published, self._renewed, self._stop = run, published, renewed, stop
        self._next = time.monotonic() + LEAST_S
        self._began = time.monotonic()
        self._explained = self._estimated = False

    def analysed(self, done: int, total: int) -> None:
        """Show the number of analysed sounds; any thread may call it."""
        if not self._explained and done < total:
            self._explained = True
            self.note("analysing your sounds: each is split, once, into the tones and noise that are learnt")
        self.reading(done, total, "analysing")

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Advance the bar by a step."""
        super().stepped(state, {"dB from your sounds": round(self._published.distance_db, 1)})

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """After the first pass, show the duration of each quality; offer a version when one is due."""
        if not self._estimated:
            self._estimated = True
            self._estimate(record["epoch"] - 1, record["seconds"])
        self.offer_when_due()

    def _estimate(self, passes: int, pass_s: float) -> None:
        """Show the time of each quality after a pass of `pass_s` seconds that followed `passes` passes."""
        analysis_s = time.monotonic() - self._began - pass_s
        left = {name: count - passes for name, count in self._qualities.items() if count > passes}
        each = [f"{name} {duration(analysis_s + count * pass_s)}" for name, count in left.items()]
        what = "time left for each" if passes else "total time, with the analysis, of each"
        if each:
            self.note(f"{what} --quality on this machine: {', '.join(each)}")

    def offer_when_due(self) -> None:
        """Offer a version, unless the latest version is recent."""
        if time.monotonic() >= self._next:
            self.offer()

    def offer(self) -> None:
        """Offer the current model; if it is nearer to the sounds than the last version, the stage plays it.

        After `stop`, the stage keeps its version.
        """
        began, before = time.monotonic(), self._published.distance_db
        with contextlib.suppress(KeyboardInterrupt):
            self._published.offer(self._run, self._check)
        found = self._published.distance_db
        if found < before:
            self._published.show()
            self._renewed()
            self.note(f"plays a nearer version: {found:.2f} dB from your sounds, before {before:.2f}")
        ended = time.monotonic()
        self._next = ended + pause_s(ended - began)

    def _check(self) -> None:
        if self._stop():
            raise KeyboardInterrupt


def pause_s(took_s: float) -> float:
    """Return the time of learning between a version that took `took_s` to make and the next version.

    The result is at least `took_s`, so that half of the time is left for learning on a busy machine.
    """
    return max(LEAST_S, min(took_s / SHARE, MOST_S), took_s)


def learn(job: Job, renewed: Callable[[], None], caught: list[int]) -> int:
    """Learn the sounds of a folder, to the end or until a signal.

    Args:
        renewed: called after each new version of the files.
        caught: the signals that the process has received.

    Returns:
        0, or 128 + the signal.
    """
    stage = multiprocessing.parent_process()

    def stop() -> bool:
        return bool(caught) or (stage is not None and not stage.is_alive())

    bars = progress.Bars(job.config.fit.epochs)

    def reading(done: int, total: int) -> None:
        if stop():
            raise KeyboardInterrupt
        bars.reading(done, total)

    with bars.live():
        run = _run(job, reading, bars.note)
        findings.show(findings.brief(run.state.sounds), sys.stdout)
        for line in _found(run.state):
            bars.note(line)
        version = "the version learnt so far" if run.state.epoch else "the first version"
        bars.note(f"making {version} ...")
        published = Published(job.model)
        published.offer(run)
    renewed()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    published.show()
    watcher = Watcher(job, run, published, renewed, stop)

    def check() -> None:
        watcher.offer_when_due()
        if stop():
            raise KeyboardInterrupt

    done = False
    with watcher.live():
        watcher.note(f"plays {version}: {published.distance_db:.1f} dB from your sounds")
        state = run.state
        try:
            kept = job.out / fit.COMPONENTS
            with Analysis(state.sounds.waveforms, state.config.model, kept, watcher.analysed) as analysis:
                run.begin(analysis, check)
        except KeyboardInterrupt:
            pass
        else:
            done = run.run(job.out, watcher, stop)
            if done:
                watcher.note("all passes are done; making the last version ...")
            watcher.offer()
    for line in _result(job, run, published, stop()):
        watcher.note(line)
    return 0 if done else 128 + (caught or [signal.SIGTERM])[0]


def _found(state: State) -> Iterator[str]:
    """Yield three lines about the sounds found, and their use."""
    sounds, test = state.sounds, state.parts.test
    yield findings.summary(sounds)
    flat = not any("/" in name for name in sounds.names)
    source = "the names of the files; hats are open or closed by ear" if flat else "the folders"
    yield f"the names of the classes come from {source}"
    held = (
        f"{len(test)} are held out for `trainer evaluate`" if len(test) else "none is held out (--hold-out)"
    )
    yield f"{len(state.train)} sounds will be learnt, {held}"


def _result(job: Job, run: Adaptation, published: Published, stopped: bool) -> Iterator[str]:
    """Yield the lines at the end of the learning; after a stop, without comparing more sounds."""
    mean = published.distance_db if stopped else mean_db(compared(job.model, run.state, most=0))
    yield f"{mean:.1f} dB from your sounds on average: {verdict(mean)}"
    yield f"your sounds beside the model's, the worst match first: {job.out}/preview.png, preview.wav"
    if stopped:
        passes = f"{run.state.epoch} of {job.config.fit.epochs} passes"
        yield f"saved after {passes}; to play the model: {job.serve_command}"
        yield f"to continue: {job.continue_command}"


def verdict(distance_db: float) -> str:
    """Return a mean distance from the real sounds in words."""
    if distance_db <= NEAR_DB:
        return "near"
    if distance_db <= FAR_DB:
        return "like them, with less detail"
    return "not near; the model is made for drums and other short sounds"


def _run(job: Job, reading: Callable[[int, int], None], note: Callable[[str], None]) -> Adaptation:
    """Return the run in the folder, to be continued, if it has learnt these sounds; otherwise a new run."""
    known: Checkpoint | None = base.choose(job.base, job.config)
    if (job.out / LAST).exists() and not job.force:
        try:
            saved = checkpoint.load(job.out)
            config = saved.config.replace("fit", epochs=max(saved.epoch, job.config.fit.epochs))
            state = fit.restored(saved, config, job.data, reading)
        except DataError:
            if not job.model.exists():
                raise
            note(f"{job.out}: the sounds have changed; they are learnt anew")
        else:
            job.record_source()
            note(f"{job.out}: continues after pass {state.epoch}")
            return Adaptation(state, known, saved)
    elif job.out.is_dir() and not job.force and _foreign(job):
        raise TrainerError(f"{job.out}: not empty; choose another folder with --out")
    state = fit.start(job.config, job.data, reading, base=known, analysed=False)
    job.out.mkdir(parents=True, exist_ok=True)
    fit.clear(job.out)
    job.record_source()
    return Adaptation(state, known)


def _foreign(job: Job) -> bool:
    """Return True if the folder has files, and `trainer play` made none of them."""
    return any(job.out.iterdir()) and not job.model.exists()
