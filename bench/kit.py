"""`python -m bench.kit FOLDER`: measure how closely a model reproduces a folder of sounds, by training time.

The training sounds are spread evenly over the folder, whose sub-folders are classes. For each number of
sounds, runs of different lengths start from the base (the bundled trained model) or from random weights:

    adapted   from the base, as `trainer play` does, with each --quality
    scratch   from random weights, as `trainer fit --from none` does, for each of --minutes

The folder should contain no sounds on which the base was trained. At its end, each run is measured on 24 of
the sounds: the results are the means of three distances between a sound and its reconstruction. These are the
mel distance (the mean difference of mel levels, realtime.model.ear), the multi-scale spectral distance MSS,
and the onset error (`bench.sounds.distances`). The result for 0 passes is measured before the training.

Minutes are minutes of processor time, to exclude the effect of other programs. They are half of the time for
the analysis, which uses two cores, plus the time for the training, which uses one thread. The time for
measuring is left out.

`--base FOLDER` names the recordings on which the base was trained. Each adapted result then also contains the
mean mel distance between 96 of these recordings and the adapted model's versions of them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.sounds.distances import multi_scale, onset_error
from export.play.__main__ import BATCH, QUALITIES
from realtime.model.ear import Ear
from realtime.util.parser import Parser
from trainer import config as configs
from trainer.components.analysis import Components
from trainer.data.audio import SOUNDFILE_SUFFIXES, prepare_signal, read
from trainer.errors import TrainerError
from trainer.run import base, copies, fit
from trainer.run.adapt import Adaptation
from trainer.run.checkpoint import Checkpoint
from trainer.run.progress import Silent
from trainer.run.state import State
from trainer.run.steps import never, train_epoch
from trainer.run.validation import encode, encode_anchors

MEASURED, AT_ONCE = 24, 8
"""Maximum number of sounds that are measured, and number of sounds decoded at once."""
BASE = 96
"""Maximum number of the base's sounds that are measured."""
CORES = 2
"""Number of cores that the analysis uses."""
ADAPTED, SCRATCH = "adapted", "scratch"


@dataclass(frozen=True)
class Result:
    """The measures at the end of a run.

    Attributes:
        sounds: number of training sounds.
        start: "adapted" (from the base) or "scratch" (from random weights).
        passes: number of passes over the sounds; 0 for a result before the training.
        minutes: processor time, in minutes.
        distance_db: mean mel distance from the training sounds.
        mss: mean MSS.
        onset: mean onset error.
        base_db: mean mel distance from recordings on which the base was trained; None if not measured.
    """

    sounds: int
    start: str
    passes: int
    minutes: float
    distance_db: float
    mss: float
    onset: float
    base_db: float | None = None


class Recordings:
    """The recordings on which a base was trained. Each recording is read only once.

    Args:
        folder: the folder of the recordings.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ears: dict[str, Ear] = {}

    @torch.no_grad()
    def distance_db(self, state: State, known: Checkpoint) -> float:
        """Return the mean mel distance between `BASE` recordings and a model's versions of them.

        Args:
            state: the run with the model.
            known: the base; its anchors give the z (position in latent space) of each recording.

        Raises:
            TrainerError: a recording is missing.
        """
        anchors, distances = known.anchors, []
        count = min(BASE, len(anchors.names))
        for place in torch.linspace(0, len(anchors.names) - 1, count).round().long().tolist():
            name = anchors.names[place]
            if name not in self._ears:
                self._ears[name] = Ear(self._read(name, state), state.config.model.sample_rate)
            ours = state.model.decode(anchors.mean[place : place + 1].float())[0, 0].numpy()
            distances.append(self._ears[name].distance(ours))
        return float(np.mean(distances))

    def _read(self, name: str, state: State) -> NDArray[np.float32]:
        paths = (self._folder / f"{name}{suffix}" for suffix in SOUNDFILE_SUFFIXES)
        path = next(filter(Path.exists, paths), None)
        if path is None:
            raise TrainerError(f"{self._folder}: no recording {name}, on which the base was trained")
        return prepare_signal(*read(path), state.config.model, state.config.data)


class Kit:
    """A folder of sounds. They are analysed once, for all runs.

    Args:
        folder: the folder of the sounds.
        recordings: the recordings on which the base was trained; None leaves `Result.base_db` out.
    """

    def __init__(self, folder: Path, recordings: Recordings | None = None) -> None:
        self._folder, self._recordings = folder, recordings
        self._config = configs.read(configs.DEFAULT).replace("data", max_per_source=0)
        self._analysed: tuple[Components | None, Tensor | None] | None = None
        self._analysis_s = 0.0

    def adapted(self, passes: int) -> Result:
        """Train from the base for `passes` passes, and return the result; 0 measures the base itself."""
        config = self._config.replace("fit", epochs=max(1, passes), batch_size=BATCH, device="cpu")
        known = base.choose(None, config)
        state = fit.start(config, self._folder, base=known, analysed=False)
        began = time.process_time()
        run = Adaptation(state, known)
        if passes:
            self._analyse(state)
            with tempfile.TemporaryDirectory() as out:
                run.run(Path(out), Silent())
        seconds = time.process_time() - began + (self._analysis_s if passes else 0.0)
        found = _end(state, run.points.detach(), ADAPTED, seconds)
        if self._recordings is None or known is None:
            return found
        return replace(found, base_db=self._recordings.distance_db(state, known))

    def scratch(self, minutes: float) -> Result:
        """Train from random weights for `minutes`, and return the result; 0 measures the untrained model."""
        config = self._config.replace("fit", device="cpu")
        state = fit.start(config, self._folder, analysed=False)
        if not minutes:
            return _end(state, encode(state, state.train), SCRATCH, 0.0)
        self._analyse(state)
        passes = _passes(state, 60 * minutes - self._analysis_s)
        state = fit.start(config.replace("fit", epochs=passes), self._folder, analysed=False)
        self._analyse(state)
        began = time.process_time()
        points = _learn(state, passes)
        return _end(state, points, SCRATCH, time.process_time() - began + self._analysis_s)

    def _analyse(self, state: State) -> None:
        if self._analysed is None:
            began = time.process_time()
            fit.analyse_sounds(state)
            self._analysed = state.components, state.bodies
            self._analysis_s = (time.process_time() - began) / CORES
        state.components, state.bodies = self._analysed


def _passes(state: State, seconds: float) -> int:
    """Return the number of passes that take `seconds` of processor time.

    The first passes take longer, because they also make varied copies of the sounds.
    """
    first = max(1, state.config.data.copies)
    began = time.process_time()
    _learn(state, first)
    made = time.process_time()
    _learn(state, 2 * first)
    later = (time.process_time() - made) / first
    return max(1, round(first + (seconds - (made - began)) / later))


def _learn(state: State, passes: int) -> Tensor:
    """Train until `passes` passes over the sounds are done; return z of the sounds, [N, D]."""
    if state.config.loss.points and state.points is None:
        copies.give_points(state)
    while state.epoch < passes:
        train_epoch(state, Silent(), never)
        state.epoch, state.position = state.epoch + 1, 0
    return encode_anchors(state).mean


@torch.no_grad()
def _end(state: State, points: Tensor, start: str, seconds: float) -> Result:
    """Return the result of a run.

    Args:
        state: the run.
        points: z of the training sounds, [N, D].
        start: `ADAPTED` or `SCRATCH`.
        seconds: processor time of the run.
    """
    places = torch.linspace(0, len(state.train) - 1, min(MEASURED, len(state.train))).round().long()
    state.model.eval()
    ours = torch.cat([state.model.decode(part) for part in points[places].split(AT_ONCE)])[:, 0].numpy()
    real, rate = state.sounds.waveforms[state.train[places], 0].numpy(), state.config.model.sample_rate
    pairs = list(zip(real, ours, strict=True))
    return Result(
        sounds=len(state.train),
        start=start,
        passes=state.epoch,
        minutes=seconds / 60,
        distance_db=float(np.mean([Ear(theirs, rate).distance(ours) for theirs, ours in pairs])),
        mss=float(np.mean([multi_scale(theirs, some) for theirs, some in pairs])),
        onset=float(np.mean([onset_error(theirs, some, rate) for theirs, some in pairs])),
    )


def copy_some(folder: Path, count: int, target: Path) -> None:
    """Copy `count` sounds, spread evenly over `folder`, to the same sub-folders of `target`."""
    every = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDFILE_SUFFIXES)
    for place in np.unique(np.linspace(0, len(every) - 1, count).round().astype(int)):
        path = target / every[place].relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(every[place], path)


def measured(
    folder: Path, counts: list[int], minutes: list[float], base_folder: Path | None = None
) -> Iterator[Result]:
    """Yield the results for each number of sounds in `counts`: first adapted, then from random weights."""
    recordings = None if base_folder is None else Recordings(base_folder)
    for count in counts:
        with tempfile.TemporaryDirectory() as place:
            copy_some(folder, count, Path(place))
            kit = Kit(Path(place), recordings)
            yield from map(kit.adapted, (0, *QUALITIES.values()))
            yield from map(kit.scratch, (0.0, *minutes))


def draw(results: list[Result], path: Path) -> None:
    """Draw the results as a picture."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = [(count, list(group)) for count, group in groupby(results, lambda result: result.sounds)]
    figure, panels = pyplot.subplots(
        1, len(groups), figsize=(3.6 * len(groups), 3), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, (count, group) in zip(panels[0], groups, strict=True):
        for start, line in ((ADAPTED, "-"), (SCRATCH, "--")):
            some = [result for result in group if result.start == start]
            panel.plot(
                [result.minutes for result in some],
                [result.distance_db for result in some],
                line,
                marker="o",
                ms=3,
                linewidth=1.2,
                label=start,
            )
        panel.set_xscale("symlog", linthresh=0.1)
        panel.set_title(f"{count} sounds", fontsize=9)
        panel.set_xlabel("minutes", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("mel distance, dB", fontsize=8)
    panels[0][0].set_ylim(bottom=0)
    panels[0][-1].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=80)


def main(argv: list[str] | None = None) -> int:
    """Measure, and print or draw."""
    parser = Parser(prog="bench.kit", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="sounds; sub-folders are classes")
    parser.add_argument("--sounds", type=int, nargs="+", default=[20, 60, 200], metavar="N")
    parser.add_argument(
        "--minutes",
        type=float,
        nargs="*",
        default=[1, 5, 60],
        metavar="M",
        help="durations of the runs from random weights",
    )
    parser.add_argument("--base", type=Path, metavar="FOLDER", help="the base's training sounds")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.png", help="draw the results")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        results = []
        for result in measured(args.folder, args.sounds, args.minutes, args.base):
            results.append(result)
            print(json.dumps(asdict(result)), flush=True)
    except (TrainerError, OSError) as error:
        print(f"bench.kit: {error}", file=sys.stderr)
        return 2
    if args.out:
        draw(results, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
