"""`python -m bench.evenness MODEL`: measure how evenly the sound changes between class centres.

Each path between two centres is measured at nine points, in two ways: at the positions and levels that the
OSC message `/morph/between` uses; and, for comparison, at equal steps of z (the position in the latent
space), with the levels unchanged.

    mel          largest step divided by the mean step, in mel distance (mean difference of mel levels)
    ear          the same ratio, in the distance of CDPAM, a network trained on listeners' judgements
    loudness     largest deviation, in LU, of the loudness of the first 400 ms from the straight line between
                 the ends; the levels of `/morph/between` make this loudness even
    momentary    the same deviation for the loudest 400 ms (EBU Tech 3341)
    short-term   the same deviation for a block of 3 s (EBU Tech 3341), which contains the entire sound
    gated        the same deviation for the loudness of entire sounds, as in BS.1770: a mean over the blocks
                 that pass a gate. This loudness falls if quieter blocks of a longer tail pass the gate, and
                 jumps if one more block passes
"""

from __future__ import annotations

import itertools
import sys

import numpy as np

from bench.glide import loudness_error, mel_steps, off_line, unevenness
from bench.sounds.learned_ear import LearnedEar, LearnedEarError
from bench.sounds.shots import Floats, Model, add_learned_ear, model_parser
from realtime.control.latent_space import LatentSpace
from realtime.model.courses import WAYS
from realtime.offline.levels import GATE_S, lufs
from realtime.util.errors import RealtimeError

POINTS = 9  # number of points on a path, including the ends
HOP_S = 0.05  # time from the start of a 400 ms block to the start of the next block


def sounds(model: Model, space: LatentSpace, start: str, end: str, way: str) -> list[Floats]:
    """Return the sounds [T] at `POINTS` points on the path between the classes `start` and `end`.

    Args:
        way: how positions and levels are chosen, one of `WAYS`.
    """
    found = []
    for share in np.linspace(0.0, 1.0, POINTS).tolist():
        z, level_db = space.between(start, end, share, way)
        found.append(model.decode(np.array(z, np.float32)) * np.float32(10 ** (level_db / 20)))
    return found


def momentary_error(steps: list[Floats], rate: int) -> float:
    """Return the "momentary" measure of a path, in LU, given the sounds [T] at its points."""
    length, hop = round(GATE_S * rate) + 1, round(HOP_S * rate)
    loudest = []
    for sound in steps:
        starts = range(0, max(1, len(sound) - length + 1), hop)
        loudest.append(max(lufs(sound[start : start + length, None], rate) for start in starts))
    return off_line(loudest)


def short_term_error(steps: list[Floats], rate: int) -> float:
    """Return the "short-term" measure of a path, in LU, given the sounds [T] at its points.

    The sounds are equally long and last up to 3 s.
    """
    import pyloudnorm

    meter = pyloudnorm.Meter(rate, block_size=(len(steps[0]) - 1) / rate)
    return off_line([meter.integrated_loudness(np.asarray(sound, np.float64)[:, None]) for sound in steps])


def measure(steps: list[Floats], rate: int, ear: LearnedEar | None) -> dict[str, float]:
    """Return the measures of one path, given the sounds [T] at its points."""
    begin = [sound[: round(GATE_S * rate) + 1] for sound in steps]
    found = {
        "mel": unevenness(mel_steps(steps, rate)),
        "loudness": loudness_error(begin, rate),
        "momentary": momentary_error(steps, rate),
        "short-term": short_term_error(steps, rate),
        "gated": loudness_error(steps, rate),
    }
    if ear is not None:
        points = [ear.embedding(np.asarray(sound, np.float32), rate) for sound in steps]
        found["ear"] = unevenness([ear.distance(*pair) for pair in itertools.pairwise(points)])
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    import torch

    parser = model_parser("evenness", __doc__.splitlines()[0])
    add_learned_ear(parser)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        model = Model(args.model)
        ear = LearnedEar(args.memory) if args.learned else None
    except (LearnedEarError, RealtimeError) as error:
        print(f"bench.evenness: {error}", file=sys.stderr)
        return 2
    space = LatentSpace(model.info)
    names = [each.name for each in model.info.classes]
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for pair in itertools.combinations(names, 2):
        for way in WAYS:
            found[way].append(measure(sounds(model, space, *pair, way), model.rate, ear))
        print(" - ".join(pair), {way: found[way][-1] for way in WAYS}, file=sys.stderr, flush=True)
        if ear:
            ear.remember()
    for way in WAYS:
        for key in found[way][0]:
            values = [each[key] for each in found[way]]
            print(f"{way:10s}{key:10s} median {np.median(values):5.2f}  worst {max(values):5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
