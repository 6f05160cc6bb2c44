"""`python -m bench.means --data FOLDER`: measure how typical the mean of several waveforms sounds.

A take is a recording of one spoken digit. A decoder trained with a squared error returns, for a position in
the latent space, the mean of all sounds that this position may stand for. At a class centre, this is the mean
of many takes. This program needs no model: it measures the best possible result of such a decoder. The
measure is the MFCC-DTW deviation of the mean waveform of 1, 2, 4, … training takes from the test takes,
averaged over draws and classes. Takes are averaged both unaligned and aligned (`[data] align_ms`). The means
are measured both at their own level and scaled to the level of the takes (peak 1). For comparison, the
program also measures means of takes from a different class, single takes with added white noise, and white
noise alone.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.paper import SPEAKER
from realtime.util.parser import Parser
from trainer import config as configs
from trainer.data import alignment, mfcc_dtw, splits
from trainer.data.mfcc_dtw import Settings
from trainer.data.sampling import generator
from trainer.data.sounds import Sounds, prepare
from trainer.errors import DataError, TrainerError

COUNTS = (1, 2, 4, 8, 0)
"""Numbers of takes in a mean; 0 stands for all takes."""
DRAWS = 4
"""Number of means of each size, from different draws of takes."""
RATIOS_DB = (10.0, 20.0, 30.0, 40.0, 50.0)
"""Signal-to-noise ratios of takes with white noise."""


def means_of(takes: Tensor, count: int, purpose: str) -> Tensor:
    """Return means of takes drawn at random.

    Args:
        takes: the takes to draw from, [N, T].
        count: number of takes in a mean.
        purpose: name of the draw, from which its seed is derived.

    Returns:
        `DRAWS` means [DRAWS, T]; or, if `count` is 0 or at least N, the mean of all takes [1, T].
    """
    if not count or count >= len(takes):
        return takes.mean(0, keepdim=True)
    orders = [torch.randperm(len(takes), generator=generator(0, purpose, i)) for i in range(DRAWS)]
    return torch.stack([takes[order[:count]].mean(0) for order in orders])


class Takes:
    """The MFCC features of the test takes of each class.

    Raises:
        DataError: a class has too few test takes.
    """

    def __init__(self, sounds: Sounds, test: Tensor, sample_rate: int) -> None:
        self.settings = Settings.at(sample_rate)
        members = [test[sounds.labels[test] == label].tolist() for label in range(len(sounds.classes))]
        if min(map(len, members)) < mfcc_dtw.FEWEST:
            raise DataError(f"each class needs {mfcc_dtw.FEWEST} test takes or more")
        self.features = [
            [mfcc_dtw.features(sounds.waveforms[i, 0].numpy(), self.settings) for i in some]
            for some in members
        ]
        self.among = [mfcc_dtw.pairwise(some) for some in self.features]

    def deviation(self, means: Tensor, label: int) -> float:
        """Return the deviation of means [N, T] from the takes of a class, averaged over the means."""
        found = [
            mfcc_dtw.deviation(
                mfcc_dtw.features(mean.numpy(), self.settings), self.features[label], self.among[label]
            ).mean
            for mean in means
        ]
        return float(np.mean([math.nan if value is None else value for value in found]))


def rows(sounds: Sounds, train: Tensor, takes: Takes, ahead: int = 0) -> list[list[float]]:
    """Return the deviations of the means at their own level and at peak 1, for each of `COUNTS`.

    Args:
        ahead: 0 averages takes from the class itself, 1 averages takes from the next class.
    """
    found, classes = [], len(sounds.classes)
    for count in COUNTS:
        pairs = []
        for label in range(classes):
            own = train[sounds.labels[train] == (label + ahead) % classes]
            means = means_of(sounds.waveforms[own, 0], count, f"means/{label}")
            level = means.abs().amax(1, keepdim=True)
            pairs.append([takes.deviation(some, label) for some in (means, means / level)])
        found.append([float(value) for value in np.mean(pairs, axis=0)])
    return found


def noisy(sounds: Sounds, train: Tensor, takes: Takes) -> list[float]:
    """Return the deviation of training takes with added white noise, for each ratio in `RATIOS_DB`.

    Each deviation is the mean over `DRAWS` takes of each class, and over the classes.
    """
    found = []
    for ratio in RATIOS_DB:
        values = []
        for label in range(len(sounds.classes)):
            own = sounds.waveforms[train[sounds.labels[train] == label], 0]
            some = means_of(own, 1, f"means/{label}")
            level = some.square().mean(1, keepdim=True).sqrt() * 10 ** (-ratio / 20)
            hiss = torch.randn(some.shape, generator=generator(0, f"means/noise/{label}"))
            values.append(takes.deviation(some + level * hiss, label))
        found.append(float(np.mean(values)))
    return found


def noise(sounds: Sounds, takes: Takes) -> float:
    """Return the deviation of white noise with peak 1 and the length of a take, averaged over the classes."""
    found = torch.randn(1, sounds.waveforms.shape[-1], generator=generator(0, "means/noise"))
    return float(np.mean([takes.deviation(found / found.abs().max(), i) for i in range(len(takes.among))]))


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table in Markdown."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the spoken digits")
    parser.add_argument("--include", default=SPEAKER, help="file name pattern; default: the speaker jackson")
    parser.add_argument("--align-ms", type=float, nargs="+", default=[0.0, 10.0, 40.0], metavar="MS")
    args = parser.parse_args(argv)
    counts = " | ".join(f"{n or 'all'}" for n in COUNTS)
    print(f"| align_ms | coherence | takes of | level | {counts} |")
    print("|---|---|---|---|" + "---|" * len(COUNTS))
    try:
        for align_ms in args.align_ms:
            config = configs.read("digits").replace("data", include=args.include, align_ms=align_ms)
            sounds = prepare(args.data, config.model, config.data)
            parts = splits.parts(sounds, config.data, config.fit.seed)
            sounds = alignment.aligned(sounds, parts.train, config.model.length)
            share = alignment.coherence(sounds, parts.train)
            takes = Takes(sounds, parts.test, config.model.sample_rate)
            for ahead, whose in enumerate(
                ("the class", "the next class") if not align_ms else ("the class",)
            ):
                found = rows(sounds, parts.train, takes, ahead)
                for name, values in zip(("own", "peak 1"), zip(*found, strict=True), strict=True):
                    cells = " | ".join(f"{value:+.2f}".replace("-", "−") for value in values)
                    print(f"| {align_ms:g} | {share:.3f} | {whose} | {name} | {cells} |", flush=True)
        for ratio, value in zip(RATIOS_DB, noisy(sounds, parts.train, takes), strict=True):
            print(f"a take with white noise, {ratio:.0f} dB below it: {value:+.2f}".replace("-", "−"))
        print(f"white noise: {noise(sounds, takes):+.2f}")
    except TrainerError as error:
        print(f"bench.means: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
