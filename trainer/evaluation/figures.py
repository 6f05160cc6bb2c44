"""Draw the figures of the paper (Lionello and Purwins) as PNG bytes, without a display."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from trainer.evaluation.morph import Morph

PERPLEXITY = 30.0
DPI = 110
RANGE_DB = 80.0


def tsne(mean: Tensor, seed: int) -> NDArray[np.float64] | None:
    """Project points [N, D] onto a plane, [N, 2] (Figure 2); return None for N below 4 or equal points."""
    from sklearn.manifold import TSNE

    points = mean.double().numpy()
    if len(points) < 4 or np.ptp(points, axis=0).max() == 0:
        return None
    plane = TSNE(
        perplexity=min(PERPLEXITY, (len(points) - 1) / 3),
        init="pca" if points.shape[1] >= 2 else "random",
        random_state=seed,
    )
    return plane.fit_transform(points)


def plane(points: NDArray[np.float64], labels: Tensor, classes: tuple[str, ...]) -> bytes:
    """Draw points [N, 2] by class (Figure 2): as class names if each has one character, else as dots."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    colours = matplotlib.colormaps["tab10" if len(classes) <= 10 else "turbo"]
    short = all(len(name) == 1 for name in classes)
    for label, name in enumerate(classes):
        chosen = points[(labels == label).numpy()]
        if not len(chosen):
            continue
        colour = colours(label if len(classes) <= 10 else label / (len(classes) - 1))
        marker = f"${name}$" if short and name.isalnum() else "o"
        axes.scatter(chosen[:, 0], chosen[:, 1], s=45, color=colour, marker=marker, label=_safe(name))
    axes.set_xticks([])
    axes.set_yticks([])
    if len(classes) <= 20:
        figure.legend(loc="outside right upper", frameon=False)
    return _png(figure)


def morph_in_time(morph: Morph, sample_rate: int) -> bytes:
    """Draw the waveforms of a morph one below another, on the same scale (Figure 3)."""
    steps = len(morph.position)
    figure = Figure(figsize=(7, 0.8 * steps), layout="constrained")
    peak = max(1e-9, float(morph.audio.abs().max()))
    time_ms = np.arange(morph.audio.shape[-1]) * 1000 / sample_rate
    rows = figure.subplots(steps, 1, sharex=True, squeeze=False)[:, 0]
    for axes, position, audio in zip(rows, morph.position, morph.audio[:, 0].numpy(), strict=True):
        axes.plot(time_ms, audio, linewidth=0.5, color="black")
        axes.set_ylim(-peak, peak)
        axes.set_yticks([])
        axes.set_ylabel(f"{position:.0%}", rotation=0, ha="right", va="center")
        axes.spines[["top", "right", "left"]].set_visible(False)
    rows[-1].set_xlabel("ms")
    rows[-1].set_xlim(0, time_ms[-1])
    return _png(figure)


def morph_strip(morph: Morph, sample_rate: int) -> bytes:
    """Draw the spectrograms of a morph side by side, all on one scale: 80 dB down from the highest level."""
    size = 2 ** round(np.log2(0.032 * sample_rate))
    levels = [levels_db(audio, size) for audio in morph.audio[:, 0].numpy()]
    top = max(level.max() for level in levels)
    figure = Figure(figsize=(1.25 * len(levels), 2.6), layout="constrained")
    columns = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    seconds = morph.audio.shape[-1] / sample_rate
    for axes, position, level in zip(columns, morph.position, levels, strict=True):
        axes.imshow(
            level,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - RANGE_DB,
            vmax=top,
            extent=(0, 1000 * seconds, 0, sample_rate / 2000),
        )
        axes.set_title(f"{position:.0%}", fontsize=9)
        axes.set_xticks([])
    columns[0].set_ylabel("kHz")
    columns[len(columns) // 2].set_xlabel(f"{1000 * seconds:.0f} ms each")
    return _png(figure)


def levels_db(sound: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """Return a spectrogram [bins, windows] in dB: Hann windows of `size` samples that overlap by 3/4."""
    padded = np.pad(sound, size // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4] * np.hanning(size)
    return 20 * np.log10(np.maximum(np.abs(np.fft.rfft(windows, axis=1)).T, 1e-6))


def _safe(text: str) -> str:
    """Escape dollar signs, and put a space before a leading underscore, which would hide the text."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()
