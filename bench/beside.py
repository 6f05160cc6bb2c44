"""`python -m bench.beside MODEL FOLDER -o FILE.png [--sound FILE.flac]`: compare real and decoded sounds.

The model encodes and decodes each sound in FOLDER. The picture shows the five sounds with the worst
reconstructions and the five with the best reconstructions, measured with the mel distance (the mean
difference of mel levels). The spectrogram of each real sound is above that of its reconstruction. The sound
file contains the pairs in the same order; in each pair, the real sound comes first.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import soundfile

from bench.centres import GAP_S, RANGE_DB, levels_db
from bench.sounds import distances
from bench.sounds.shots import Floats, Model, Shot, model_parser
from realtime.util.errors import RealtimeError
from trainer.errors import TrainerError

SHOWN = 5  # number of worst pairs in the picture, and number of best pairs


class Pair(NamedTuple):
    """A real sound, the model's reconstruction of the sound, and the mel distance between the two in dB."""

    shot: Shot
    ours: Floats
    distance: float


def ranked(model: Model, shots: list[Shot]) -> list[Pair]:
    """Return all pairs in order of mel distance, the pair with the largest distance first."""
    pairs = []
    for shot in shots:
        ours = model.decode(shot.z)
        mels = (distances.mel_power(sound, model.rate) for sound in (shot.sound, ours))
        pairs.append(Pair(shot, ours, float(distances.mel_db(*mels))))
    return sorted(pairs, key=lambda pair: -pair.distance)


def extremes(pairs: list[Pair], count: int = SHOWN) -> list[Pair]:
    """Return the first `count` and the last `count` pairs, each pair once."""
    return pairs if len(pairs) <= 2 * count else [*pairs[:count], *pairs[-count:]]


def draw(pairs: list[Pair], rate: int, path: Path) -> None:
    """Write the picture."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        2,
        len(pairs),
        figsize=(2.2 * len(pairs), 5),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for column, pair in zip(axes.T, pairs, strict=True):
        for panel, sound in zip(column, (pair.shot.sound, pair.ours), strict=True):
            level = levels_db(sound, rate)
            hertz = np.linspace(0, rate / 2, len(level))
            time_ms = np.linspace(0, len(sound) / rate * 1000, level.shape[1])
            panel.pcolormesh(time_ms, hertz[1:], level[1:], vmin=-RANGE_DB, vmax=0, cmap="magma")
            panel.set_yscale("log")
        label, _, rest = pair.shot.name.partition("/")
        source, drum = [*rest.split("__"), ""][:2]
        column[0].set_title(f"{label}, {pair.distance:.1f} dB\n{source}\n{drum}", fontsize=8)
        column[1].set_xlabel("ms", fontsize=8)
    for panel, title in zip(axes[:, 0], ("real", "ours"), strict=True):
        panel.set_ylabel(f"{title}, Hz")
    figure.colorbar(axes[0, 0].collections[0], ax=axes, label="dB")
    figure.savefig(path, dpi=80)


def write(pairs: list[Pair], rate: int, path: Path) -> None:
    """Write the sounds of the pairs to a sound file, with a pause after each sound."""
    gap = np.zeros(round(GAP_S * rate), np.float32)
    parts = [part for pair in pairs for part in (pair.shot.sound, gap, pair.ours, gap, gap)]
    soundfile.write(path, np.clip(np.concatenate(parts) * 0.9, -1, 1), rate, subtype="PCM_16")


def main(argv: list[str] | None = None) -> int:
    """Draw the pairs; with `--sound`, also write their sounds."""
    parser = model_parser("beside", __doc__.splitlines()[0], "real sounds")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png")
    parser.add_argument("--sound", type=Path, metavar="FILE.flac")
    parser.add_argument(
        "--per-class", type=int, default=0, metavar="N", help="maximum number of sounds of a class"
    )
    args = parser.parse_args(argv)
    try:
        model = Model(args.model)
        pairs = extremes(ranked(model, model.read(args.folder, per_class=args.per_class)))
        draw(pairs, model.rate, args.out)
        if args.sound:
            write(pairs, model.rate, args.sound)
    except (RealtimeError, TrainerError, OSError, soundfile.SoundFileError) as error:
        print(f"bench.beside: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
