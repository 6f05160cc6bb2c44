"""Align the training sounds of a class: shift each sound, and invert some, until their waveforms match best.

The purpose is a meaningful squared error, which compares waveforms: two recordings of a word have similar
waveforms only if their periods coincide.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.sounds import Sounds

Array = NDArray[np.float64]
ROUNDS = 20
"""Maximum number of rounds over the sounds of a class; the work ends earlier if a round moves no sound."""
MOST = 100
"""Maximum number of sounds of a class that are tried as the first reference, spread evenly."""


def aligned(sounds: Sounds, train: Tensor, length: int) -> Sounds:
    """Return the sounds after aligning the training sounds of each class; all other sounds are unchanged.

    Each training sound becomes a window of its recording, scaled to a peak of 1 and possibly inverted. The
    recording is longer than the window by a margin, within which the window may begin.

    Args:
        sounds: sounds with their `recordings`; sounds without recordings are returned unchanged.
        train: int64, indices of the training sounds.
        length: number of samples of the window.
    """
    if sounds.recordings is None:
        return sounds
    waveforms = sounds.waveforms.clone()
    cuts: list[tuple[int, int] | None] = [None] * len(sounds.names)
    for label in range(len(sounds.classes)):
        members = train[sounds.labels[train] == label]
        recordings = sounds.recordings[members, 0].double().numpy()
        for index, lag, sign in zip(members.tolist(), *best_windows(recordings, length), strict=True):
            window = sign * sounds.recordings[index, :, lag : lag + length]
            waveforms[index] = window / window.abs().max()
            cuts[index] = (lag, sign)
    return replace(sounds, waveforms=waveforms, cuts=tuple(cuts), recordings=None)


def best_windows(recordings: Array, length: int) -> tuple[list[int], list[int]]:
    """Find the start and the sign of the window of each sound of a class.

    In turn, the window of each sound moves to where it correlates best with the sum of the other windows.
    This is repeated until no window moves.

    Args:
        recordings: [N, length + margin].

    Returns:
        Samples cut from the start, 0 to margin, and signs, 1 or -1; [N] each.
    """
    count, size = recordings.shape
    if not count:
        return [], []
    margin = size - length
    spectra = np.fft.rfft(recordings, 2 * size)
    energy = np.cumsum(np.pad(recordings**2, ((0, 0), (1, 0))), axis=1)
    power = np.sqrt(np.maximum(energy[:, length:] - energy[:, : margin + 1], 1e-12))

    def correlation(reference: Array, rows: Any) -> Array:
        """Correlate a reference [length] with every window of some recordings: [rows, margin + 1]."""
        products = spectra[rows] * np.fft.rfft(reference, 2 * size).conj()
        found: Array = np.fft.irfft(products, 2 * size)[..., : margin + 1] / power[rows]
        return found

    middle = margin // 2
    tried = np.unique(np.linspace(0, count - 1, min(count, MOST)).round().astype(int))
    starts = [recordings[i, middle : middle + length] / power[i, middle] for i in tried]
    first = max(starts, key=lambda start: np.abs(correlation(start, slice(None))).max(1).sum())
    lags, signs = _best(correlation(first, slice(None)))

    def window(i: int) -> Array:
        return signs[i] * recordings[i, lags[i] : lags[i] + length] / power[i, lags[i]]

    total = np.sum([window(i) for i in range(count)], axis=0)
    for _ in range(ROUNDS):
        before = lags.copy(), signs.copy()
        for i in range(count):
            total -= window(i)
            if count > 1:
                lags[i : i + 1], signs[i : i + 1] = _best(correlation(total, slice(i, i + 1)))
            total += window(i)
        if (lags == before[0]).all() and (signs == before[1]).all():
            break
    if signs.sum() < 0:
        signs = -signs
    return lags.tolist(), signs.tolist()


def _best(correlation: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lag and the sign of the strongest correlation of each row of [N, lags]."""
    lags = np.abs(correlation).argmax(1)
    return lags, np.where(correlation[np.arange(len(lags)), lags] < 0, -1, 1)


def coherence(sounds: Sounds, among: Tensor) -> float:
    """Return a measure of how well the waveforms of each class coincide, 0 to 1, as a mean over the classes.

    For one class, it is the energy of the mean waveform divided by the mean energy of the waveforms.
    """
    found = []
    for label in range(len(sounds.classes)):
        waveforms = sounds.waveforms[among[sounds.labels[among] == label], 0].double()
        if len(waveforms):
            found.append(waveforms.mean(0).square().sum() / waveforms.square().sum(1).mean())
    return float(torch.stack(found).mean())


def as_csv(sounds: Sounds) -> str:
    """Return the text of a CSV file: name, samples cut from the start, and sign of each aligned sound."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "cut_samples", "sign"))
    writer.writerows((name, *cut) for name, cut in zip(sounds.names, sounds.cuts, strict=True) if cut)
    return text.getvalue()
