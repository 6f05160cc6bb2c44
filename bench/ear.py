"""`python -m bench.ear MODEL FOLDER`: measure the distances between a model's sounds and real sounds.

The model encodes each sound in FOLDER to z, a position in the latent space, and decodes z. The column "ours"
contains the distances of the decoded sounds from the real sounds. With --search, the server's search first
refines z; the column "searched" contains the distances of the sounds decoded from the refined z. Three more
columns show which distances are possible without a model:

    nearest   the training sound of the model at the smallest mel distance (needs --trained)
    take      another recording of the same drum, found by the columns `kit` and `drum` of manifest.csv (in
              FOLDER or in --takes)
    mix       a plain mix: the mean of the two nearest training sounds (needs --trained)

The numbers are medians, for each class and over all sounds. `bench.sounds` defines the measures. The "learned
ear" is CDPAM, a network that has learnt from listeners' judgements how different two sounds are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.sounds import distances, partials, timbre
from bench.sounds.learned_ear import LearnedEar, LearnedEarError, kernel_distance
from bench.sounds.shots import Floats, Model, Shot, add_learned_ear, model_parser
from realtime.util.errors import RealtimeError
from trainer.errors import TrainerError

COLUMNS = ("real", "ours", "searched", "nearest", "take", "mix")
OVERALL = "all"


class Measure(NamedTuple):
    """A row of the table: its name in the JSON, its title, and the format of its numbers."""

    name: str
    title: str
    form: str


TIMBRE = (
    Measure("grid_db", "grid: multiples of rate / hop, dB", "+.1f"),
    Measure("frame_power_ratio", "power within a frame, 2-8 kHz, ratio", ".2f"),
    Measure("texture", "texture (Gaussian noise .51)", ".2f"),
    Measure("ring_db", "ring, dB (noise 9.3)", ".1f"),
    Measure("tonality", "tonality of the body (tone 1, noise .1)", ".2f"),
    Measure("attack_treble_db", "attack above 5 kHz, dB", ".0f"),
    Measure("tail_db", "tail under the peak, dB (silence -160)", ".0f"),
    Measure("silent_tail_db", "tail, if the real sound's tail is silent", ".0f"),
)
DISTANCES = (
    Measure("onset_error", "onset error", ".2f"),
    Measure("mel_db", "mel distance, dB", ".1f"),
    Measure("mss", "MSS (Drumblender)", ".2f"),
    Measure("lsd", "LSD (Drumblender)", ".2f"),
    Measure("flux_error", "onset error (Drumblender's code)", ".2f"),
)
LEARNED = Measure("cdpam", "learned ear (CDPAM)", ".3f")

Values = dict[str, float]


@dataclass
class Comparison:
    """A real sound, and the sounds that are compared with it.

    Attributes:
        shot: the real sound.
        sounds: the sound for each column of the table; columns without a sound are left out.
        values: the measured values, by column and name of the measure.
    """

    shot: Shot
    sounds: dict[str, NDArray[np.floating]]
    values: dict[str, Values] = field(default_factory=dict)


def compare(
    model: Model,
    shots: list[Shot],
    trained: list[Shot],
    takes: list[Shot],
    tick: Callable[[int], None],
    search: bool = False,
) -> list[Comparison]:
    """Measure all columns for all sounds, except the distances of the learned ear.

    Args:
        model: the model.
        shots: the real sounds, each with the encoder's z for it.
        trained: the training sounds of the model; if empty, "nearest" and "mix" are left out.
        takes: sounds among which to look for other hits of the same drums.
        tick: called with the number of sounds that are done.
        search: True also measures the column "searched".
    """
    mels = np.stack([distances.mel_power(shot.sound, model.rate) for shot in trained]) if trained else None
    found = []
    for done, shot in enumerate(shots, start=1):
        sounds: dict[str, NDArray[np.floating]] = {"real": shot.sound, "ours": model.decode(shot.z)}
        if search:
            sounds["searched"] = model.decode(model.search(shot))
        if mels is not None:
            first, second = _nearest(shot, trained, mels, model.rate)
            sounds |= {"nearest": first, "mix": (first + second) / 2}
        if (take := another_take(shot, takes)) is not None:
            sounds["take"] = take.sound
        compared = Comparison(shot, sounds)
        for column, sound in sounds.items():
            compared.values[column] = _values(shot.sound, sound, model, alone=column == "real")
        found.append(compared)
        tick(done)
    return found


def _values(real: Floats, sound: NDArray[np.floating], model: Model, *, alone: bool) -> Values:
    rate, hop = model.rate, model.hop
    tail = timbre.tail_db(sound, rate)
    values = {
        "grid_db": timbre.grid_db(sound, rate, hop),
        "frame_power_ratio": timbre.frame_power_ratio(sound, rate, hop),
        "texture": timbre.texture(sound, rate),
        "ring_db": timbre.ring_db(sound, rate),
        "tonality": partials.tonality(sound, rate),
        "attack_treble_db": timbre.attack_treble_db(sound, rate),
        "tail_db": tail,
        "silent_tail_db": tail if timbre.tail_db(real, rate) == timbre.SILENCE_DB else float("nan"),
    }
    if alone:
        return values
    mels = (distances.mel_power(one, rate) for one in (real, sound))
    return values | {
        "onset_error": distances.onset_error(real, sound, rate),
        "mel_db": float(distances.mel_db(*mels)),
        "mss": distances.multi_scale(real, sound),
        "lsd": distances.log_spectral(real, sound),
        "flux_error": distances.flux_error(real, sound),
    }


def _nearest(shot: Shot, trained: list[Shot], mels: Floats, rate: int) -> tuple[Floats, Floats]:
    """Return the two training sounds at the smallest mel distances from a sound, without the sound itself."""
    distance = distances.mel_db(distances.mel_power(shot.sound, rate), mels)
    for place in np.flatnonzero(distance < 1e-3):
        if np.array_equal(trained[place].sound, shot.sound):
            distance[place] = np.inf
    first, second = np.argsort(distance)[:2]
    return trained[first].sound, trained[second].sound


def another_take(shot: Shot, takes: Iterable[Shot]) -> Shot | None:
    """Return the other recording of the same drum whose velocity is most similar; None if there is none."""
    others = [
        take
        for take in takes
        if shot.drum
        and (take.kit, take.label, take.drum) == (shot.kit, shot.label, shot.drum)
        and not np.array_equal(take.sound, shot.sound)
    ]
    return min(
        others, key=lambda take: (np.nan_to_num(abs(take.velocity - shot.velocity)), take.name), default=None
    )


def add_learned(
    compared: list[Comparison], ear: LearnedEar, rate: int, tick: Callable[[int], None]
) -> dict[str, float]:
    """Add the distances of the learned ear to all comparisons.

    Returns:
        The KID (kernel distance between two sets of sounds) between each column and the real sounds. The key
        "spread" gives the standard deviation of the KID between two random halves of the real sounds. A KID
        below "spread" is no evidence of a difference.
    """
    points: dict[str, list[Floats]] = {column: [] for column in COLUMNS}
    for done, one in enumerate(compared, start=1):
        real = ear.embedding(one.shot.sound, rate)
        for column, sound in one.sounds.items():
            point = ear.embedding(sound, rate)
            points[column].append(point)
            if column != "real":
                one.values[column][LEARNED.name] = ear.distance(real, point)
        tick(done)
        if done % 5 == 0:  # about every minute
            ear.remember()
    ear.remember()
    real_points = np.stack(points["real"])
    kid = {
        column: kernel_distance(real_points, np.stack(members))
        for column, members in points.items()
        if column != "real" and len(members) > 1
    }
    draw, halves = np.random.default_rng(0), []
    for _ in range(50 if len(real_points) >= 4 else 0):
        order, half = draw.permutation(len(real_points)), len(real_points) // 2
        halves.append(kernel_distance(real_points[order[:half]], real_points[order[half:]]))
    return kid | ({"spread": float(np.std(halves))} if halves else {})


def medians(compared: list[Comparison], column: str) -> Values:
    """Return the median of each measure in a column, over the sounds that have a value."""
    found = {}
    for measure in (*TIMBRE, *DISTANCES, LEARNED):
        values = [one.values[column].get(measure.name, np.nan) for one in compared if column in one.values]
        known = [value for value in values if not np.isnan(value)]
        if known:
            found[measure.name] = float(np.median(known))
    return found


def nearer(compared: list[Comparison], name: str) -> float | None:
    """Return the fraction of real sounds to which "ours" is closer than "nearest", by the measure `name`.

    The result is None if there are no training sounds.
    """
    pairs = [
        (one.values["ours"][name], one.values["nearest"][name])
        for one in compared
        if name in one.values["ours"] and "nearest" in one.values
    ]
    return float(np.mean([ours < nearest for ours, nearest in pairs])) if pairs else None


def summary(compared: list[Comparison]) -> dict[str, dict[str, object]]:
    """Return the results for each class and for all sounds.

    They are the number of sounds, the medians, the numbers of silent tails, and the fractions of sounds to
    which "ours" is closer than "nearest".
    """
    labels = sorted({one.shot.label for one in compared})
    groups = {OVERALL: compared} | {
        label: [one for one in compared if one.shot.label == label] for label in labels
    }
    return {
        name: {
            "sounds": len(members),
            "medians": {column: values for column in COLUMNS if (values := medians(members, column))},
            "silent tails": {
                column: sum(
                    one.values[column]["tail_db"] == timbre.SILENCE_DB
                    for one in members
                    if column in one.values
                )
                for column in ("real", "ours")
            },
            "nearer than the nearest": {
                measure.name: share
                for measure in (*DISTANCES, LEARNED)
                if (share := nearer(members, measure.name)) is not None
            },
        }
        for name, members in groups.items()
    }


def show(results: dict[str, dict[str, dict[str, object]]]) -> None:
    """Print the tables."""
    for name, group in results["sounds"].items():
        columns: dict[str, Values] = group["medians"]  # type: ignore[assignment]
        shares: Values = group["nearer than the nearest"]  # type: ignore[assignment]
        print(f"\n{name}: {group['sounds']} sounds")
        print(f"{'':40s}" + "".join(f"{column:>9s}" for column in columns) + "   ours closer than nearest")
        for measure in (*TIMBRE, *DISTANCES, LEARNED):
            if not any(measure.name in values for values in columns.values()):
                continue
            cells = (
                format(v[measure.name], measure.form) if measure.name in v else "" for v in columns.values()
            )
            share = f"{shares[measure.name]:14.0%}" if measure.name in shares else ""
            print(f"{measure.title:40s}" + "".join(f"{cell:>9s}" for cell in cells) + share)
        silent: dict[str, int] = group["silent tails"]  # type: ignore[assignment]
        print(f"{'end in digital silence':40s}{silent['real']:9d}{silent['ours']:9d}")
    if results["kid"]:
        print(
            "\nKID on CDPAM's embedding: "
            + ", ".join(f"{key} {value:.4f}" for key, value in results["kid"].items())
        )


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = model_parser("ear", __doc__.splitlines()[0], "real sounds")
    parser.add_argument("--trained", type=Path, metavar="FOLDER", help="the training sounds of the model")
    parser.add_argument("--takes", type=Path, metavar="FOLDER", help="more recordings of the same drums")
    parser.add_argument(
        "--search",
        action="store_true",
        help="also measure the sounds after the server's search, which refines the encoder's z",
    )
    parser.add_argument(
        "--per-class", type=int, default=0, metavar="N", help="maximum number of sounds of a class"
    )
    add_learned_ear(parser)
    parser.add_argument("--json", action="store_true", help="print JSON that includes each sound's values")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    import torch

    args = get_parser().parse_args(argv)
    torch.set_num_threads(1)

    def tick(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {len(shots)} sounds", end="", file=sys.stderr, flush=True)

    try:
        model = Model(args.model)
        ear = LearnedEar(args.memory) if args.learned else None
        shots = model.read(args.folder, per_class=args.per_class)
        trained = model.training_sounds(args.trained) if args.trained else []
        takes = [*shots, *(model.read(args.takes, encode=False) if args.takes else [])]
        compared = compare(model, shots, trained, takes, tick, args.search)
        kid = add_learned(compared, ear, model.rate, tick) if ear else {}
    except (LearnedEarError, RealtimeError, TrainerError) as error:
        print(f"bench.ear: {error}", file=sys.stderr)
        return 2
    results = {"sounds": summary(compared), "kid": kid}
    if args.json:
        each = {one.shot.name: one.values for one in compared}
        print(
            json.dumps({"model": model.info.name} | results | {"each": each}, indent=1).replace("NaN", "null")
        )
    else:
        show(results)  # type: ignore[arg-type]
    return 0


if __name__ == "__main__":
    sys.exit(main())
