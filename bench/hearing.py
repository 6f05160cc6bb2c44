"""What a trained run sounds like, judged by a classifier of real sounds and by spectra.

`python -m bench.hearing RUN` fits a listener (bench.listener) to real sounds only: to those in the run's
folder that the run was not told of (other speakers), else to its training sounds. Then it asks:

- how often the listener is right about real test sounds, about the run's reconstructions of them, and about
  the decoded middles of the classes (means of z over the training sounds);
- how often, along straight paths between any two middles, it hears one of the two classes at their ends;
- how even these paths are: the largest step of MFCC distance on a path over its mean step, 1 at best;
- how far, in multi-resolution STFT distance, reconstructions are from their sounds, and for comparison how
  far the nearest training sound of the same class is.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench import listener
from bench.listener import Listener
from bench.measure import show
from trainer.data import mfcc_dtw
from trainer.data.sounds import prepare
from trainer.errors import TrainerError
from trainer.evaluation import quality, subject
from trainer.evaluation.subject import Heard, Subject

POINTS = 17
"""On a path, ends included."""


def teach(judged: Subject) -> tuple[Listener, str]:
    """A listener for the classes of a run, and what it was taught by."""
    saved, config = judged.saved, judged.saved.config
    waveforms, labels, source = judged.sounds.waveforms, judged.sounds.labels, "the run's training sounds"
    own = [judged.sounds.names.index(name) for name in saved.anchors.names]
    chosen = torch.tensor(own)
    if config.data.include:
        wider = dataclasses.replace(config.data, include="")
        sounds = prepare(Path(saved.data["folder"]), config.model, wider)
        known = {name: label for label, name in enumerate(saved.classes)}
        others = [
            i
            for i, name in enumerate(sounds.names)
            if name not in judged.sounds.names and sounds.classes[sounds.labels[i]] in known
        ]
        if {sounds.classes[sounds.labels[i]] for i in others} == set(known):
            waveforms, chosen, source = (
                sounds.waveforms,
                torch.tensor(others),
                "sounds that the run never met",
            )
            labels = torch.tensor([known.get(sounds.classes[label], -1) for label in sounds.labels.tolist()])
    rate = config.model.sample_rate
    return listener.fit(waveforms[chosen], labels[chosen], rate), f"{len(chosen)} of {source}"


def unevenness(features: list[mfcc_dtw.Array]) -> float:
    """Largest over mean step of a path, from the MFCCs [frames, coefficients] of its points."""
    steps = [
        float(np.linalg.norm(after - before, axis=1).mean()) for before, after in itertools.pairwise(features)
    ]
    return max(steps) / max(1e-9, sum(steps) / len(steps))


def paths(judged: Subject, heard: Heard) -> Iterator[tuple[int, int, Tensor]]:
    """Straight paths between the middles of any two classes, decoded: both classes, audio [POINTS, 1, T]."""
    position = torch.linspace(0, 1, POINTS)[:, None]
    for first, second in itertools.combinations(range(len(judged.saved.classes)), 2):
        start, stop = heard.learned_centres[first], heard.learned_centres[second]
        yield first, second, judged.decode(start + position * (stop - start))


def unevenness_of(audio: Tensor, sample_rate: int) -> float:
    """The same of a path that is decoded, [POINTS, 1, T]."""
    settings = mfcc_dtw.Settings.at(sample_rate)
    return unevenness([mfcc_dtw.features(sound[0].numpy(), settings) for sound in audio])


def heard_on_paths(judged: Subject, heard: Heard, ear: Listener) -> dict[str, object]:
    """What is heard on them, and how even they are."""
    rate = judged.saved.config.model.sample_rate
    within, ratios = [], []
    for first, second, audio in paths(judged, heard):
        predicted = ear.probabilities(audio).argmax(1)
        within.append(((predicted == first) | (predicted == second)).double().mean().item())
        ratios.append(unevenness_of(audio, rate))
    if not within:
        return {}
    return {
        "paths: one of the two ends is heard": float(np.mean(within)),
        "paths: largest step / mean step, median": float(np.median(ratios)),
        "paths: largest step / mean step, worst": max(ratios),
    }


def nearest_real(judged: Subject) -> float:
    """Mean over the test sounds of the STFT distance of the nearest training sound of their class."""
    anchors = judged.saved.anchors
    index = torch.tensor([judged.sounds.names.index(name) for name in anchors.names])
    labels = torch.tensor(anchors.labels)
    found = []
    for sound, label in zip(judged.waveforms, judged.labels.tolist(), strict=True):
        kin = judged.sounds.waveforms[index[labels == label]]
        found.append(quality.stft_distance(kin, sound.expand_as(kin)).min().item())
    return float(np.mean(found))


def measure(judged: Subject) -> dict[str, object]:
    """All numbers by name."""
    heard = subject.listen(judged)
    ear, taught = teach(judged)

    def right(audio: Tensor, labels: Tensor) -> float:
        return (ear.probabilities(audio).argmax(1) == labels).double().mean().item()

    classes = judged.saved.classes
    middles = ear.probabilities(heard.learned_audio).argmax(1).tolist()
    wrong = [
        f"{name} as {classes[as_]}"
        for label, (name, as_) in enumerate(zip(classes, middles, strict=True))
        if as_ != label
    ]
    return {
        "run": f"{judged.path}, epoch {judged.saved.epoch}",
        "listener was taught by": taught,
        "listener: real test sounds": right(judged.waveforms, judged.labels),
        "listener: reconstructions": right(heard.audio, judged.labels),
        "listener: middles of classes": 1 - len(wrong) / len(classes),
        "listener: middles heard as another": ", ".join(wrong) or "none",
        **heard_on_paths(judged, heard, ear),
        "STFT distance: reconstructions": float(quality.stft_distance(heard.audio, judged.waveforms).mean()),
        "STFT distance: nearest training sound": nearest_real(judged),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="What a trained run sounds like to a classifier of real sounds."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder or checkpoint")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="its sounds; where they were by default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        judged = subject.load(args.run, None, args.data)
        if args.data:
            judged.saved.data["folder"] = str(args.data)
        results = measure(judged)
    except TrainerError as error:
        print(f"bench.hearing: {error}", file=sys.stderr)
        return 2
    return show(results, as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
