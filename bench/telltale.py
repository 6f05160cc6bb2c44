"""`python -m bench.telltale MODEL FOLDER`: find features that distinguish a model's sounds from real sounds.

A random forest learns to distinguish the real sounds in FOLDER from the model's reconstructions of these
sounds, by features of six frequency bands. A reconstruction is decoded from a position in the latent space:
for training sounds of the model, the position stored in the model file; for other sounds, the position that
the encoder returns. The forest then classifies pairs on which it was not trained; an accuracy of 50 % is no
better than guessing. The table lists the features that the forest uses most, and their medians over the real
sounds and over the reconstructions. These features can show a fault that other measures miss.

    level       mean amplitude of the band, dB relative to the peak of the entire sound
    before      mean amplitude in the 2 ms before the onset, dB relative to the peak of the band
    rise        time from the onset to half of the peak of the band, ms
    crest       peak over mean amplitude in the first 20 ms after the onset
    after 5 …   mean amplitude from 5, 20, 200 or 500 ms after the onset, for a quarter of that time (at least
                2 ms), dB relative to the peak of the band
    flutter     power of the envelope's fluctuations at 15 to 40 or 40 to 100 Hz, from 20 to 200 ms after the
                onset, dB
    flatness    natural logarithm of the geometric mean power over the arithmetic mean power, in 8,192 samples
                from 20 ms after the onset

The peak of the band is the peak of the band's envelope in the first 100 ms after the onset.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from bench.sounds.shots import Floats, Model, model_parser
from realtime.util.errors import RealtimeError
from trainer.errors import TrainerError

EDGES_HZ = (20.0, 120.0, 500.0, 2000.0, 6000.0, 10_000.0, 18_000.0)
ONSET = 1e-4
"""Fraction of the energy that lies before the onset."""
AFTER_MS = (5, 20, 200, 500)
FLUTTER_HZ = ((15.0, 40.0), (40.0, 100.0))
TINY = 1e-6  # keeps logarithms and quotients finite
TREES, FOLDS, SHOWN = 300, 5, 12
"""Numbers of trees in the forest, of folds in the cross-validation, and of features in the table."""

Floats64 = NDArray[np.float64]


class Importance(NamedTuple):
    """The importance of a feature.

    Attributes:
        name: name of the feature.
        share: importance of the feature in the forest; all importances add up to 1.
        real: median over the real sounds.
        ours: median over the model's reconstructions.
    """

    name: str
    share: float
    real: float
    ours: float


def features(sound: Floats, rate: int) -> dict[str, float]:
    """Return the features of a sound [T] by name."""
    wave = np.asarray(sound, np.float64) / max(float(np.abs(sound).max()), TINY)
    spectrum, hz = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1.0 / rate)
    energy = np.cumsum(wave**2)
    onset = int(np.searchsorted(energy, ONSET * energy[-1]))
    found = {}
    for low, high in itertools.pairwise(EDGES_HZ):
        analytic = np.zeros(len(wave), np.complex128)
        inside = (hz >= low) & (hz < high)
        analytic[: len(spectrum)][inside] = 2.0 * spectrum[inside]
        band = np.fft.ifft(analytic)
        for name, value in _of_band(band, onset, rate).items():
            found[f"{low:g} Hz: {name}"] = value
        tail = wave[onset + rate // 50 :][:8192]
        power = np.abs(np.fft.rfft(tail * np.hanning(len(tail)), 8192)) ** 2 + TINY**2
        bins = np.fft.rfftfreq(8192, 1.0 / rate)
        power = power[(bins >= low) & (bins < high)]
        found[f"{low:g} Hz: flatness"] = float(np.log(power).mean() - np.log(power.mean()))
    return found


def _of_band(band: NDArray[np.complex128], onset: int, rate: int) -> dict[str, float]:
    """Return the features of one band, given as an analytic signal [T]."""
    envelope = np.abs(band)

    def ms(count: float) -> int:
        return round(count * rate / 1000)

    def decibels(piece: Floats64, above: float) -> float:
        return float(20.0 * np.log10(((piece.mean() if len(piece) else 0.0) + TINY) / (above + TINY)))

    attack = envelope[onset : onset + ms(100)]
    peak = float(attack.max())
    early = band.real[onset : onset + ms(20)]
    found = {
        "level": decibels(envelope, 1.0),
        "before": decibels(envelope[max(0, onset - ms(2)) : onset + 1], peak),
        "rise": float(np.argmax(attack >= 0.5 * peak)) * 1000 / rate,
        "crest": float(np.abs(early).max() / (np.abs(early).mean() + TINY)),
    }
    for after in AFTER_MS:
        at = onset + ms(after)
        found[f"after {after} ms"] = decibels(envelope[at : at + ms(max(2, after / 4))], peak)
    middle = envelope[onset + ms(20) : onset + ms(200)]
    if len(middle) == ms(200) - ms(20):
        level = np.log(middle + 1e-5 * peak + TINY)
        smooth = np.exp(savgol_filter(level, ms(34) | 1, 2))
        spectrum = np.abs(np.fft.rfft((middle / smooth - 1.0) * np.hanning(len(middle)))) ** 2
        hz = np.fft.rfftfreq(len(middle), 1.0 / rate)
        for low, high in FLUTTER_HZ:
            power = spectrum[(hz >= low) & (hz < high)].mean()
            found[f"flutter {low:g}"] = float(10.0 * np.log10(power + TINY))
    return found


def classify(real: list[dict[str, float]], ours: list[dict[str, float]]) -> tuple[float, list[Importance]]:
    """Return the fraction of sounds that a forest classifies correctly, and the features in order of
    importance.

    Args:
        real: features of real sounds.
        ours: features of the model's reconstructions of these sounds, in the same order.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    names = sorted(set.intersection(*(set(one) for one in (*real, *ours))))
    rows = np.array([[one[name] for name in names] for one in (*real, *ours)])
    kinds = np.repeat([0, 1], len(real))
    pairs = np.tile(np.arange(len(real)), 2)
    forest = RandomForestClassifier(TREES, min_samples_leaf=2, random_state=0)
    guess = cross_val_predict(forest, rows, kinds, groups=pairs, cv=GroupKFold(min(FOLDS, len(real))))
    shares = forest.fit(rows, kinds).feature_importances_
    medians = [np.median(rows[kinds == kind], axis=0) for kind in (0, 1)]
    importances = [
        Importance(name, float(share), float(theirs), float(model))
        for name, share, theirs, model in zip(names, shares, *medians, strict=True)
    ]
    return float((guess == kinds).mean()), sorted(importances, key=lambda each: -each.share)


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = model_parser("telltale", __doc__.splitlines()[0], "real sounds")
    parser.add_argument(
        "--per-class", type=int, default=30, metavar="N", help="maximum number of sounds of a class (30)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON that includes all features")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    args = get_parser().parse_args(argv)
    try:
        model = Model(args.model)
        shots = model.read(args.folder, per_class=args.per_class)
    except (RealtimeError, TrainerError) as error:
        print(f"bench.telltale: {error}", file=sys.stderr)
        return 2
    if len(shots) < 2:
        print(f"bench.telltale: {args.folder}: one sound; two or more are needed", file=sys.stderr)
        return 2
    own = {anchor.name: np.array(anchor.z, np.float32) for anchor in model.info.anchors}
    real = [features(shot.sound, model.rate) for shot in shots]
    ours = [features(model.decode(own.get(shot.name, shot.z)), model.rate) for shot in shots]
    share, importances = classify(real, ours)
    if args.json:
        print(
            json.dumps(
                {"sounds": len(shots), "right": share, "features": [each._asdict() for each in importances]}
            )
        )
        return 0
    print(f"{len(shots)} pairs: {share:.0%} right\n\n{'':28s}{'share':>8s}{'real':>9s}{'ours':>9s}")
    for each in importances[:SHOWN]:
        print(f"{each.name:28s}{each.share:8.1%}{each.real:9.2f}{each.ours:9.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
