"""`python -m bench.centres RUN -o FILE.png [--sound FILE.flac]`: show and play the class centres of a model.

RUN is the folder of a training run. The class centre is the mean z (position in the latent space) of the
training sounds of a class. The picture has a column for each class: the spectrograms of a real test sound, of
its reconstruction, and of the decoded class centre. The sound file contains the real sound and the decoded
centre of each class.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from realtime.util.parser import Parser
from trainer.errors import TrainerError
from trainer.evaluation import subject
from trainer.evaluation.subject import Outputs, Subject

RANGE_DB, WINDOW_S, GAP_S = 80.0, 0.03, 0.1


def levels_db(sound: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Return the spectrogram [bins, windows] of a sound [T] in dB; a full-scale sine peaks at 0 dB."""
    size = 2 ** round(np.log2(WINDOW_S * rate))
    window = np.hanning(size)
    parts = np.lib.stride_tricks.sliding_window_view(np.pad(sound, size // 2), size)[:: size // 8] * window
    return 20 * np.log10(np.abs(np.fft.rfft(parts, axis=1)).T * 2 / window.sum() + 1e-6)


def draw(judged: Subject, outputs: Outputs, path: Path) -> None:
    """Draw the spectrograms to `path`."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    classes, rate = judged.saved.classes, judged.saved.config.model.sample_rate
    rows = ("real", "reconstruction", "centre")
    figure, axes = pyplot.subplots(
        3, len(classes), figsize=(1 + 1.5 * len(classes), 6), squeeze=False, layout="constrained"
    )
    seconds = judged.saved.config.model.length / rate
    for label, name in enumerate(classes):
        first = judged.members(label)[0]
        for row, sound in enumerate(
            (judged.waveforms[first], outputs.audio[first], outputs.learned_audio[label])
        ):
            axes[row, label].imshow(
                levels_db(sound[0].numpy(), rate),
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=-RANGE_DB,
                vmax=0.0,
                extent=(0, 1000 * seconds, 0, rate / 2000),
            )
            axes[row, label].set_xticks([])
            axes[row, label].set_yticks([])
        axes[0, label].set_title(name)
        axes[2, label].set_xlabel(f"{1000 * seconds:.0f} ms", fontsize=8)
    for row, name in enumerate(rows):
        axes[row, 0].set_ylabel(f"{name}\n0 to {rate / 2000:g} kHz")
    figure.savefig(path, dpi=50)


def write_sound(judged: Subject, outputs: Outputs, path: Path) -> None:
    """Write a real sound and the decoded centre of each class to a sound file."""
    rate = judged.saved.config.model.sample_rate
    gap = torch.zeros(round(GAP_S * rate))
    parts = []
    for label in range(len(judged.saved.classes)):
        parts += [
            judged.waveforms[judged.members(label)[0], 0],
            gap,
            outputs.learned_audio[label, 0],
            gap,
            gap,
        ]
    sound = torch.cat(parts)
    soundfile.write(path, (0.9 * sound / sound.abs().max()).numpy(), rate)


def main(argv: list[str] | None = None) -> int:
    """Draw the picture; with `--sound`, also write the sounds."""
    parser = Parser(description="Draw the class centres of a run, and write their sounds.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder or checkpoint")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the sounds, if it has moved")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png")
    parser.add_argument("--sound", type=Path, metavar="FILE.flac")
    args = parser.parse_args(argv)
    try:
        judged = subject.load(args.run, None, args.data)
        outputs = subject.outputs_of(judged)
    except TrainerError as error:
        print(f"bench.centres: {error}", file=sys.stderr)
        return 2
    if any(not judged.members(label) for label in range(len(judged.saved.classes))):
        print(f"bench.centres: {args.run}: a class has no test sound", file=sys.stderr)
        return 2
    draw(judged, outputs, args.out)
    if args.sound:
        write_sound(judged, outputs, args.sound)
    return 0


if __name__ == "__main__":
    sys.exit(main())
