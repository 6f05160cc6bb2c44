"""`python -m bench.variation MODEL FOLDER`: the spread of hits with `/morph/vary`, beside real sounds.

Prints for each class the mean mel distance (bench.distances) between hits at its centre, for several amounts,
and between as many real sounds of the folder.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench import distances
from bench.shots import Model, model_parser
from realtime.model.expression import MIDDLE, Expression
from realtime.util.errors import RealtimeError
from trainer.errors import DataError

COUNT = 8
AMOUNTS = (0.25, 0.5, 1.0)


def spread(sounds: Sequence[NDArray[np.floating]], rate: int) -> float:
    """Return the mean distance in dB over all pairs of sounds, [T] each."""
    powers = [distances.mel_power(sound, rate) for sound in sounds]
    pairs = itertools.permutations(powers, 2)
    return float(np.mean([distances.mel_db(one, other[None])[0] for one, other in pairs]))


def hits(model: Model, centre: Sequence[float], amount: float) -> list[NDArray[np.float32]]:
    """Return hits at a point, as the mixer draws them."""
    expression, z = Expression(model.info), np.array(centre, np.float64)
    offsets = [expression.offset(z, MIDDLE, 0.0, amount, [seed]) for seed in range(1, COUNT + 1)]
    return [model.decode(np.add(z, offset).astype(np.float32)) for offset in offsets]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    args = model_parser("variation", __doc__.splitlines()[0], "real sounds of the classes").parse_args(argv)
    try:
        model = Model(args.model)
        shots = model.read(args.folder, per_class=COUNT, encode=False)
    except (RealtimeError, DataError) as error:
        print(f"bench.variation: {error}", file=sys.stderr)
        return 2
    print(f"{'mean distance, dB':20s}" + "".join(f"{f'vary {x:g}':>12s}" for x in AMOUNTS) + f"{'real':>12s}")
    for each in model.info.classes:
        found = [spread(hits(model, each.centroid, amount), model.rate) for amount in AMOUNTS]
        real = [shot.sound for shot in shots if shot.label == each.name]
        found.append(spread(real, model.rate) if len(real) > 1 else float("nan"))
        print(f"{each.name:20s}" + "".join(f"{value:12.1f}" for value in found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
