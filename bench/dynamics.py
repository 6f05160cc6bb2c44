"""`python -m bench.dynamics MODEL FOLDER`: compare the effect of velocity on a model's and recorded sounds.

FOLDER contains recordings (takes) of drums at several velocities (columns `velocity` and `drum` of its
manifest.csv). Because single takes differ by chance, a straight line over velocity is fitted to all takes of
a drum. The change of the drum is the slope of this line. A line is fitted to the logarithm of each of these
features:

    centroid   centroid of the power spectrum
    decay      time until the remaining energy is 20 dB below the total (Schroeder's decay curve, ISO 3382)
    attack     mean time within the first 50 ms, weighted by energy
    rise       time from a tenth of the greatest power to the greatest power
    fall       time from the greatest power until the power stays 20 dB below the greatest

For rise and fall, the power is a mean over 10 ms; these two features vary widely between takes. The real
change of each feature (the change in the recordings) is compared with these changes, where z is a position in
the latent space:

    model      change between the model's sounds at the lowest and the highest velocity: for each velocity,
               `realtime.model.expression` moves the mean z of the drum's takes
    codec      change of the same takes after encoding and decoding. No model that knows the z of all takes
               can do better.
    takes      change of other real takes of the drum (`--takes FOLDER`). A model that has learnt these takes
               exactly would get this result.
    constant   one change for all drums of a class, the best for these drums. No method that ignores
               differences between the drums of a class can do better.

Columns of the table:

    same way      number of drums whose change has the same sign as the real change
    median size   median ratio of the change to the real change
    within 1.5    percentage of drums for which this ratio is between 1/1.5 and 1.5

Real changes of less than 5 % over the full range of velocities are left out because their sign is unreliable.
The columns under "clear" count only real changes that exceed two standard errors of the slope; these errors
are estimated from the scatter of all takes about their lines.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.sounds.shots import Model, Shot, model_parser
from realtime.model.expression import Expression
from realtime.util.errors import RealtimeError
from trainer.errors import DataError

Sound = NDArray[np.floating]
WINDOW_S, FALL_POWER = 0.01, 0.01  # window over which power is averaged; -20 dB as a ratio of powers
ATTACK_S, EARLIEST_S = 0.05, 1e-4  # length of the attack; time added to its mean time for a finite logarithm
LEAST = float(np.log(1.05))  # smallest real change that is counted
CLEAR = 2.0
"""A change is clear if it exceeds this number of standard errors."""
SIMILAR_RATIO = 1.5  # largest ratio of two changes of similar size
SIZES = np.linspace(-3.0, 3.0, 1201)
"""Candidates for the best constant of a class (the method "constant")."""


class Slope(NamedTuple):
    """Lines fitted to the takes of a drum, one for the logarithm of each feature over velocity.

    Attributes:
        change: change from velocity 0 to 1, by feature.
        squares: sum of the squared deviations of the velocities from their mean.
        rest: sum of the squared deviations of the takes from the line, by feature.
        free: degrees of freedom of `rest`.
    """

    change: dict[str, float]
    squares: float
    rest: dict[str, float]
    free: int


@dataclass(frozen=True)
class Drum:
    """The changes of a drum from velocity 0 to 1.

    Attributes:
        real: the changes of the drum's takes.
        ours: the changes found by each method, by method and feature.
    """

    real: Slope
    ours: dict[str, dict[str, float]]


def features(sound: Sound, rate: int) -> dict[str, float]:
    """Return the features of a sound [T]: the centroid in Hz, all other features in s."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / rate)
    squared = np.asarray(sound, np.float64) ** 2
    left = np.cumsum(squared[::-1])[::-1]
    width = round(WINDOW_S * rate)
    energy = np.convolve(squared, np.ones(width) / width)
    loudest = int(energy.argmax())
    after = np.flatnonzero(energy[loudest:] > energy[loudest] * FALL_POWER)
    before = np.flatnonzero(energy[: loudest + 1] < 0.1 * energy[loudest])
    begin = int(before[-1]) if len(before) else 0
    early = squared[: round(ATTACK_S * rate)]
    mean_s = float(early @ np.arange(len(early)) / early.sum()) / rate
    return {
        "centroid": float(power @ hz / power.sum()),
        "decay": int(np.count_nonzero(left > left[0] * FALL_POWER)) / rate,
        "attack": mean_s + EARLIEST_S,
        "rise": (loudest - begin + 1) / rate,
        "fall": (int(after[-1]) + 1) / rate,
    }


def fitted(sounds: Sequence[Sound], velocities: Sequence[float], rate: int) -> Slope:
    """Return the lines fitted to the features of sounds [T]; at least two sounds must differ in velocity."""
    found = [features(sound, rate) for sound in sounds]
    hardness = np.subtract(velocities, np.mean(velocities))
    squares = float(hardness @ hardness)
    change, rest = {}, {}
    for key in found[0]:
        values = np.log([each[key] for each in found])
        change[key] = float(hardness @ values) / squares
        rest[key] = float(np.square(values - values.mean() - change[key] * hardness).sum())
    return Slope(change, squares, rest, len(sounds) - 2)


def standard_errors(drums: Sequence[Drum], feature: str) -> Sound:
    """Return the standard errors [N] of the real changes, assuming equal scatter in all drums' takes."""
    free = sum(drum.real.free for drum in drums)
    variance = sum(drum.real.rest[feature] for drum in drums) / max(free, 1)
    return np.sqrt([variance / drum.real.squares for drum in drums])


def measure(model: Model, takes: list[Shot], others: list[Shot]) -> Drum:
    """Return the changes of a drum by all methods except "constant".

    Args:
        model: the model.
        takes: the takes of the drum.
        others: other takes of the drum; if empty, the method "takes" is left out.
    """
    velocities = [shot.velocity for shot in takes]
    z: NDArray[np.float64] = np.stack([shot.z for shot in takes]).astype(np.float64).mean(axis=0)
    expression, range_ = Expression(model.info), (min(velocities), max(velocities))
    hits = [
        model.decode(np.add(z, expression.offset(z, velocity, 1.0, 0.0, ())).astype(np.float32))
        for velocity in range_
    ]
    ours = {
        "model": fitted(hits, range_, model.rate).change,
        "codec": fitted([model.decode(shot.z) for shot in takes], velocities, model.rate).change,
    }
    if others:
        theirs = [shot.velocity for shot in others]
        ours["takes"] = fitted([shot.sound for shot in others], theirs, model.rate).change
    return Drum(fitted([shot.sound for shot in takes], velocities, model.rate), ours)


def same_way(real: Sound, ours: Sound) -> int:
    """Return the number of our changes [N] with the same sign as the real changes [N]."""
    return int(np.count_nonzero(real * ours > 0))


def near(real: Sound, ours: Sound) -> int:
    """Return the number of our changes [N] within a factor of `SIMILAR_RATIO` of the real changes [N]."""
    ratio = ours / real
    return int(np.count_nonzero((ratio > 1 / SIMILAR_RATIO) & (ratio < SIMILAR_RATIO)))


def best_constant(real: Sound, labels: Sequence[str]) -> tuple[int, int]:
    """Count the real changes [N] that agree with the best constant of their class, in sign and in size.

    The result is two counts: of changes with the same sign and of changes with a similar size
    (`SIMILAR_RATIO`). The best constant may differ between the two counts.

    Args:
        real: the real change of each drum.
        labels: the class of each drum.
    """
    same = close = 0
    for label in set(labels):
        own = real[np.array(labels) == label]
        same += max(same_way(own, np.full_like(own, sign)) for sign in (-1.0, 1.0))
        close += max(near(own, np.full_like(own, size)) for size in SIZES)
    return same, close


def show(drums: Sequence[Drum], labels: list[str]) -> None:
    """Print a row for each feature and method."""
    print(f"{len(drums)} drums{'same way':>26s}{'median size':>14s}{'within 1.5':>13s}", end="")
    print(f"{'clear: same way':>20s}{'within 1.5':>13s}")
    for key in drums[0].real.change:
        real = np.array([drum.real.change[key] for drum in drums])
        limits = (np.abs(real) >= LEAST, np.abs(real) > CLEAR * standard_errors(drums, key))
        for way in [*drums[0].ours, "constant"]:
            cells = []
            for at, counted in enumerate(limits):
                count = int(np.count_nonzero(counted))
                if way == "constant":
                    chosen = [label for label, one in zip(labels, counted, strict=True) if one]
                    same, close = best_constant(real[counted], chosen)
                    size = ""
                else:
                    ours = np.array([drum.ours[way][key] for drum in drums])[counted]
                    same, close = same_way(real[counted], ours), near(real[counted], ours)
                    size = f"{np.median(ours / real[counted]):.2f}" if count else ""
                cells += [f"{f'{same} of {count}':>{(17, 20)[at]}s}", f"{size:>14s}" if at == 0 else ""]
                cells.append(f"{close / max(count, 1):13.0%}")
            print(f"{key:9s}{way:9s}" + "".join(cells))


def layered(shots: list[Shot]) -> dict[tuple[str, str, str], list[Shot]]:
    """Return the takes of each drum that was recorded at several velocities, by class, kit and drum."""
    drums: dict[tuple[str, str, str], list[Shot]] = defaultdict(list)
    for shot in shots:
        if shot.velocity == shot.velocity:  # not NaN
            drums[shot.label, shot.kit, shot.drum].append(shot)
    return {drum: takes for drum, takes in drums.items() if len({shot.velocity for shot in takes}) > 1}


def main(argv: list[str] | None = None) -> int:
    """Run the command line: measure, and print the table."""
    parser = model_parser("dynamics", __doc__.splitlines()[0], "recordings of drums at several velocities")
    parser.add_argument(
        "--takes",
        type=Path,
        metavar="FOLDER",
        help="other takes of the same drums; drums without other takes are left out",
    )
    args = parser.parse_args(argv)
    try:
        model = Model(args.model)
        drums = layered(model.read(args.folder))
        others = layered(model.read(args.takes, encode=False)) if args.takes else {}
    except (RealtimeError, DataError) as error:
        print(f"bench.dynamics: {error}", file=sys.stderr)
        return 2
    if args.takes:
        drums = {drum: takes for drum, takes in drums.items() if drum in others}
    if not drums:
        print("bench.dynamics: no drum has takes of two velocities", file=sys.stderr)
        return 2
    found = [measure(model, takes, others.get(drum, [])) for drum, takes in drums.items()]
    show(found, [label for label, _, _ in drums])
    return 0


if __name__ == "__main__":
    sys.exit(main())
