"""`python -m bench.dynamics MODEL FOLDER`: the change of harder hits beside that of real ones.

FOLDER has takes of drums at several velocities, none of which the model learnt from (`velocity` and `drum` in
its manifest). For each drum, the softest real take stands against the hardest, and so do the model's sounds
from the mean point of the drum's takes, moved by `realtime.model.expression` as hits of these velocities are.

    centroid   of the power spectrum
    decay      time from the loudest 10 ms until all that follows is 20 dB below
    attack     time from a tenth of the loudest 10 ms to it
    same way   drums where the model's change has the sign of the real one
    size       the model's change over the real one, both as logarithms; within 1.5 counts from 1/1.5 to 1.5

Real changes of less than a twentieth are left out: their sign is not reliable.
"""

from __future__ import annotations

import sys
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from bench.shots import Model, Shot, model_parser
from realtime.model.expression import Expression
from realtime.util.errors import RealtimeError
from trainer.errors import DataError

Sound = NDArray[np.floating]
WINDOW_S, FALL_DB = 0.01, 20.0
LEAST = np.log(1.05)
SIZE = 1.5


def facts(sound: Sound, rate: int) -> dict[str, float]:
    """Return centroid in Hz, decay and attack in s of a sound [T]."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / rate)
    width = round(WINDOW_S * rate)
    energy = np.convolve(np.asarray(sound, np.float64) ** 2, np.ones(width) / width)
    loudest = int(energy.argmax())
    after = np.flatnonzero(energy[loudest:] > energy[loudest] * 10 ** (-FALL_DB / 10))
    before = np.flatnonzero(energy[: loudest + 1] < 0.1 * energy[loudest])
    begin = int(before[-1]) if len(before) else 0
    return {
        "centroid": float(power @ hz / power.sum()),
        "decay": (int(after[-1]) + 1) / rate,
        "attack": (loudest - begin + 1) / rate,
    }


def changes(soft: Sound, hard: Sound, rate: int) -> dict[str, float]:
    """Return the logarithms of the ratios of the facts, hard over soft."""
    first, second = facts(soft, rate), facts(hard, rate)
    return {key: float(np.log(second[key] / first[key])) for key in first}


def measure(model: Model, takes: list[Shot]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the real changes from the softest to the hardest take of a drum, and the model's."""
    takes = sorted(takes, key=lambda shot: shot.velocity)
    z: NDArray[np.float64] = np.stack([shot.z for shot in takes]).astype(np.float64).mean(axis=0)
    expression = Expression(model.info)
    ends = [
        model.decode(np.add(z, expression.offset(z, shot.velocity, 1.0, 0.0, ())).astype(np.float32))
        for shot in (takes[0], takes[-1])
    ]
    return changes(takes[0].sound, takes[-1].sound, model.rate), changes(ends[0], ends[1], model.rate)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    args = model_parser("dynamics", __doc__.splitlines()[0], "velocity layers of other drums").parse_args(
        argv
    )
    try:
        model = Model(args.model)
        shots = model.read(args.folder)
    except (RealtimeError, DataError) as error:
        print(f"bench.dynamics: {error}", file=sys.stderr)
        return 2
    drums: dict[tuple[str, str], list[Shot]] = defaultdict(list)
    for shot in shots:
        if shot.velocity == shot.velocity:
            drums[shot.kit, shot.drum].append(shot)
    several = [takes for takes in drums.values() if len({shot.velocity for shot in takes}) > 1]
    pairs = [measure(model, takes) for takes in several]
    print(f"{len(pairs)} drums {'same way':>12s}{'median size':>14s}{'size within 1.5':>18s}")
    for key in ("centroid", "decay", "attack"):
        real = np.array([first[key] for first, _ in pairs])
        ours = np.array([second[key] for _, second in pairs])
        told = np.abs(real) >= LEAST
        ratios = ours[told] / real[told]
        near = (ratios > 1 / SIZE) & (ratios < SIZE)
        same = f"{np.count_nonzero(ratios > 0)} of {np.count_nonzero(told)}"
        print(f"{key:10s}{same:>12s}{np.median(ratios):14.2f}{near.mean():18.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
