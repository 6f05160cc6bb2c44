"""The morph to try first with a model: from a sound that rings to one that is far from it to the ear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.model import axes
from realtime.model.decoder import Decoder

CLASSES = 12  # the first ones; more would take too long to decode
TONAL = (
    10.0  # a sound with a pitch or a body: its spectrum is at most so many times as flat as the least flat
)
SILENT = 1e-4  # share of the energy; a sound rings until this is left
RING = 3  # the glide takes this part of the start's ring
STEP_MS = 10  # to which the time is rounded


@dataclass(frozen=True)
class FirstMorph:
    """A morph to try: the classes at its ends, and the time of the glide in ms."""

    start: str
    end: str
    ms: int


#: by name of the model: the morph that the documents describe
DOCUMENTED = {"drums": FirstMorph("kick", "open-hat", 300)}


def find(decoder: Decoder) -> FirstMorph | None:
    """Return the morph to try first, or None with fewer than two classes.

    It begins at the class that rings longest of those with a pitch or a body, and ends at the class that
    differs most in brightness and noise of those that still ring at the end of the glide. Of a model that the
    documents describe, it is theirs; otherwise, the centres of the first `CLASSES` classes are decoded.
    """
    info = decoder.info
    names = [each.name for each in info.classes]
    documented = DOCUMENTED.get(info.name)
    if documented and {documented.start, documented.end} <= {*names}:
        return documented
    names = names[:CLASSES]
    if len(names) < 2:
        return None
    centres = np.array([each.centroid for each in info.classes[: len(names)]])
    return between(names, axes.decode(decoder, centres), info.sample_rate)


def between(names: list[str], sounds: axes.Sounds, sample_rate: int) -> FirstMorph:
    """Return the morph to try first between two or more sounds [N, T] with these names."""
    sounds = np.nan_to_num(sounds)
    brightness, _, flatness, *_ = axes.features(sounds, sample_rate).T
    ring_ms = _ring(sounds) * 1000.0 / sample_rate
    tonal = flatness <= flatness.min() + np.log2(TONAL)
    start = int(np.where(tonal, ring_ms, -1.0).argmax())
    ms = max(STEP_MS, round(ring_ms[start] / RING / STEP_MS) * STEP_MS)
    distance = np.hypot(brightness - brightness[start], flatness - flatness[start])
    others = np.arange(len(names)) != start
    heard = others & (ring_ms > ms)
    end = int(np.where(heard if heard.any() else others, distance, -1.0).argmax())
    return FirstMorph(names[start], names[end], ms)


def _ring(sounds: axes.Sounds) -> NDArray[np.int64]:
    """Return the number of samples after which only `SILENT` of each sound's energy is left: int64 [N]."""
    energy = np.cumsum(sounds.astype(np.float64) ** 2, axis=1)
    ring: NDArray[np.int64] = (energy < (1.0 - SILENT) * energy[:, -1:]).sum(axis=1)
    return ring
