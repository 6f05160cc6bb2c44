"""`python -m bench.figures RUN ... -o FILE.png`: draw Figures 2 and 3 of the paper for training runs.

The paper is M. Lionello and H. Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*. The picture has a column for each run. The upper part shows the test
sounds in the latent space, projected with t-SNE (Figure 2). The lower part shows waveforms decoded on the
straight line between the centres of two classes (Figure 3 of the paper goes from a hi-hat to a tom).
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import torch
from torch import Tensor

from realtime.util.parser import Parser
from trainer.errors import TrainerError
from trainer.evaluation import figures, morph, subject
from trainer.evaluation.subject import Outputs, Subject

STEPS = 7  # number of waveforms on the line


def path(judged: Subject, outputs: Outputs, labels: tuple[int, int]) -> Tensor:
    """Return sounds decoded at equal steps between the centres of two classes, [STEPS, T]."""
    first, last = (outputs.learned_centres[label] for label in labels)
    places = torch.linspace(0, 1, STEPS)[:, None]
    return judged.decode(first + places * (last - first))[:, 0]


def draw(runs: dict[str, Subject], classes: list[str] | None, output: Path) -> None:
    """Draw the picture to `output`.

    Args:
        classes: the two classes of Figure 3; None chooses two for each run.
    """
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(4.2 * len(runs), 7.5), layout="constrained")
    grid = figure.add_gridspec(STEPS + 1, len(runs), height_ratios=[STEPS, *[1] * STEPS])
    for column, (name, judged) in enumerate(runs.items()):
        outputs = subject.outputs_of(judged)
        known, rate = judged.saved.classes, judged.saved.config.model.sample_rate
        axes = figure.add_subplot(grid[0, column])
        points = figures.tsne(outputs.mean, judged.saved.config.fit.seed)
        for label, letter in enumerate(known):
            if points is None:
                break
            chosen = points[(judged.labels == label).numpy()]
            marker = f"${letter}$" if len(letter) == 1 else "o"
            axes.scatter(
                chosen[:, 0], chosen[:, 1], s=30, color=f"C{label % 10}", marker=marker, linewidths=0.3
            )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(name, fontsize=9)
        labels = morph.pick(judged, classes)
        sounds = path(judged, outputs, labels)
        peak = float(sounds.abs().max())
        for row, sound in enumerate(sounds):
            axes = figure.add_subplot(grid[1 + row, column])
            axes.plot(torch.arange(len(sound)) * 1000 / rate, sound, linewidth=0.4, color="black")
            axes.set_ylim(-peak, peak)
            axes.set_axis_off()
        axes.set_title(
            f"{known[labels[0]]} to {known[labels[1]]}, from above; peak {peak:.2f}", y=-0.6, fontsize=8
        )
    figure.savefig(output, dpi=90)


def main(argv: list[str] | None = None) -> int:
    """Load the runs and draw."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.png")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the sounds, if it has moved")
    parser.add_argument("--morph", nargs=2, metavar=("CLASS", "CLASS"), help="classes of the path")
    args = parser.parse_args(argv)
    try:
        draw({run.name: subject.load(run, None, args.data) for run in args.runs}, args.morph, args.output)
    except TrainerError as error:
        print(f"bench.figures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
