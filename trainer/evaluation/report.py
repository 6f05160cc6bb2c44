"""Write an evaluation as one self-contained HTML page with players, pictures, sentences and tables."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import soundfile
from torch import Tensor

from trainer.evaluation import figures, tables
from trainer.evaluation.evaluate import Evaluation
from trainer.evaluation.morph import Morph
from trainer.evaluation.subject import Outputs, Subject
from trainer.evaluation.tables import Table

EXAMPLES = 2
"""Number of sounds of each class shown with their reconstructions."""
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
.note { color: #777; font-size: .85rem; max-width: 60rem; }
img { max-width: 100%; background: white; }
audio { height: 2rem; width: 11rem; vertical-align: middle; }
"""


def render(subject: Subject, outputs: Outputs, evaluation: Evaluation, morph: Morph) -> str:
    """Return the page as HTML.

    Args:
        subject: the trained model and its test sounds.
        outputs: the sounds that the model decodes, and the test sounds' means in latent space.
        evaluation: the results.
        morph: the morph to show.
    """
    title = f"{evaluation.model} on {', '.join(subject.saved.classes)}"
    body = [f"<h1>{escape(title)}</h1>", *_morph(morph, evaluation.run["sample_rate"])]
    body += _examples(subject, outputs)
    points = figures.tsne(outputs.mean, subject.saved.config.fit.seed)
    if points is not None:
        picture = figures.plane(points, subject.labels, subject.saved.classes)
        body += ["<h2>The test sounds in latent space</h2>", _image(picture, "t-SNE of the test sounds")]
    body += _centres(subject, outputs, evaluation)
    body += [
        "<h2>The results in words</h2>",
        *(f"<p>{escape(line)}</p>" for line in tables.sentences(evaluation)),
    ]
    body += ["<h2>The results in numbers</h2>", *map(_table, tables.all_of(evaluation))]
    body += _footer(subject)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def player(sound: Tensor, sample_rate: int) -> str:
    """Return an audio element that contains the sound [1, T], clipped to ±1, as a 16-bit WAV file."""
    buffer = io.BytesIO()
    samples = sound[0].clamp(-1, 1).numpy().astype(np.float32)
    soundfile.write(buffer, samples, sample_rate, format="WAV", subtype="PCM_16")
    return f'<audio controls preload="none" src="{_data("audio/wav", buffer.getvalue())}"></audio>'


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _image(png: bytes, text: str) -> str:
    return f'<p><img alt="{escape(text)}" src="{_data("image/png", png)}"></p>'


def _table(table: Table) -> str:
    heading = "".join(f"<th>{escape(cell)}</th>" for cell in table.heading)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="wide"><table>\n<caption>{escape(table.caption)}</caption>\n'
        f"<tr>{heading}</tr>\n{rows}\n</table></div>{note}"
    )


def _players(caption: str, heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table with text in the first column and players in the others."""
    names = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
    lines = "\n".join(
        f"<tr><td>{escape(row[0])}</td>" + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table>\n<caption>{escape(caption)}</caption>\n'
        f"<tr>{names}</tr>\n{lines}\n</table></div>"
    )


def _morph(morph: Morph, sample_rate: int) -> list[str]:
    names = f"{morph.names[0]} ({morph.classes[0]}) to {morph.names[1]} ({morph.classes[1]})"
    rows = [
        (f"{position:.0%}", player(audio, sample_rate))
        for position, audio in zip(morph.position, morph.audio, strict=True)
    ]
    return [
        f"<h2>A morph: {escape(morph.classes[0])} to {escape(morph.classes[1])}</h2>",
        f"<p>From {escape(names)}, in a straight line between the two sounds in latent space.</p>",
        _image(figures.morph_strip(morph, sample_rate), "spectrograms along the morph"),
        _image(figures.morph_in_time(morph, sample_rate), "waveforms along the morph"),
        _players("Sounds along the way", ("position", "sound"), rows),
    ]


def _centres(subject: Subject, outputs: Outputs, evaluation: Evaluation) -> list[str]:
    rate, rows = evaluation.run["sample_rate"], []
    for label, result in enumerate(evaluation.classes):
        if not result.references:
            continue
        members = subject.members(label)
        real = subject.waveforms[members]
        sounds = (
            outputs.centre_audio[label],
            outputs.learned_audio[label],
            real[result.references.medoid_index],
            real[result.references.random_index],
            real.mean(0),
        )
        rows.append((result.name, *(player(sound, rate) for sound in sounds)))
    columns = ("centre", "learned_centre", "medoid", "random_take", "blur")
    heading = ("class", *(tables.HEADINGS[name] for name in columns))
    if not rows:
        return []
    return ["<h2>The centre of each class</h2>", _players("Sounds with measured deviations", heading, rows)]


def _examples(subject: Subject, outputs: Outputs) -> list[str]:
    rate, rows = subject.saved.config.model.sample_rate, []
    for label in range(len(subject.saved.classes)):
        rows += [
            (subject.names[i], player(subject.waveforms[i], rate), player(outputs.audio[i], rate))
            for i in subject.members(label)[:EXAMPLES]
        ]
    heading = ("sound", "real", "reconstructed")
    return ["<h2>Reconstructions</h2>", _players("Test sounds", heading, rows)]


def _footer(subject: Subject) -> list[str]:
    saved = subject.saved
    parts = [f"Sounds: {saved.licence}.", *saved.credits, f"Configuration {saved.config.digest()[:12]}."]
    return ["<h2>Sources</h2>", *(f'<p class="note">{escape(part)}</p>' for part in parts)]
