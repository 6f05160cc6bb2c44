"""Trains a model on a folder of sounds for `trainer play`, and replaces the model file as the model improves.

A version is the model file at one moment of the training. Every 10 to 60 seconds, a new version is exported
and compared with the user's sounds. The measure is the mel distance: the mean difference, in dB, between the
mel levels of a sound and those of the model's reconstruction of the sound. A closer version replaces the
model file, and the server (`realtime serve`, another process) loads the file.
"""

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
from trainer.run.adapt import POINTS, Adaptation
from trainer.run.checkpoint import LAST, Checkpoint
from trainer.run.progress import duration
from trainer.run.state import State

SHARE = 0.1
"""Time spent on making a version, as a fraction of the training time until the next version."""
LEAST_S, MOST_S = 10.0, 60.0
"""Shortest and longest training time between two versions. If making a version takes longer than `MOST_S`,
the training time is just as long."""
NEAR_DB, FAR_DB = 2.0, 4.0
"""Largest mean mel distances for the verdicts "near" and "like them, with less detail".

Two hits of one drum are 1.1 dB apart (median, docs/results.md)."""
NICENESS = 10
"""Niceness of the training process: the server gets the processor first."""


class Watcher(progress.Bars):
    """The progress display of `trainer play`, which also makes the new versions.

    Args:
        job: the folders and settings.
        run: the training run.
        published: the model file that the server plays.
        renewed: called each time the model file has been replaced.
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
        """Show how many of the sounds are analysed. Any thread may call this method."""
        if not self._explained and done < total:
            self._explained = True
            self.note("analysing your sounds: each sound is split, once, into the tones and noise to learn")
        self.reading(done, total, "analysing")

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Advance the bar by one training step."""
        self.advance(state, f"{decibels(self._published.distance_db)} from your sounds")

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Make a new version if one is due; after the first pass, show how long each `--quality` takes."""
        if not self._estimated:
            self._estimated = True
            self._estimate(record["epoch"] - 1, record["seconds"])
        self.offer_when_due()

    def _estimate(self, passes: int, pass_s: float) -> None:
        """Show how long the training takes with each `--quality`.

        Args:
            passes: number of passes over the sounds before this command.
            pass_s: duration of the pass that has just ended, in seconds.
        """
        analysis_s = time.monotonic() - self._began - pass_s
        left = {name: count - passes for name, count in self._qualities.items() if count > passes}
        each = [f"{name} {duration(analysis_s + count * pass_s)}" for name, count in left.items()]
        what = "time left for each" if passes else "total time, with the analysis, of each"
        if each:
            self.note(f"{what} --quality on this machine: {', '.join(each)}")

    def offer_when_due(self) -> None:
        """Make a new version if the next version is due."""
        if time.monotonic() >= self._next:
            self.offer()

    def offer(self) -> None:
        """Export the model, and replace the model file if the model is now closer to the sounds.

        Once `stop` returns True, the model file stays unchanged.
        """
        began, before = time.monotonic(), self._published.distance_db
        with contextlib.suppress(KeyboardInterrupt):
            self._published.offer(self._run, self._check)
        found = self._published.distance_db
        if found < before:
            self._published.show()
            self._renewed()
            self.note(
                f"playing a closer version: {decibels(found)} from your sounds "
                f"(previously {decibels(before)})"
            )
        ended = time.monotonic()
        self._next = ended + pause_s(ended - began)

    def _check(self) -> None:
        if self._stop():
            raise KeyboardInterrupt


def pause_s(took_s: float) -> float:
    """Return the training time, in seconds, after a version that took `took_s` seconds to make.

    The result is at least `took_s`: even on a busy machine, at least half of the time is spent on training.
    """
    return max(LEAST_S, min(took_s / SHARE, MOST_S), took_s)


def learn(job: Job, renewed: Callable[[], None], caught: list[int]) -> int:
    """Train on the sounds of a folder, until all passes are done or a signal arrives.

    Args:
        job: the folders and settings.
        renewed: called each time the model file has been replaced.
        caught: the numbers of the signals that this process has received; handlers add to the list.

    Returns:
        The exit code: 0, or 128 + the number of the signal.
    """
    parent = multiprocessing.parent_process()

    def stop() -> bool:
        return bool(caught) or (parent is not None and not parent.is_alive())

    bars = progress.Bars(job.config.fit.epochs)

    def reading(done: int, total: int) -> None:
        if stop():
            raise KeyboardInterrupt
        bars.reading(done, total)

    with bars.live():
        run = _run(job, reading, bars.note)
        findings.show(findings.brief(run.state.sounds), sys.stdout)
        for line in _introduction(run.state):
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
        watcher.note(f"playing {version}: {decibels(published.distance_db)} from your sounds")
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


def _introduction(state: State) -> Iterator[str]:
    """Yield lines about the number of sounds, the source of the class names, and the sounds to learn."""
    sounds, test = state.sounds, state.parts.test
    yield findings.summary(sounds)
    flat = not any("/" in name for name in sounds.names)
    source = "the names of the files; hats that ring long count as open" if flat else "the folders"
    yield f"the names of the classes come from {source}"
    held = (
        f"{len(test)} are held out for `trainer evaluate`" if len(test) else "none are held out (--hold-out)"
    )
    yield f"{findings.count(len(state.train), 'sound')} will be learnt, {held}"


def _result(job: Job, run: Adaptation, published: Published, stopped: bool) -> Iterator[str]:
    """Yield the lines to print when the training has ended.

    After a complete training, the distance is measured on all sounds. After a stop (`stopped`), it is the
    distance last measured, on some of the sounds.
    """
    mean = published.distance_db if stopped else mean_db(compared(job.model, run.state, most=0))
    yield f"{decibels(mean)} from your sounds on average: {verdict(mean)}"
    yield f"your sounds beside the model's, the worst match first: {job.out}/preview.png, preview.wav"
    if stopped:
        passes = f"{run.state.epoch} of {run.state.config.fit.epochs} passes"
        yield f"saved after {passes}; to play the model: {job.serve_command}"
        yield f"to continue the training: {job.continue_command}"


def decibels(distance_db: float) -> str:
    """Return a mel distance as text, such as "0.60 dB"."""
    return f"{distance_db:.2f} dB"


def verdict(distance_db: float) -> str:
    """Return a word or phrase for a mean mel distance from the user's sounds, in dB."""
    if distance_db <= NEAR_DB:
        return "near"
    if distance_db <= FAR_DB:
        return "like them, with less detail"
    return "not near; the model is made for drums and other short sounds"


def _run(job: Job, reading: Callable[[int, int], None], note: Callable[[str], None]) -> Adaptation:
    """Return the earlier run in the folder `job.out` if it can be continued; otherwise, return a new run.

    An earlier run is continued only if it was trained on the same sounds and `--force` is not given.

    Raises:
        TrainerError: `job.out` has files that `trainer play` did not write.
    """
    known: Checkpoint | None = base.choose(job.base, job.config)
    if (job.out / LAST).exists() and not job.force:
        try:
            saved = checkpoint.load(job.out)
            if POINTS not in saved.optimisers:
                raise TrainerError(
                    f"{job.out}: a run of `trainer fit`; choose another folder with --out, or replace it "
                    "with --force"
                )
            config = saved.config.replace("fit", epochs=max(saved.epoch, job.config.fit.epochs))
            state = fit.restored(saved, config, job.data, reading)
        except DataError:
            if not job.model.exists():
                raise
            note(f"{job.out}: the sounds have changed, so the training starts again")
        else:
            job.record_source()
            note(f"{job.out}: the training continues after pass {state.epoch}")
            return Adaptation(state, known, saved)
    elif job.out.is_dir() and not job.force and _foreign(job):
        raise TrainerError(f"{job.out}: the folder is not empty; choose another folder with --out")
    state = fit.start(job.config, job.data, reading, base=known, analysed=False)
    job.out.mkdir(parents=True, exist_ok=True)
    fit.clear(job.out)
    job.record_source()
    return Adaptation(state, known)


def _foreign(job: Job) -> bool:
    """Return True if the folder `job.out` has files but not the model file that `trainer play` writes."""
    return any(job.out.iterdir()) and not job.model.exists()
