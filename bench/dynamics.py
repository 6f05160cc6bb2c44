"""`python -m bench.dynamics MODEL FOLDER`: compare changes from soft to hard hits with real ones.

FOLDER has recordings (takes) of drums at several velocities (`velocity` and `drum` in its manifest). For each
drum, the softest real take is compared with the hardest by four features:

    centroid   of the power spectrum
    decay      time from the loudest 10 ms until the level stays 20 dB below it
    attack     centre of energy in time, of the first 50 ms
    rise       time in which the power (10 ms) rises from a tenth of its maximum; it varies widely between
               takes

The real change of each feature is compared with these changes:

    model      of the model at the mean point of the drum's takes, moved by `realtime.model.expression` as for
               hits of these velocities
    codec      of both takes, encoded and decoded: the limit of a model that knows the points of both
    takes      with `--takes FOLDER`: by a straight line fitted to other real takes of the drum: the limit of
               a model that has learnt these takes exactly
    constant   the best single change for each class, chosen on the same drums: the limit of a method that
               ignores the drum

Columns of the table:

    same way   number of drums whose change has the sign of the real one
    size       ratio of the change to the real one, both as logarithms; within 1.5: from 1/1.5 to 1.5

Real changes of less than 5 % are left out, as their sign is not reliable. "Clear" changes are larger than
those of nine out of ten pairs of takes at the same velocity.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.shots import Model, Shot, model_parser
from realtime.model.expression import Expression
from realtime.util.errors import RealtimeError
from trainer.errors import DataError

Sound = NDArray[np.floating]
WINDOW_S, FALL_DB = 0.01, 20.0
ATTACK_S, EARLIEST_S = 0.05, 1e-4
LEAST = float(np.log(1.05))
TAKES = {"centroid": 0.24, "decay": 0.29, "attack": 0.17, "rise": 0.28}
"""Limits of clear changes, as logarithms: nine out of ten pairs of takes at the same velocity differ by less.

Measured on 220 pairs of drums9/train.
"""
SIZE = 1.5
SIZES = np.linspace(-3.0, 3.0, 1201)
"""Changes that a constant may have."""


def features(sound: Sound, rate: int) -> dict[str, float]:
    """Return centroid in Hz, and decay, attack and rise in s, of a sound [T]."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / rate)
    width = round(WINDOW_S * rate)
    energy = np.convolve(np.asarray(sound, np.float64) ** 2, np.ones(width) / width)
    loudest = int(energy.argmax())
    after = np.flatnonzero(energy[loudest:] > energy[loudest] * 10 ** (-FALL_DB / 10))
    before = np.flatnonzero(energy[: loudest + 1] < 0.1 * energy[loudest])
    begin = int(before[-1]) if len(before) else 0
    early = np.asarray(sound[: round(ATTACK_S * rate)], np.float64) ** 2
    mean_s = float(early @ np.arange(len(early)) / early.sum()) / rate
    return {
        "centroid": float(power @ hz / power.sum()),
        "decay": (int(after[-1]) + 1) / rate,
        "attack": mean_s + EARLIEST_S,
        "rise": (loudest - begin + 1) / rate,
    }


def changes(soft: Sound, hard: Sound, rate: int) -> dict[str, float]:
    """Return the logarithms of the ratios of the features, hard over soft."""
    first, second = features(soft, rate), features(hard, rate)
    return {key: float(np.log(second[key] / first[key])) for key in first}


def fitted_changes(takes: list[Shot], rate: int) -> dict[str, float]:
    """Return the changes from velocity 0 to 1, by a straight line fitted to takes of several velocities."""
    found = [features(shot.sound, rate) for shot in takes]
    velocity = [shot.velocity for shot in takes]
    return {key: float(np.polyfit(velocity, np.log([each[key] for each in found]), 1)[0]) for key in found[0]}


def measure(model: Model, takes: list[Shot], others: list[Shot]) -> dict[str, dict[str, float]]:
    """Return the changes from the softest to the hardest take of a drum: real, by the model, by the codec.

    With other takes of the drum, also return the changes by the line fitted to them.
    """
    takes = sorted(takes, key=lambda shot: shot.velocity)
    z: NDArray[np.float64] = np.stack([shot.z for shot in takes]).astype(np.float64).mean(axis=0)
    expression = Expression(model.info)
    soft, hard = takes[0], takes[-1]
    first, second = (
        model.decode(np.add(z, expression.offset(z, shot.velocity, 1.0, 0.0, ())).astype(np.float32))
        for shot in (soft, hard)
    )
    found = {
        "real": changes(soft.sound, hard.sound, model.rate),
        "model": changes(first, second, model.rate),
        "codec": changes(model.decode(soft.z), model.decode(hard.z), model.rate),
    }
    if others:
        span = hard.velocity - soft.velocity
        found["takes"] = {key: span * slope for key, slope in fitted_changes(others, model.rate).items()}
    return found


def same_way(real: Sound, ours: Sound) -> int:
    """Return the number of our changes that have the sign of the real ones; [N] each."""
    return int(np.count_nonzero(real * ours > 0))


def near(real: Sound, ours: Sound) -> int:
    """Return the number of our changes within a factor of `SIZE` of the real ones; [N] each."""
    ratio = ours / real
    return int(np.count_nonzero((ratio > 1 / SIZE) & (ratio < SIZE)))


def best_constant(real: Sound, labels: Sequence[str]) -> tuple[int, int]:
    """Return the numbers of changes [N] that the best constant of each class gets in sign, and in size."""
    same = close = 0
    for label in set(labels):
        mine = real[np.array(labels) == label]
        same += max(same_way(mine, np.full_like(mine, sign)) for sign in (-1.0, 1.0))
        close += max(near(mine, np.full_like(mine, size)) for size in SIZES)
    return same, close


def show(pairs: list[dict[str, dict[str, float]]], labels: list[str]) -> None:
    """Print a row for each feature and method."""
    print(f"{len(pairs)} drums{'same way':>26s}{'median size':>14s}{'within 1.5':>13s}", end="")
    print(f"{'clear: same way':>20s}{'within 1.5':>13s}")
    for key, clear in TAKES.items():
        real = np.array([pair["real"][key] for pair in pairs])
        limits = [np.abs(real) >= least for least in (LEAST, clear)]
        for way in [*(way for way in pairs[0] if way != "real"), "constant"]:
            cells = []
            for at, counted in enumerate(limits):
                count = int(np.count_nonzero(counted))
                if way == "constant":
                    chosen = [label for label, one in zip(labels, counted, strict=True) if one]
                    same, close = best_constant(real[counted], chosen)
                    size = ""
                else:
                    ours = np.array([pair[way][key] for pair in pairs])[counted]
                    same, close = same_way(real[counted], ours), near(real[counted], ours)
                    size = f"{np.median(ours / real[counted]):.2f}" if count else ""
                cells += [f"{f'{same} of {count}':>{(17, 20)[at]}s}", f"{size:>14s}" if at == 0 else ""]
                cells.append(f"{close / max(count, 1):13.0%}")
            print(f"{key:9s}{way:9s}" + "".join(cells))


def layered(shots: list[Shot]) -> dict[tuple[str, str, str], list[Shot]]:
    """Return the takes of each drum that has several velocities, by class, kit and drum."""
    drums: dict[tuple[str, str, str], list[Shot]] = defaultdict(list)
    for shot in shots:
        if shot.velocity == shot.velocity:
            drums[shot.label, shot.kit, shot.drum].append(shot)
    return {drum: takes for drum, takes in drums.items() if len({shot.velocity for shot in takes}) > 1}


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = model_parser("dynamics", __doc__.splitlines()[0], "velocity layers of drums")
    parser.add_argument(
        "--takes",
        type=Path,
        metavar="FOLDER",
        help="other takes of the drums; drums without any are left out",
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
