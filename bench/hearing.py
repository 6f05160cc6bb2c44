"""Evaluates the model of a training run by its spectra, and with a classifier trained on real sounds.

`python -m bench.hearing RUN` trains a classifier (the listener) on real sounds only. It takes
sounds of the data folder that were not used by the run, such as those of other people; if there are none, it
takes the training sounds of the run. Then the program measures:

- the accuracy of the listener on real test sounds, on the reconstructions of these sounds, and on the decoded
  centres of the classes (a centre is the mean of z, the position in latent space, over the training sounds);
- the fraction of points, on the straight paths between all pairs of centres, that the listener assigns to the
  class at one of the two ends;
- the unevenness of these paths: the largest step of a path, in MFCC distance, divided by the mean step;
- the multi-resolution STFT distance between test sounds and reconstructions, and for comparison the distance
  between a test sound and the nearest training sound of the same class.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.machine.measure import show
from bench.sounds import listener
from bench.sounds.listener import Listener
from realtime.util.parser import Parser
from trainer.data import mfcc_dtw
from trainer.data.sounds import prepare
from trainer.errors import TrainerError
from trainer.evaluation import quality, subject
from trainer.evaluation.subject import Outputs, Subject

POINTS = 17
"""Number of points on a path, including the ends."""


def train_listener(judged: Subject) -> tuple[Listener, str]:
    """Train a listener for the classes of a run; return it, and a description of its training sounds."""
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
                "sounds unknown to the run",
            )
            labels = torch.tensor([known.get(sounds.classes[label], -1) for label in sounds.labels.tolist()])
    rate = config.model.sample_rate
    return listener.fit(waveforms[chosen], labels[chosen], rate), f"{len(chosen)} of {source}"


def unevenness(features: list[mfcc_dtw.Array]) -> float:
    """Return the largest step of a path divided by its mean step.

    Args:
        features: the MFCCs of the sound at each point of the path.
    """
    steps = [
        float(np.linalg.norm(after - before, axis=1).mean()) for before, after in itertools.pairwise(features)
    ]
    return max(steps) / max(1e-9, sum(steps) / len(steps))


def paths(judged: Subject, outputs: Outputs) -> Iterator[tuple[int, int, Tensor]]:
    """Decode the straight path between every two class centres.

    Yields:
        The indices of the two classes, and the decoded sounds [POINTS, 1, T].
    """
    position = torch.linspace(0, 1, POINTS)[:, None]
    for first, second in itertools.combinations(range(len(judged.saved.classes)), 2):
        start, stop = outputs.learned_centres[first], outputs.learned_centres[second]
        yield first, second, judged.decode(start + position * (stop - start))


def unevenness_of(audio: Tensor, sample_rate: int) -> float:
    """Return the unevenness of a path, given its decoded sounds [POINTS, 1, T]."""
    settings = mfcc_dtw.Settings.at(sample_rate)
    return unevenness([mfcc_dtw.features(sound[0].numpy(), settings) for sound in audio])


def recognised_on_paths(judged: Subject, outputs: Outputs, ear: Listener) -> dict[str, object]:
    """Return the fraction of points classified as the class at either end, and the paths' unevenness."""
    rate = judged.saved.config.model.sample_rate
    within, ratios = [], []
    for first, second, audio in paths(judged, outputs):
        predicted = ear.probabilities(audio).argmax(1)
        within.append(((predicted == first) | (predicted == second)).double().mean().item())
        ratios.append(unevenness_of(audio, rate))
    if not within:
        return {}
    return {
        "paths: recognised as one of the two ends": float(np.mean(within)),
        "paths: largest step / mean step, median": float(np.median(ratios)),
        "paths: largest step / mean step, worst": max(ratios),
    }


def nearest_real(judged: Subject) -> float:
    """Return the mean STFT distance between a test sound and the nearest training sound of the same class."""
    anchors = judged.saved.anchors
    index = torch.tensor([judged.sounds.names.index(name) for name in anchors.names])
    labels = torch.tensor(anchors.labels)
    found = []
    for sound, label in zip(judged.waveforms, judged.labels.tolist(), strict=True):
        same_class = judged.sounds.waveforms[index[labels == label]]
        found.append(quality.stft_distance(same_class, sound.expand_as(same_class)).min().item())
    return float(np.mean(found))


def measure(judged: Subject) -> dict[str, object]:
    """Return all measures of a run; the keys are their names."""
    outputs = subject.outputs_of(judged)
    ear, taught = train_listener(judged)

    def right(audio: Tensor, labels: Tensor) -> float:
        return (ear.probabilities(audio).argmax(1) == labels).double().mean().item()

    classes = judged.saved.classes
    middles = ear.probabilities(outputs.learned_audio).argmax(1).tolist()
    wrong = [
        f"{name} as {classes[answer]}"
        for label, (name, answer) in enumerate(zip(classes, middles, strict=True))
        if answer != label
    ]
    return {
        "run": f"{judged.path}, epoch {judged.saved.epoch}",
        "listener was trained on": taught,
        "listener: real test sounds": right(judged.waveforms, judged.labels),
        "listener: reconstructions": right(outputs.audio, judged.labels),
        "listener: class centres": 1 - len(wrong) / len(classes),
        "listener: centres recognised as another class": ", ".join(wrong) or "none",
        **recognised_on_paths(judged, outputs, ear),
        "STFT distance: reconstructions": float(
            quality.stft_distance(outputs.audio, judged.waveforms).mean()
        ),
        "STFT distance: nearest training sound": nearest_real(judged),
    }


def main(argv: list[str] | None = None) -> int:
    """Measure and print the figures."""
    parser = Parser(
        description="Evaluate the model of a run with a classifier that is trained on real sounds."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder or checkpoint")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the sounds, if it has moved")
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
