"""Tables of an evaluation, for the terminal and for the report."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.data.mfcc_dtw import Deviation
from trainer.evaluation import paper, quality
from trainer.evaluation.evaluate import Evaluation, Spread, average, columns_of
from trainer.evaluation.published import Published

HEADINGS = {
    "centre": "model",
    "centre_at_peak": "model, at peak 1",
    "learned_centre": "model, centre of training sounds",
    "medoid": "medoid",
    "random_take": "random take",
    "every_take": "every take in turn",
    "blur": "blur",
    "blur_at_peak": "blur, at peak 1",
}
"""Headings of columns. A take is a real test sound; the blur is the mean waveform of a class."""
ENOUGH = 10
"""Number of test sounds of each class in the paper (Lionello and Purwins)."""


@dataclass(frozen=True)
class Table:
    """A caption, a heading for each column, and rows; the first cell of a row is the name of the row."""

    caption: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def number(value: Deviation) -> str:
    """Return a deviation as "−0.63 ± 0.51", or a dash."""
    if value.mean is None or value.std is None:
        return "–"
    return _signed(value.mean) + f" ± {value.std:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if round(value, 2) else "0.00"


def _decimal(value: float, places: int) -> str:
    return f"{value:.{places}f}".replace("-", "−")


def sentences(evaluation: Evaluation) -> list[str]:
    """Return the main results, each as one sentence."""
    found = (
        ["Training used the test sounds, too ([data] leak = true): no sound here is new to the model."]
        if evaluation.run["leak"]
        else []
    )
    found.append(
        f"{evaluation.nearest_neighbour:.0%} of the {evaluation.run['test_sounds']} test sounds lie nearest "
        "to a training sound of their own class."
    )
    if evaluation.classifier is not None:
        found.append(
            f"The classifier names the class of {evaluation.classifier:.0%} of these sounds correctly."
        )
    found.append(
        f"The STFT distance of a test sound from its reconstruction is {evaluation.stft_distance.median:.2f} "
        "(median); for equal sounds it would be 0."
    )
    found.append(
        f"The signal-to-noise ratio of the reconstructions is {_decimal(evaluation.snr_db.median, 1)} dB "
        "(median); for silence it would be 0 dB."
    )
    centre = evaluation.averages()["centre"].mean
    if centre is not None:
        place = "closer to" if centre < 0 else "farther from"
        found.append(
            f"The sound at the centre of a class is {place} the test sounds of the class than these are to "
            f"one another (MFCC-DTW deviation {_signed(centre)})."
        )
    return found


def summary(evaluation: Evaluation) -> Table:
    """Return the table of accuracy and reconstruction."""
    published = paper.NEAREST_NEIGHBOUR.get(evaluation.model) if evaluation.digits else None
    classifier = evaluation.classifier
    rows = [
        ("1-NN, training → test sounds", _percent(evaluation.nearest_neighbour), _percent(published)),
        ("1-NN within the test sounds, leaving one out", _percent(evaluation.leave_one_out), ""),
        *([] if classifier is None else [("classifier at the bottleneck", _percent(classifier), "")]),
        ("reconstruction SNR, dB", _spread(evaluation.snr_db, 1), ""),
        ("reconstruction SNR of training sounds, dB", _spread(evaluation.learned_snr_db, 1), ""),
        ("reconstruction, multi-resolution STFT distance", _spread(evaluation.stft_distance, 3), ""),
    ]
    run = evaluation.run
    caption = (
        f"{evaluation.model}, {run['checkpoint']} after {run['epoch']} epochs, "
        f"on {run['test_sounds']} test sounds (trained on {run['train_sounds']} others"
        f"{' and on these' if run['leak'] else ''})"
    )
    sizes = ", ".join(map(str, quality.SIZES))
    note = f"Reconstructions are decoded from the mean; STFT windows of {sizes} samples."
    if run["chosen_by_validation"]:
        note += " This checkpoint was chosen by the validation sounds, none of which is a test sound."
    if published is None:
        return Table(caption, ("", "value"), tuple(row[:2] for row in rows), note)
    return Table(caption, ("", "value", "paper"), tuple(rows), note)


def deviations(evaluation: Evaluation) -> Table | None:
    """Return the table of the MFCC-DTW deviations of each class, with those of real sounds for comparison.

    Classes with too few test sounds are left out. The result is None if no class is left.
    """
    averages = evaluation.averages()
    rows = [
        (result.name, str(result.sounds), *map(number, columns_of(result).values()))
        for result in evaluation.classes
        if any(value.mean is not None for value in columns_of(result).values())
    ]
    if not rows:
        return None
    total = str(sum(result.sounds for result in evaluation.classes))
    rows.append(("average", total, *map(number, averages.values())))
    return Table(
        "MFCC-DTW deviation (Eqn. 2), mean ± std; below 0: closer to the sounds than they are to one another",
        ("class", "test sounds", *(HEADINGS[name] for name in averages)),
        tuple(rows),
        f"Settings: {evaluation.settings}. A class needs 3 test sounds; with fewer than {ENOUGH}, the "
        "standard deviation in the denominator, and so the deviation, is unreliable.",
    )


def against_paper(evaluation: Evaluation) -> Table | None:
    """Return a table of this run's results next to Table 3; None if the classes are not the digits."""
    if not evaluation.digits:
        return None
    rows = [
        (result.name, number(result.centre), *(number(Deviation(*value)) for value in published))
        for result, *published in zip(evaluation.classes, *paper.DEVIATIONS.values(), strict=True)
    ]
    ours = evaluation.averages()["centre"]
    rows.append(("average", number(ours), *(number(Deviation(*paper.average(m))) for m in paper.DEVIATIONS)))
    return Table(
        "Against Table 3 of the paper",
        ("digit", f"this run, {evaluation.model}", *(f"paper, {model}" for model in paper.DEVIATIONS)),
        tuple(rows),
        "The paper does not give its MFCC settings, so compare signs and orders of magnitude.",
    )


def beside_published(evaluation: Evaluation, published: Published) -> Table:
    """Return the table of this run and of published sounds, measured in the same way."""
    snr = published.snr_db

    def row(name: str, deviations: list[Deviation], snr_db: float | None) -> tuple[str, ...]:
        ratio = "–" if snr_db is None else _decimal(snr_db, 1)
        return (name, *map(number, deviations), number(average(deviations)), ratio)

    ours = [result.centre for result in evaluation.classes]
    rows = (
        row(f"this run, {evaluation.model}", ours, evaluation.snr_db.median),
        row(
            str(published.folder), list(published.deviations), snr.quantile(0.5).item() if len(snr) else None
        ),
    )
    return Table(
        "Published sounds beside this run: deviation of decoded centres, SNR of reconstructions",
        ("", *(result.name for result in evaluation.classes), "average", "SNR, dB, median"),
        rows,
        f"The SNR of this run is that of its test sounds. Each of the {len(snr)} published reconstructions "
        "is compared with the sound of the data for which the SNR is highest.",
    )


def all_of(evaluation: Evaluation) -> list[Table]:
    """Return every table of an evaluation."""
    tables = [summary(evaluation), deviations(evaluation), against_paper(evaluation)]
    return [table for table in tables if table]


def plain(table: Table) -> str:
    """Format a table as text: the first column aligned to the left, the others to the right."""
    lines = [table.heading, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.heading))]

    def line(cells: tuple[str, ...]) -> str:
        padded = [
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    text = "\n".join([table.caption, line(table.heading), *map(line, table.rows)])
    return text + (f"\n{table.note}" if table.note else "")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _spread(value: Spread, places: int) -> str:
    return f"{value.mean:.{places}f} ± {value.std:.{places}f}, median {value.median:.{places}f}"
