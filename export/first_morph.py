"""Chooses the morph that the server proposes to try first: the one that is heard best.

A short sound is a bad start of a slow glide: it ends before it has changed. So this looks for two classes and
a time with which a hit is heard as the first class and then as the second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from realtime.model.ear import HOP, power
from realtime.model.schema import MorphInfo

Floats = NDArray[np.float32]

CLASSES = 10
"""Only so many classes, the first ones, are compared: each pair takes time."""
TIMES_MS = (100, 150, 200, 300, 400)
RANGE_DB = 30.0
"""Range below the peak of a sound; softer parts draw no attention."""
FLOOR = 1e-7
"""Least power of a band, relative to the loudest."""


def find(sounds: Floats, sample_rate: int) -> MorphInfo | None:
    """Return the morph between two classes that is heard best, or None if there is none.

    Args:
        sounds: decoded class centres, float [classes, samples], in the order of the classes.
        sample_rate: rate of the sounds, in Hz.
    """
    powers = {place: power(np.nan_to_num(sound), sample_rate) for place, sound in enumerate(sounds[:CLASSES])}
    logs = {
        place: np.log(np.maximum(each, FLOOR * each.max()))
        for place, each in powers.items()
        if each.max() > 0.0
    }
    best, found = 0.0, None
    for start, end in itertools.permutations(logs, 2):
        ends = (_middle(powers[start]), _middle(powers[end]))
        for ms in TIMES_MS:
            heard = _heard(_glide(logs[start], logs[end], ms, sample_rate), ends)
            if heard > best:
                best, found = heard, MorphInfo(start, end, ms)
    return found


def _glide(start: Floats, end: Floats, ms: float, sample_rate: int) -> Floats:
    """Return about the power of a hit that glides, [windows, bands], from the log power of both ends."""
    ms_passed = np.arange(len(start), dtype=np.float32) * (1000.0 * HOP / sample_rate)
    share = np.minimum(ms_passed / ms, 1.0)[:, None]
    return np.exp(start + share * (end - start))


def _heard(glide: Floats, ends: Iterable[Floats]) -> float:
    """Return how far a hit is from the nearer end: the distance of middle bands, summed while it is heard."""
    level_db = 10.0 * np.log10(glide.sum(1) / glide.sum(1).max() + FLOOR)
    audible = np.clip(1.0 + level_db / RANGE_DB, 0.0, 1.0)
    middle = _middle(glide)
    return min(float((audible * np.abs(middle - end)).sum()) for end in ends)


def _middle(bands: Floats) -> Floats:
    """Return the middle band of each window by the power of its bands [windows, bands]: [windows]."""
    return np.asarray(bands @ np.arange(bands.shape[1]) / np.maximum(bands.sum(1), 1e-12), np.float32)
