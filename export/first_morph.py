"""Choose the morph that the server proposes to try first: the one that is heard best.

A short sound is a poor start for a slow glide, because it ends before it has changed. So this module looks
for two classes and a duration with which a hit is heard first as one class and then as the other.
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
"""Number of classes that are compared, from the first on."""
TIMES_MS = (100, 150, 200, 300, 400)
RANGE_DB = 30.0
"""Range below the peak of a sound; softer parts draw no attention."""
SILENT = 1e-7
"""Power of a silent window, relative to the loudest."""


@dataclass(frozen=True)
class _Heard:
    """Level of a sound in dB and middle of its spectrum in mel bands, float32 [windows] each."""

    level_db: Floats
    middle: Floats


def find(sounds: Floats, sample_rate: int) -> MorphInfo | None:
    """Return the morph between two classes that is heard best, or None if there is none.

    Args:
        sounds: decoded class centres, float [classes, samples], in the order of the classes.
        sample_rate: rate of the sounds, in Hz.
    """
    powers = [power(np.nan_to_num(sound), sample_rate) for sound in sounds[:CLASSES]]
    heard = {place: _hear(bands) for place, bands in enumerate(powers) if bands.max() > 0.0}
    best, found = 0.0, None
    for (start, end), ms in itertools.product(itertools.permutations(heard, 2), TIMES_MS):
        windows = ms * sample_rate / HOP / 1000.0
        score = _score(heard[start], heard[end], windows)
        if score > best:
            best, found = score, MorphInfo(start, end, ms)
    return found


def _hear(bands: Floats) -> _Heard:
    """Hear a sound by the power of its mel bands, [windows, bands].

    Where it is silent, its spectrum is that of the whole sound.
    """
    bands = bands + SILENT * bands.mean(0) * (bands.sum(1).max() / bands.mean(0).sum())
    total = bands.sum(1)
    return _Heard(10.0 * np.log10(total), bands @ np.arange(bands.shape[1], dtype=np.float32) / total)


def _score(start: _Heard, end: _Heard, windows: float) -> float:
    """Return a score for the audibility of a glide that takes `windows` windows.

    About as in a decoder, level in dB and spectrum go evenly from one end to the other. The sum over all
    windows tells how far the hit is from a plain hit of either end, while it is audible. It counts in full
    only if the hit stays as loud throughout the glide.
    """
    share = np.minimum(np.arange(len(start.middle), dtype=np.float32) / windows, 1.0)
    level_db = start.level_db + share * (end.level_db - start.level_db)
    audible = np.clip(1.0 + (level_db - level_db.max()) / RANGE_DB, 0.0, 1.0)
    apart = audible * np.abs(end.middle - start.middle)
    quietest = audible[: round(windows)].min()
    return float(quietest * min((share * apart).sum(), ((1.0 - share) * apart).sum()))
