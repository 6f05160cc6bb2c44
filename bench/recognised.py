"""`python -m bench.recognised MODEL FOLDER --taught FOLDER`: test if classifiers recognise a model's sounds.

A listener is a classifier that is trained only on the real sounds of the `--taught` folder. It then
classifies the real sounds of FOLDER, the model's reconstructions of these sounds, and the decoded class
centres of the model. Several listeners with different initial weights form an ensemble: their mean
probability decides.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.sounds import listener
from bench.sounds.shots import Floats, Model, Shot, model_parser
from realtime.util.errors import RealtimeError
from trainer.errors import DataError, TrainerError

LISTENERS = 3  # number of listeners


@dataclass(frozen=True)
class Ensemble:
    """Listeners trained on the same sounds.

    Attributes:
        classes: the classes that the listeners know; the label of a class is its index.
        members: the listeners.
    """

    classes: tuple[str, ...]
    members: tuple[listener.Listener, ...]

    def classify(self, sounds: Sequence[Floats]) -> list[str]:
        """Return the class of each sound [T], which is the class with the highest mean probability."""
        batch = _batch(sounds)
        mean = torch.stack([member.probabilities(batch) for member in self.members]).mean(0)
        return [self.classes[k] for k in mean.argmax(1).tolist()]


def train_listeners(taught: list[Shot], rate: int, count: int = LISTENERS) -> Ensemble:
    """Train `count` listeners on real sounds."""
    classes = tuple(sorted({shot.label for shot in taught}))
    labels = torch.tensor([classes.index(shot.label) for shot in taught])
    sounds = _batch([shot.sound for shot in taught])
    return Ensemble(classes, tuple(listener.fit(sounds, labels, rate, seed) for seed in range(count)))


def _batch(sounds: Sequence[Floats]) -> Tensor:
    return torch.from_numpy(np.stack(sounds).astype(np.float32))[:, None]


def judge(model: Model, shots: list[Shot], ensemble: Ensemble) -> dict[str, object]:
    """Return how well the listeners classify real sounds, their reconstructions, and decoded class centres.

    Args:
        model: the model.
        shots: the real sounds, each with the encoder's z for it (a position in latent space).
        ensemble: the listeners.
    """
    labels = [shot.label for shot in shots]
    real = ensemble.classify([shot.sound for shot in shots])
    ours = ensemble.classify([model.decode(shot.z) for shot in shots])
    named = model.info.classes
    centres = (
        ensemble.classify([model.decode(np.array(one.centroid, np.float32)) for one in named])
        if named
        else []
    )
    known = [
        (one.name, answer) for one, answer in zip(named, centres, strict=True) if one.name in ensemble.classes
    ]
    triples = list(zip(labels, real, ours, strict=True))
    return {
        "sounds": len(shots),
        "real": _share(labels, real),
        "ours": _share(labels, ours),
        "right only when real": sum(r == label != o for label, r, o in triples),
        "right only when ours": sum(o == label != r for label, r, o in triples),
        "centres": _share(*map(list, zip(*known, strict=True))) if known else None,
        "centres recognised as": {one.name: answer for one, answer in zip(named, centres, strict=True)},
        "classes": {label: _of_class([t for t in triples if t[0] == label]) for label in sorted(set(labels))},
    }


def _share(labels: list[str], answers: list[str]) -> float:
    return float(np.mean([label == answer for label, answer in zip(labels, answers, strict=True)]))


def _of_class(triples: list[tuple[str, str, str]]) -> dict[str, object]:
    label = triples[0][0]
    wrong = Counter(ours for _, _, ours in triples if ours != label)
    return {
        "sounds": len(triples),
        "real": float(np.mean([real == label for _, real, _ in triples])),
        "ours": float(np.mean([ours == label for _, _, ours in triples])),
        "ours recognised as": dict(wrong.most_common()),
    }


def show(found: dict[str, object]) -> None:
    """Print the tables."""
    classes: dict[str, dict[str, object]] = found["classes"]  # type: ignore[assignment]
    print(f"{'class':14s}{'sounds':>8s}{'real':>8s}{'ours':>8s}  ours recognised as")
    for label, one in {**classes, "all": found}.items():
        other: dict[str, int] = one.get("ours recognised as", {})  # type: ignore[assignment]
        mistakes = ", ".join(f"{name} {count}" for name, count in other.items())
        print(f"{label:14s}{one['sounds']:8d}{one['real']:8.0%}{one['ours']:8.0%}  {mistakes}")
    print(
        f"right only when real: {found['right only when real']}, when ours: {found['right only when ours']}"
    )
    answers: dict[str, str] = found["centres recognised as"]  # type: ignore[assignment]
    print("centres: " + ", ".join(f"{name} as {answer}" for name, answer in answers.items()))


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = model_parser(
        "recognised", __doc__.splitlines()[0], "real sounds on which the model was not trained"
    )
    parser.add_argument(
        "--taught", type=Path, required=True, metavar="FOLDER", help="real sounds to train the listeners on"
    )
    parser.add_argument(
        "--listeners", type=int, default=LISTENERS, metavar="N", help=f"number of listeners ({LISTENERS})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Train listeners, classify the sounds with them, and print the fractions of correct answers."""
    args = get_parser().parse_args(argv)
    torch.set_num_threads(1)
    try:
        model = Model(args.model)
        shots = model.read(args.folder)
        taught = model.read(args.taught, encode=False)
        if unknown := sorted({shot.label for shot in shots} - {shot.label for shot in taught}):
            raise DataError(f"{args.taught}: lacks classes of {args.folder}: {', '.join(unknown)}")
        found = judge(model, shots, train_listeners(taught, model.rate, max(1, args.listeners)))
    except (RealtimeError, TrainerError) as error:
        print(f"bench.recognised: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
