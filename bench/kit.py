"""`python -m bench.kit FOLDER`: the distance from a folder of sounds, by minutes of training.

Sounds are drawn evenly from the folder, whose sub-folders are classes; it should have no sound of the base.
Each number of sounds is learnt twice:

    adapted   as `trainer play --quality good` learns them, from the base of the package
    scratch   as `trainer fit --from none` learns them, for --times as long

The distance is the mean over 24 sounds of the difference of mel levels in dB (realtime.model.ear).
Minutes are processor time, so that other programs do not count: that of the analysis, which uses all cores,
divided by two, and that of the training, which uses one thread. The time of measuring is left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from torch import Tensor

from export.play.__main__ import BATCH, GOOD, QUALITIES
from realtime.model.ear import Ear
from trainer import config as configs
from trainer.data.audio import SOUNDFILE_SUFFIXES
from trainer.errors import TrainerError
from trainer.run import base, fit
from trainer.run.adapt import Adaptation
from trainer.run.state import State
from trainer.run.steps import never, train_epoch
from trainer.run.validation import encode

HEARD, AT_ONCE = 24, 8
POINTS = 6
"""Measurements of a run, besides the one before it."""
CORES = 2

Point = dict[str, float]


class Course:
    """The course of a run: minutes and distance; a display whose clock stands while it measures."""

    def __init__(self, state: State, points: Callable[[Tensor], Tensor], epochs: int) -> None:
        self._state, self._points = state, points
        self._due = set(np.geomspace(1, epochs, POINTS).round().astype(int).tolist())
        self._began = time.process_time()
        self._seconds = 0.0
        self.course: list[Point] = []

    def add(self, seconds: float) -> None:
        """Count seconds spent elsewhere."""
        self._seconds += seconds

    def measure(self) -> None:
        """Measure the distance now."""
        self._seconds += time.process_time() - self._began
        state = self._state
        places = torch.linspace(0, len(state.train) - 1, min(HEARD, len(state.train))).round().long()
        state.model.eval()
        with torch.no_grad():
            ours = torch.cat([state.model.decode(part) for part in self._points(places).split(AT_ONCE)])
        real, rate = state.sounds.waveforms[state.train[places]], state.config.model.sample_rate
        pairs = zip(ours[:, 0].numpy(), real[:, 0].numpy(), strict=True)
        found = np.array([Ear(theirs, rate).distance(mine) for mine, theirs in pairs])
        self.course.append({"minutes": self._seconds / 60, "distance_db": float(found.mean())})
        print(f"    {self._seconds:6.1f} s  {found.mean():.2f} dB", file=sys.stderr, flush=True)
        self._began = time.process_time()

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Do nothing."""

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Measure if this is one of the epochs."""
        if record["epoch"] in self._due:
            self.measure()

    def note(self, text: str) -> None:
        """Do nothing."""


def adapted(folder: Path) -> tuple[list[Point], float]:
    """Adapt the base to a folder; return the course and the seconds of the analysis."""
    config = configs.read(configs.DEFAULT).replace("data", max_per_source=0)
    config = config.replace("fit", epochs=QUALITIES[GOOD], batch_size=BATCH, device="cpu")
    known = base.choose(None, config)
    state = fit.start(config, folder, base=known, analysed=False)
    run = Adaptation(state, known)
    course = Course(state, lambda places: run.points.detach()[places], config.fit.epochs)
    course.measure()
    began = time.process_time()
    fit.take_apart(state)
    analysis = (time.process_time() - began) / CORES
    course.add(-(CORES - 1) * analysis)
    with tempfile.TemporaryDirectory() as out:
        run.run(Path(out), course)
    course.measure()
    return course.course, analysis


def scratch(folder: Path, analysis: float, seconds: float) -> list[Point]:
    """Train from random weights for so many seconds, analysis included; return the course."""
    config = configs.read(configs.DEFAULT).replace("data", max_per_source=0).replace("fit", device="cpu")
    state = fit.start(config, folder)
    began = time.process_time()
    course = Course(state, lambda places: encode(state, state.train[places]), 1)
    train_epoch(state, course, never)
    epochs = max(1, round((seconds - analysis) / (time.process_time() - began)))
    components = state.components
    state = fit.start(config.replace("fit", epochs=epochs), folder, analysed=False)
    state.components = components
    course = Course(state, lambda places: encode(state, state.train[places]), epochs)
    course.add(analysis)
    course.measure()
    while state.epoch < epochs:
        train_epoch(state, course, never)
        state.epoch, state.position = state.epoch + 1, 0
        course.finished_epoch({"epoch": state.epoch})
    return course.course


def some(folder: Path, count: int, target: Path) -> None:
    """Copy `count` sounds, drawn evenly from a folder, into another with the same sub-folders."""
    every = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDFILE_SUFFIXES)
    for place in np.unique(np.linspace(0, len(every) - 1, count).round().astype(int)):
        path = target / every[place].relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(every[place], path)


def measured(folder: Path, counts: list[int], times: float) -> Iterator[dict[str, Any]]:
    """Yield a record for each number of sounds."""
    for count in counts:
        with tempfile.TemporaryDirectory() as place:
            some(folder, count, Path(place))
            print(f"{count} sounds, adapted", file=sys.stderr)
            course, analysis = adapted(Path(place))
            print(f"{count} sounds, from scratch", file=sys.stderr)
            seconds = times * 60 * course[-1]["minutes"]
            yield {"sounds": count, "adapted": course, "scratch": scratch(Path(place), analysis, seconds)}


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Draw the courses as a picture."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(records), figsize=(3.6 * len(records), 3), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, record in zip(panels[0], records, strict=True):
        for name, line in (("adapted", "-"), ("scratch", "--")):
            minutes, distance = zip(*(point.values() for point in record[name]), strict=True)
            panel.plot(minutes, distance, line, marker="o", ms=3, linewidth=1.2, label=name)
        panel.set_title(f"{record['sounds']} sounds", fontsize=9)
        panel.set_xlabel("minutes", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("distance by ear, dB", fontsize=8)
    panels[0][0].set_ylim(bottom=0)
    panels[0][-1].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=80)


def main(argv: list[str] | None = None) -> int:
    """Measure, and print or draw."""
    parser = argparse.ArgumentParser(prog="bench.kit", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="sounds; sub-folders are classes")
    parser.add_argument("--sounds", type=int, nargs="+", default=[20, 60, 200], metavar="N")
    parser.add_argument("--times", type=float, default=3.0, help="how much longer to train from scratch")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.png", help="draw the courses")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        records = []
        for record in measured(args.folder, args.sounds, args.times):
            records.append(record)
            print(json.dumps(record), flush=True)
    except (TrainerError, OSError) as error:
        print(f"bench.kit: {error}", file=sys.stderr)
        return 2
    if args.out:
        draw(records, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
