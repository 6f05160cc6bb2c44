"""`python -m bench.choice RUN ...`: compare training runs by their validation sounds alone.

Use this comparison to choose a training configuration. The test sounds stay unused until a single final
evaluation. All runs must have the same validation sounds (`[data] validation_fraction`). In this table, z is
the position of a sound in the latent space, and a class centre is the mean z of the training sounds of a
class:

    1-NN                fraction of validation sounds whose nearest training sound, by z, is of the same class
    deviation           MFCC-DTW deviation of the decoded class centre from the validation sounds of the
                        class: mean over the classes, and highest deviation
    medoid's deviation  deviation of the medoid (the most typical training sound) instead of the centre
    STFT distance       STFT distance between validation sounds and their reconstructions
    centre to medoid    STFT distance between the decoded centre and the medoid of a class
    largest / mean step largest MFCC distance between successive sounds on a straight path from one class
                        centre to another, divided by the mean distance: median over all pairs of classes,
                        and worst pair
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch

from bench.hearing import paths, unevenness_of
from realtime.util.parser import Parser
from trainer.data import splits
from trainer.data.medoids import medoids
from trainer.errors import DataError, TrainerError
from trainer.evaluation import evaluate, quality, subject
from trainer.evaluation.subject import Outputs, Subject


def load_for_validation(run: Path, data: Path | None) -> Subject:
    """Load the model of a run; the result contains the run's validation sounds in place of its test sounds.

    Raises:
        TrainerError: the run cannot be loaded, or it has no validation sounds.
    """
    found = subject.load(run, None, data)
    config = found.saved.config
    validation = splits.parts(found.sounds, config.data, config.fit.seed).validation
    if not len(validation):
        raise DataError(f"{run}: trained without validation sounds ([data] validation_fraction)")
    return dataclasses.replace(found, test=validation)


def centres_to_medoids(judged: Subject, outputs: Outputs) -> float:
    """Return the mean STFT distance between the decoded centres and the medoids of the classes."""
    config = judged.saved.config
    train = splits.parts(judged.sounds, config.data, config.fit.seed).train
    typical = judged.sounds.waveforms[medoids(judged.sounds, train, config.model.sample_rate)]
    return float(quality.stft_distance(outputs.learned_audio, typical).mean())


def measure(judged: Subject) -> dict[str, float | None]:
    """Return all measures of a run by name; a measure that needs more sounds or classes is None."""
    outputs = subject.outputs_of(judged)
    found = evaluate.measure(judged, outputs)
    deviations = [result.learned_centre.mean for result in found.classes]
    known = [value for value in deviations if value is not None]
    rate = judged.saved.config.model.sample_rate
    uneven = [unevenness_of(audio, rate) for _, _, audio in paths(judged, outputs)]
    average = found.averages()
    return {
        "1-NN": found.nearest_neighbour,
        "deviation": average["learned_centre"].mean,
        "highest deviation": max(known, default=None),
        "medoid's deviation": average["medoid"].mean,
        "STFT distance": found.stft_distance.mean,
        "centre to medoid": centres_to_medoids(judged, outputs),
        "largest / mean step": float(np.median(uneven)) if uneven else None,
        "worst": max(uneven, default=None),
    }


def main(argv: list[str] | None = None) -> int:
    """Measure the runs, and print the results of each."""
    parser = Parser(description="Compare runs by their validation sounds.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders or checkpoints")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the sounds, if it has moved")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        judged = [load_for_validation(run, args.data) for run in args.runs]
        for one, other in itertools.pairwise(judged):
            if one.names != other.names:
                raise DataError(f"{one.path} and {other.path}: their validation sounds differ")
        results = {str(run): measure(each) for run, each in zip(args.runs, judged, strict=True)}
    except TrainerError as error:
        print(f"bench.choice: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(results, indent=2))
        return 0
    print(f"{len(judged[0].test)} validation sounds")
    for run, numbers in results.items():
        shown = {name: "-" if value is None else f"{value:.3g}" for name, value in numbers.items()}
        print(run, *(f"{name} {value}" for name, value in shown.items()), sep="\n    ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
