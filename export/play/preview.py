"""Writes a preview of a model: a picture and a sound file that compare the model's sounds with real sounds.

Each training sound is shown next to the model's reconstruction of it. The pairs are sorted by mel distance
(the mean difference of the mel levels), largest first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from export.to_onnx import in_place

Floats = NDArray[np.float32]

GAP_S = 0.25
WAVE_ROWS, COLUMNS, BANDS = 16, 120, 48
"""Size of a sound's picture in pixels: rows of the waveform, columns, and rows of the spectrogram."""
MARGIN, HEAD = 4, 16
"""Pixels between pictures, and pixels above the pictures for the headings."""
WINDOW, RANGE_DB = 1024, 70.0
"""Window of the spectrogram in samples, and range of its colours in dB."""
PAIRS_PER_ROW = 3
"""Number of pairs side by side."""
NAME_CHARACTERS = 34
"""Number of characters, from the end of a sound's name, in the picture."""


@dataclass(frozen=True)
class Pair:
    """A training sound and the model's reconstruction of the sound.

    Attributes:
        name: name of the training sound.
        real: the training sound, float32 [samples].
        ours: the reconstruction, float32 [samples].
        distance_db: mel distance between the two.
    """

    name: str
    real: Floats
    ours: Floats
    distance_db: float


def write(pairs: list[Pair], sample_rate: int, folder: Path) -> None:
    """Write preview.png and preview.wav into a folder, with the pair at the largest mel distance first."""
    worst_first = sorted(pairs, key=lambda pair: -pair.distance_db)
    with in_place(folder / "preview.wav") as part:
        soundfile.write(part, _in_turn(worst_first, sample_rate), sample_rate, format="WAV")
    with in_place(folder / "preview.png") as part:
        _draw(worst_first, part)


def _in_turn(pairs: list[Pair], sample_rate: int) -> Floats:
    """Join all sounds with gaps, clipped to ±1: each real sound, then its reconstruction; [samples]."""
    gap = np.zeros(round(GAP_S * sample_rate), np.float32)
    return np.concatenate([part for pair in pairs for part in (pair.real, gap, pair.ours, gap)]).clip(-1, 1)


def _draw(pairs: list[Pair], path: Path) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    cell = np.concatenate([_picture(pairs[0].real), _picture(pairs[0].ours)], 1).shape
    rows, across = -(-len(pairs) // PAIRS_PER_ROW), min(PAIRS_PER_ROW, len(pairs))
    high, wide = cell[0] + 5 * MARGIN, cell[1] + 3 * MARGIN
    sheet = np.ones((HEAD + rows * high, across * wide, 3), np.float32)
    figure = Figure(figsize=(sheet.shape[1] / 60, sheet.shape[0] / 60), dpi=120)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for column in range(across):
        for text, left in (("yours", MARGIN), ("the model's", 2 * MARGIN + COLUMNS)):
            axes.text(column * wide + left, HEAD - MARGIN, text, fontsize=7, weight="bold")
    for place, pair in enumerate(pairs):
        row, column = divmod(place, PAIRS_PER_ROW)
        top, left = HEAD + row * high + 4 * MARGIN, column * wide + MARGIN
        for picture in map(_picture, (pair.real, pair.ours)):
            painted = matplotlib.colormaps["magma"](picture)[..., :3]
            sheet[top : top + cell[0], left : left + COLUMNS] = painted
            left += COLUMNS + MARGIN
        text = f"{pair.name[-NAME_CHARACTERS:]}  {pair.distance_db:.1f} dB"
        axes.text(column * wide + MARGIN, top - MARGIN, text, fontsize=6)
    axes.imshow(sheet, aspect="auto", interpolation="nearest")
    axes.set_axis_off()
    figure.savefig(path, format="png")


def _picture(sound: Floats) -> Floats:
    """Draw the waveform of a sound above its spectrogram; return values from 0 to 1, [rows, columns]."""
    edges = np.linspace(0, len(sound), COLUMNS + 1).astype(int)
    level = np.array([np.abs(sound[a:b]).max() for a, b in itertools.pairwise(edges)])
    height = np.abs(np.linspace(-1.0, 1.0, WAVE_ROWS))[:, None]
    wave = 0.75 * (height <= level / max(1e-9, float(level.max()))).astype(np.float32)
    padded = np.pad(sound, (0, WINDOW))
    frames = np.stack([padded[start : start + WINDOW] for start in edges[:-1]]) * np.hanning(WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))) + 1e-12
    bins = np.unique(np.geomspace(2, power.shape[1], BANDS + 1).astype(int))
    bands = np.add.reduceat(power, bins[:-1], axis=1) / np.diff(bins)
    decibels = 10 * np.log10(bands / bands.max())
    return np.concatenate([wave, np.clip(1 + decibels.T[::-1] / RANGE_DB, 0, 1)]).astype(np.float32)
