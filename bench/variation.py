"""`python -m bench.variation MODEL FOLDER`: compare the variation of hits with the variation of real sounds.

The OSC message `/morph/vary` sets how much each hit deviates at random. The class centre is the position in
the latent space that represents a class. For each class, the table contains the mean mel distance (mean
difference of mel levels) between hits at the class centre, for several amounts of `/morph/vary`. For
comparison, it contains the mean mel distance between real sounds of the class from FOLDER. With `--learned`,
the distance is that of CDPAM, a network trained on listeners' judgements.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.sounds import distances
from bench.sounds.learned_ear import LearnedEar, LearnedEarError
from bench.sounds.shots import Model, add_learned_ear, model_parser
from realtime.model.expression import MIDDLE, Expression
from realtime.util.errors import RealtimeError
from trainer.errors import DataError

COUNT = 8  # number of hits of each class, and maximum number of real sounds of each class
AMOUNTS = (0.25, 0.5, 1.0)  # arguments of `/morph/vary`


Sound = NDArray[np.floating]
Between = Callable[[Sequence[Sound]], float]
"""A function that returns the mean distance over all pairs of sounds, [T] each."""


def by_mel(rate: int) -> Between:
    """Return a function that returns the mean mel distance, in dB."""

    def between(sounds: Sequence[Sound]) -> float:
        powers = [distances.mel_power(sound, rate) for sound in sounds]
        pairs = itertools.permutations(powers, 2)
        return float(np.mean([distances.mel_db(one, other[None])[0] for one, other in pairs]))

    return between


def by_cdpam(ear: LearnedEar, rate: int) -> Between:
    """Return a function that returns the mean distance of CDPAM."""

    def between(sounds: Sequence[Sound]) -> float:
        points = [ear.embedding(sound, rate) for sound in sounds]
        ear.remember()
        return float(np.mean([ear.distance(*pair) for pair in itertools.permutations(points, 2)]))

    return between


def hits(model: Model, centre: Sequence[float], amount: float) -> list[NDArray[np.float32]]:
    """Return the sounds of `COUNT` hits at the class centre, with random offsets as in the server's mixer."""
    expression, z = Expression(model.info), np.array(centre, np.float64)
    offsets = [expression.offset(z, MIDDLE, 0.0, amount, [seed]) for seed in range(1, COUNT + 1)]
    return [model.decode(np.add(z, offset).astype(np.float32)) for offset in offsets]


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = model_parser("variation", __doc__.splitlines()[0], "real sounds of the classes")
    add_learned_ear(parser)
    args = parser.parse_args(argv)
    try:
        model = Model(args.model)
        shots = model.read(args.folder, per_class=COUNT, encode=False)
        between = by_cdpam(LearnedEar(args.memory), model.rate) if args.learned else by_mel(model.rate)
    except (LearnedEarError, RealtimeError, DataError) as error:
        print(f"bench.variation: {error}", file=sys.stderr)
        return 2
    title, form = ("mean distance, CDPAM", ".3f") if args.learned else ("mean distance, dB", ".1f")
    print(f"{title:20s}" + "".join(f"{f'vary {x:g}':>12s}" for x in AMOUNTS) + f"{'real':>12s}")
    for each in model.info.classes:
        found = [between(hits(model, each.centroid, amount)) for amount in AMOUNTS]
        real = [shot.sound for shot in shots if shot.label == each.name]
        found.append(between(real) if len(real) > 1 else float("nan"))
        print(f"{each.name:20s}" + "".join(f"{value:>12{form}}" for value in found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
