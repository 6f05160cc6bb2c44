"""The layout of the modal decoder: zones of its modes, bands of its noise, knots, and ranges of parameters.

The decoder makes a drum sound from free oscillators, modes and noise in bands. The frequencies of the free
oscillators sweep together. A mode is a damped sinusoid in a frequency zone of its own. A knot is a time at
which levels are learnt; between knots, levels are interpolated. The decoder (`trainer.models.modal`) and the
analysis of recordings (`trainer.components.analysis`) share the layout.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FREE = 4
"""Number of free oscillators; their frequencies are f₁ and f₁ · r₂ … f₁ · r₄."""
MIDDLE_HZ, SPREAD = 110.0, 1.5
"""Middle of the range of f₁, and half the width of the range in nepers: 25 to 490 Hz."""
RATIOS = ((1.25, 2.0), (2.0, 3.2), (3.2, 5.0))
"""Ranges of r₂ … r₄."""
MAX_SWEEP = 8.0
"""Largest rise of the frequency above f₁ at the start of a sound, relative to f₁."""
SWEEP_S = (0.003, 0.12)
"""Range of τ, the time constant, in seconds, with which the frequency falls to f₁."""
MODES_HZ = (500.0, 15_000.0)
"""Centre frequencies of the lowest and the highest zone; `HIGHEST` may limit the latter."""
HIGHEST = 0.45
"""Largest centre frequency of a zone, as a fraction of the sample rate."""
QUIET = -12.0
"""Log level of a component that a sound lacks."""
DECAYS = (1.5, 400.0)
"""Range of the decay of a mode, in nepers a second."""
FIRST_KNOTS = 8
"""Number of frames, from the start, with a knot for each frame; later knots are spaced logarithmically."""
LOWEST_NOISE_HZ = 25.0
"""Frequency below which power belongs to no noise band, because recordings have inaudible rumble there."""
GATE_S = 0.02
"""Length in seconds of the fade to silence at the end of a sound."""


def zones_hz(modes: int, sample_rate: int) -> Array:
    """Return the centre frequency of each mode's zone, float64 [modes]."""
    low, high = MODES_HZ
    return np.geomspace(low, min(high, HIGHEST * sample_rate), modes)


def half_zone(modes: int, sample_rate: int) -> float:
    """Return half the width of a zone as a difference of natural logarithms of frequency."""
    zones = zones_hz(modes, sample_rate)
    return 0.5 * math.log(zones[-1] / zones[0]) / max(1, modes - 1)


def knot_frames(frames: int, knots: int) -> NDArray[np.int64]:
    """Return the frame of each knot, from 0 to `frames`, with growing distances: int64 [knots].

    The result has at most `frames` + 1 knots, one for each boundary of a frame.
    """
    knots = min(knots, frames + 1)
    first = min(FIRST_KNOTS, knots - 1)
    later = np.geomspace(first, frames, knots - first)
    found = np.maximum(np.concatenate((np.arange(first), later)).round().astype(np.int64), np.arange(knots))
    found[-1] = frames
    return found


def band_middles_hz(bands: int, sample_rate: int) -> Array:
    """Return the centre frequency of each noise band, float64 [bands]."""
    return _edges_hz(bands, sample_rate)[1:-1]


def band_widths_hz(bands: int, sample_rate: int) -> Array:
    """Return the width of each noise band at half of its power, float64 [bands]."""
    edges = _edges_hz(bands, sample_rate)
    return 0.5 * (edges[2:] - edges[:-2])


def band_starts(bands: int, sample_rate: int, hop_length: int) -> Array:
    """Return the level at which each noise band begins, as a fraction of its level after the first frame.

    A band whose period is longer than a frame begins at 0: if it began in the middle of a period, it would
    click. A band begins at its full level if its frequency is at least an octave above that limit. Between
    these two frequencies, the fraction rises evenly.

    Returns:
        float64 [bands], 0 to 1.
    """
    frame_hz = sample_rate / hop_length
    return np.clip(band_middles_hz(bands, sample_rate) / frame_hz - 1.0, 0.0, 1.0)


def band_shapes(bands: int, sample_rate: int, hz: Array) -> Array:
    """Return the fraction of the power at `hz` [N] that belongs to each noise band: float64 [bands, N].

    The bands are triangles side by side on the mel scale; their sum is 1 from 25 Hz upwards. The outer halves
    of the first and the last band are flat.
    """
    edges = _edges_hz(bands, sample_rate)
    shapes = np.zeros((bands, len(hz)))
    for band in range(bands):
        low, middle, high = edges[band : band + 3]
        rise = np.clip((hz - low) / max(middle - low, 1.0), 0.0, 1.0) if band else np.ones_like(hz)
        fall = np.clip((high - hz) / (high - middle), 0.0, 1.0)
        if band == bands - 1:
            fall = np.ones_like(hz)
        shapes[band] = np.where(hz < middle, rise, fall)
    return shapes * (hz >= LOWEST_NOISE_HZ)


def _edges_hz(bands: int, sample_rate: int) -> Array:
    mel = np.linspace(0.0, 2595.0 * np.log10(1.0 + sample_rate / 1400.0), bands + 2)
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))


def smoothing_samples(bands: int, sample_rate: int) -> Array:
    """Return the smoothing time of each band's power in samples, float64 [bands].

    The smoothing time is the standard deviation of a Gaussian window, as short as the band's width allows.
    """
    return np.maximum(24.0, 0.35 * sample_rate / band_widths_hz(bands, sample_rate))
