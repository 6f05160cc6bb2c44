"""Chooses the morph that the server suggests to new users: the most audible one.

A morph is a glide, a continuous move through the latent space, from one class of sounds to another while a
sound is playing. A short sound ends before a slow glide has changed it. This module therefore looks for two
classes and a glide duration with which a sound is heard first as one class and then as the other.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.model.ear import HOP, power
from realtime.model.schema import MorphInfo

Floats = NDArray[np.float32]

CLASSES = 12
"""Maximum number of classes that are compared; later classes are ignored."""
TIMES_MS = (100, 150, 200, 300, 400)
"""Durations of the glide that are compared."""
RANGE_DB = 30.0
"""Range of levels, below the peak level of a sound, that is treated as audible."""
SILENT = 1e-7
"""Power added to every window, relative to the loudest window, to give silent windows a spectrum."""


@dataclass(frozen=True)
class _Features:
    """Features of a sound over time.

    Attributes:
        level_db: level, float32 [windows].
        centroid: centroid of the spectrum, in mel bands, float32 [windows].
    """

    level_db: Floats
    centroid: Floats


def find(sounds: Floats, sample_rate: int) -> MorphInfo | None:
    """Return the most audible morph between two classes, or None if no morph is audible.

    Args:
        sounds: the decoded sound at the centre of each class, float [classes, samples].
        sample_rate: rate of the sounds, in Hz.
    """
    mel_powers = [power(np.nan_to_num(sound), sample_rate) for sound in sounds[:CLASSES]]
    audible = {place: _features(bands) for place, bands in enumerate(mel_powers) if bands.max() > 0.0}
    best, found = 0.0, None
    for (start, end), ms in itertools.product(itertools.permutations(audible, 2), TIMES_MS):
        windows = ms * sample_rate / HOP / 1000.0
        score = _score(audible[start], audible[end], windows)
        if score > best:
            best, found = score, MorphInfo(start, end, ms)
    return found


def _features(bands: Floats) -> _Features:
    """Return the features of a sound, given the power of its mel bands, [windows, bands].

    A silent window gets the spectrum of the complete sound.
    """
    bands = bands + SILENT * bands.mean(0) * (bands.sum(1).max() / bands.mean(0).sum())
    total = bands.sum(1)
    return _Features(10.0 * np.log10(total), bands @ np.arange(bands.shape[1], dtype=np.float32) / total)


def _score(start: _Features, end: _Features, windows: float) -> float:
    """Return a score for the audibility of a glide from `start` to `end` that takes `windows` windows.

    The level in dB and the centroid are assumed to change evenly during the glide. Two sums over all windows,
    weighted by audibility, measure how much the morphed sound differs from the sound at `start` and from the
    sound at `end`. The score is the smaller sum, times the lowest audibility during the glide.
    """
    share = np.minimum(np.arange(len(start.centroid), dtype=np.float32) / windows, 1.0)
    level_db = start.level_db + share * (end.level_db - start.level_db)
    audible = np.clip(1.0 + (level_db - level_db.max()) / RANGE_DB, 0.0, 1.0)
    difference = audible * np.abs(end.centroid - start.centroid)
    quietest = audible[: round(windows)].min()
    return float(quietest * min((share * difference).sum(), ((1.0 - share) * difference).sum()))
