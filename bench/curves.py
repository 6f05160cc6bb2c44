"""`python -m bench.curves RUN... -o FILE.png`: plot learning curves from the logs of training runs.

There is a panel for each term of the loss (mean over the training sounds), with a line for each run. A
further panel shows the 1-NN accuracy: the fraction of the training sounds whose nearest other training sound,
in the latent space, is of the same class.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

from realtime.util.parser import Parser

TITLES = {
    "reconstruction": "squared error",
    "kl": "divergence from N(0, I)",
    "classification": "cross-entropy",
    "stft": "spectral distance",
    "centre": "class centres from medoids",
    "centre_dtw": "soft-DTW of class centres",
    "morph": "levels between sounds",
    "nearest": "1-NN within the training sounds",
}
Log = list[dict[str, Any]]


def read(run: Path) -> Log:
    """Read the log in a run folder: one record per epoch, with the 1-NN accuracy where it was measured."""
    lines = (run / "log.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [
        record["train"] | {"epoch": record["epoch"], "nearest": record.get("leave_one_out")}
        for record in records
    ]


def draw(logs: dict[str, Log], path: Path) -> None:
    """Draw the curves to `path`."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    terms = [
        term
        for term in TITLES
        if any(record.get(term) is not None for log in logs.values() for record in log)
    ]
    columns = min(4, len(terms))
    rows = -(-len(terms) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(3.2 * columns, 2.6 * rows), squeeze=False, layout="constrained"
    )
    for panel in axes.flat[len(terms) :]:
        panel.set_axis_off()
    for panel, term in zip(axes.flat, terms, strict=False):
        for name, log in logs.items():
            points = [(record["epoch"], record[term]) for record in log if record.get(term) is not None]
            if points:
                panel.plot(
                    *zip(*points, strict=True),
                    linewidth=1,
                    marker="o" if term == "nearest" else "",
                    ms=3,
                    label=name,
                )
        if term != "nearest":
            panel.set_yscale("log")
        panel.set_title(TITLES[term], fontsize=9)
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in axes[-1]:
        panel.set_xlabel("epoch", fontsize=8)
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=8)
    figure.savefig(path, dpi=80)


def main(argv: list[str] | None = None) -> int:
    """Read the logs and draw the curves."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.png")
    args = parser.parse_args(argv)
    try:
        draw({run.name: read(run) for run in args.runs}, args.output)
    except OSError as error:
        print(f"bench.curves: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
