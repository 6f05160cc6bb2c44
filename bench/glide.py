"""`python -m bench.glide MODEL`: measure whether the pitch of a morph between two drums glides.

The benchmark measures straight paths of 17 points in the latent space: from the centre of the class kick to
that of the class tom, and between 20 random pairs of training sounds that are tonal when the model plays
them. For comparison, it measures a crossfade between the sounds at the two ends of each path (a "plain mix").

    glides     Spearman's correlation of the pitch (the strongest partial below 500 Hz, rounded to 20 cents)
               with the straight line in log frequency; also the fraction of paths with .95 or more
    pitch      largest step of log frequency divided by the step of the straight line; 16 if the pitch changes
               in a single jump
    loudness   largest deviation of the loudness from the straight line between the ends, in LU
    mel        largest step divided by the mean step, in mel distance (mean difference of mel levels)
    ear        the same ratio, in the distance of CDPAM, a network trained on listeners' judgements
    sounding   "glides" and "pitch" within a single sound that is morphed while it is playing, from 60 to
               300 ms after its start, in windows of 93 ms
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench.sounds import distances, partials
from bench.sounds.learned_ear import LearnedEar, LearnedEarError
from bench.sounds.shots import Floats, Model, add_learned_ear, model_parser
from realtime.offline.levels import lufs
from realtime.util.errors import RealtimeError

POINTS, PAIRS, SEED = 17, 20, 0
INTERVAL_OCTAVES = 0.25
"""Smallest interval between the pitches of the ends. A smaller glide cannot be measured."""
RESOLUTION_CENTS = 20.0
"""Resolution of pitches. In a plain mix, too, the spectral peaks move steadily, but only by some cents."""
GLIDES = 0.95  # smallest correlation at which a path is called a glide
WINDOW_S, HOP_S = 0.093, 0.012  # window and hop in which pitch is measured within a sound

Sounds = Sequence[NDArray[np.floating]]


class Ends(NamedTuple):
    """The ends of a path, two positions in latent space ([D] each), and a name for the pair."""

    name: str
    start: Floats
    end: Floats


def tonal_pairs(model: Model, count: int) -> list[Ends]:
    """Return up to `count` random pairs of training sounds that are tonal when the model plays them."""
    draw, pitched = np.random.default_rng(SEED), []
    for index in draw.permutation(len(model.info.anchors)):
        anchor = model.info.anchors[index]
        sound = model.decode(z := np.array(anchor.z, np.float32))
        if partials.is_tonal(sound, model.rate):
            pitched.append(
                (anchor.name, z, partials.strongest_hz(partials.body(sound, model.rate), model.rate))
            )
        if len(pitched) >= 2 * count + 10:  # more sounds than needed: some pairs are too close in pitch
            break
    apart = [
        Ends(f"{one[0]} - {other[0]}", one[1], other[1])
        for one, other in itertools.combinations(pitched, 2)
        if abs(np.log2(one[2] / other[2])) >= INTERVAL_OCTAVES
    ]
    return [apart[k] for k in draw.permutation(len(apart))[:count]]


def path(model: Model, ends: Ends) -> list[Floats]:
    """Return the sounds of 17 points on the straight line between two points, the ends included."""
    return [model.decode(ends.start + share * (ends.end - ends.start)) for share in np.linspace(0, 1, POINTS)]


def mixed(first: Floats, last: Floats) -> list[NDArray[np.floating]]:
    """Return 17 plain mixes of two sounds, the ends included."""
    return [(1 - share) * first + share * last for share in np.linspace(0, 1, POINTS)]


def correlation(pitches: Sequence[float]) -> float:
    """Return Spearman's correlation of pitches in Hz, rounded to 20 cents, with a straight line.

    The line goes from the first to the last pitch. If a pitch is missing or all pitches are equal, the result
    is 0.
    """
    steps = np.round(1200 * np.log2(np.asarray(pitches) / pitches[0]) / RESOLUTION_CENTS)
    if np.isnan(steps).any() or np.ptp(steps) == 0:
        return 0.0
    return float(spearmanr(steps, np.linspace(0, np.log2(pitches[-1] / pitches[0]), len(steps))).statistic)


def largest_step(pitches: Sequence[float]) -> float:
    """Return the largest step of log frequency divided by the step of the straight line, 1 at best."""
    logs = np.log(pitches)
    return float(np.abs(np.diff(logs)).max() / (abs(logs[-1] - logs[0]) / (len(logs) - 1)))


def unevenness(steps: Sequence[float]) -> float:
    """Return the largest step divided by the mean step, 1 at best."""
    return max(steps) / max(1e-9, sum(steps) / len(steps))


def loudness_error(sounds: Sounds, rate: int) -> float:
    """Return the largest deviation of a path's loudness from the straight line between its ends, in LU."""
    return off_line([lufs(np.asarray(sound, np.float32)[:, None], rate) for sound in sounds])


def off_line(values: Sequence[float]) -> float:
    """Return the largest deviation of values from the straight line between the first and the last value."""
    return float(np.abs(np.asarray(values) - np.linspace(values[0], values[-1], len(values))).max())


def mel_steps(sounds: Sounds, rate: int) -> list[float]:
    """Return the mel distances between neighbouring sounds of a path, in dB.

    Levels are limited to 70 dB below the loudest band of the entire path.
    """
    mels = [distances.mel_power(sound, rate) for sound in sounds]
    floor = np.float32(max(mel.max() for mel in mels) * 10 ** (-distances.MEL_RANGE_DB / 10))
    levels = [10 * np.log10(mel + floor) for mel in mels]
    return [float(np.abs(after - before).mean()) for before, after in itertools.pairwise(levels)]


def while_sounding(model: Model, ends: Ends) -> Floats:
    """Return a sound [T] that is morphed along a path between 60 and 300 ms after the start of the sound."""
    time = (np.arange(model.info.frames) + 0.5) * model.hop / model.rate
    share = np.clip((time - partials.FROM_S) / (partials.TO_S - partials.FROM_S), 0, 1)[:, None]
    return model.decode((ends.start + share * (ends.end - ends.start)).astype(np.float32))


def crossfaded(first: Floats, last: Floats, rate: int) -> NDArray[np.floating]:
    """Return a crossfade from the first to the last sound, between 60 and 300 ms after their start."""
    time = np.arange(len(first)) / rate
    share = np.clip((time - partials.FROM_S) / (partials.TO_S - partials.FROM_S), 0, 1)
    return np.asarray((1 - share) * first + share * last)


def pitch_track(sound: NDArray[np.floating], rate: int) -> list[float]:
    """Return the frequency in Hz of the strongest partial of a sound, window by window, during the morph."""
    size = round(WINDOW_S * rate)
    middles = np.arange(partials.FROM_S, partials.TO_S + 1e-9, HOP_S)
    starts = [max(0, round(middle * rate) - size // 2) for middle in middles]
    return [partials.strongest_hz(sound[start : start + size], rate) for start in starts]


def measure(
    sounds: Sounds, moving: NDArray[np.floating], rate: int, ear: LearnedEar | None
) -> dict[str, float]:
    """Return all measures of one path.

    Args:
        sounds: the sounds at the points of the path, [T] each.
        moving: a sound that is morphed along the path while it is playing, [T].
        rate: sample rate of the sounds, in Hz.
        ear: measures the distances of CDPAM; None leaves them out.
    """
    pitches = [partials.strongest_hz(partials.body(sound, rate), rate) for sound in sounds]
    sounding = pitch_track(moving, rate)
    found = {
        "glides": correlation(pitches),
        "pitch": largest_step(pitches),
        "loudness": loudness_error(sounds, rate),
        "mel": unevenness(mel_steps(sounds, rate)),
        "sounding": correlation(sounding),
        "sounding pitch": largest_step(sounding),
    }
    if ear is not None:
        points = [ear.embedding(np.asarray(sound, np.float32), rate) for sound in sounds]
        found["ear"] = unevenness([ear.distance(*pair) for pair in itertools.pairwise(points)])
    return found


def summary(paths: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each measure over the paths, and the fractions of the paths that glide."""
    found = {}
    for key in paths[0]:
        known = [one[key] for one in paths if not np.isnan(one[key])]
        found[key] = float(np.median(known)) if known else math.nan
    for key in ("glides", "sounding"):
        found[f"{key} in"] = float(np.mean([one[key] >= GLIDES for one in paths]))
    return found


def results(model: Model, ear: LearnedEar | None, count: int = PAIRS) -> dict[str, object]:
    """Return the columns of the table, the pitches of each path in Hz, and the measures of each path."""
    groups: dict[str, list[Ends]] = {}
    centres = {named.name: np.array(named.centroid, np.float32) for named in model.info.classes}
    if {"kick", "tom"} <= set(centres):
        groups["kick to tom"] = [Ends("kick - tom", centres["kick"], centres["tom"])]
    if pairs := tonal_pairs(model, count):
        groups[f"{len(pairs)} pairs"] = pairs
    columns: dict[str, dict[str, float]] = {}
    each: dict[str, dict[str, dict[str, float]]] = {}
    tracks: dict[str, list[float]] = {}
    for title, members in groups.items():
        ours, plain = [], []
        for ends in members:
            sounds = path(model, ends)
            mixes = mixed(sounds[0], sounds[-1])
            ours.append(measure(sounds, while_sounding(model, ends), model.rate, ear))
            plain.append(measure(mixes, crossfaded(sounds[0], sounds[-1], model.rate), model.rate, ear))
            each[ends.name] = {"ours": ours[-1], "plain mix": plain[-1]}
            tracks[ends.name] = [
                partials.strongest_hz(partials.body(s, model.rate), model.rate) for s in sounds
            ]
            if ear:
                ear.remember()
        columns[title] = summary(ours)
        columns[f"{title}, plain mix"] = summary(plain)
    return {"columns": columns, "hz": tracks, "each": each}


ROWS = {
    "glides": ("Spearman of pitch with the straight line", ".2f"),
    "glides in": ("share of paths with .95 or more", ".0%"),
    "pitch": ("largest step of pitch / straight step", ".1f"),
    "sounding": ("while it sounds: Spearman", ".2f"),
    "sounding in": ("while it sounds: .95 or more", ".0%"),
    "sounding pitch": ("while it sounds: largest step", ".1f"),
    "loudness": ("loudness off the straight line, LU", ".1f"),
    "mel": ("mel distance, largest / mean step", ".1f"),
    "ear": ("learned ear, largest / mean step", ".1f"),
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    import torch

    parser = model_parser("glide", __doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS, metavar="N", help=f"random pairs ({PAIRS})")
    add_learned_ear(parser)
    parser.add_argument("--json", action="store_true", help="print JSON that includes each path")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        model = Model(args.model)
        found = results(model, LearnedEar(args.memory) if args.learned else None, args.pairs)
    except (LearnedEarError, RealtimeError) as error:
        print(f"bench.glide: {error}", file=sys.stderr)
        return 2
    columns: dict[str, dict[str, float]] = found["columns"]  # type: ignore[assignment]
    if not columns:
        print(f"bench.glide: {args.model} has neither a kick and a tom nor two tonal drums", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(found, indent=1).replace("NaN", "null"))
        return 0
    print(f"{'':42s}" + "".join(f"{title:>24s}" for title in columns))
    for key, (title, form) in ROWS.items():
        if any(key in column for column in columns.values()):
            print(
                f"{title:42s}" + "".join(f"{format(column[key], form):>24s}" for column in columns.values())
            )
    tracks: dict[str, list[float]] = found["hz"]  # type: ignore[assignment]
    for name, hertz in itertools.islice(tracks.items(), 1):
        print(f"{name}, Hz: " + " ".join(f"{value:.0f}" for value in hertz))
    return 0


if __name__ == "__main__":
    sys.exit(main())
