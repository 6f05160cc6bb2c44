"""Finds the modes of a recorded drum: its strongest ringing partials, one in each frequency zone.

The modes are found in the sound without its free oscillators (`trainer.components.oscillators`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.components.layout import DECAYS, QUIET, half_zone, zones_hz
from trainer.components.spectrum import LONGEST_WINDOW, floor_db, spectrum

Array = NDArray[np.float64]

SHORTEST_WINDOW = 1500
"""Length in samples of the shortest part of a sound in which partials are sought."""
FITTED = 16_384
"""Maximum number of samples to which the levels of the modes are fitted."""
PROMINENCE_DB, RANGE_DB = 14.0, 75.0
"""A mode is at least PROMINENCE_DB above the floor around it, and at most RANGE_DB below the strongest bin.

The highest of 10,000 bins of noise is 11 dB above their median.
"""
FLOOR_HZ = 300.0
"""Width of the blocks of bins; the floor of the spectrum is interpolated between the blocks' medians."""
OVER_NOISE = 1.3
"""Energy that is subtracted from a zone as noise, relative to the noise expected from the floor."""
LOUDEST_MODE = -0.5
"""Highest log level of a mode."""


class Modes(NamedTuple):
    """Log frequency, log level at the start, log decay and weight of the mode in each zone: [modes] each."""

    log_hz: Array
    log_level: Array
    log_decay: Array
    weight: Array


def find_modes(sound: Array, rate: int, begin: int, end: int, modes: int) -> Modes:
    """Find the strongest partial in each zone, and give it the energy of all partials in the zone.

    Args:
        sound: the sound without its free oscillators, [T].
        begin, end: the partials are sought within `sound[begin:end]`.
        modes: number of zones.
    """
    zones, half = zones_hz(modes, rate), half_zone(modes, rate)
    usual_decay = math.log(math.sqrt(DECAYS[0] * DECAYS[1]))
    found = Modes(np.log(zones), np.full(modes, QUIET), np.full(modes, usual_decay), np.zeros(modes))
    length = min(LONGEST_WINDOW, end - begin)
    if length < SHORTEST_WINDOW:
        return found
    level, bins = spectrum(sound, rate, begin, length)
    step = bins[1]
    floor = floor_db(level, int(FLOOR_HZ / step))
    power = 10 ** (level / 10)
    halves = [spectrum(sound, rate, begin + offset, length // 2)[0] for offset in (0, length // 2)]
    half_step = rate / (2 * (len(halves[0]) - 1))
    lobe = max(1, round(2 * len(level) / length))  # half the −6 dB width of the Hann window's lobe, in bins
    which, hz, decay, gain = [], [], [], []
    for mode, zone in enumerate(zones):
        first, last = (int(zone * math.exp(sign * half) / step) for sign in (-1, 1))
        last = min(last, len(level) - 2)
        if last - first < 2:
            continue
        at = first + int(np.argmax(level[first : last + 1]))
        before, middle, after = level[at - 1 : at + 2]
        if middle < max(before, after) or middle < max(floor[at] + PROMINENCE_DB, level.max() - RANGE_DB):
            continue
        noise = OVER_NOISE * 10 ** (floor[at] / 10) / math.log(2) * (last + 1 - first)
        own = power[max(0, at - lobe) : at + lobe + 1].sum()
        energy = float(np.clip((power[first : last + 1].sum() - noise) / own, 0.0, 4.0))
        if energy < 0.0025:
            continue
        near = round(float(bins[at] / half_step))
        nepers = (halves[0][near] - halves[1][near]) / 20 * math.log(10)
        curvature = before - 2 * middle + after
        which.append(mode)
        hz.append(float(bins[at]) + (0.5 * (before - after) / curvature * step if curvature else 0.0))
        decay.append(float(np.clip(nepers / (length / 2 / rate), *DECAYS)))
        gain.append(math.sqrt(energy))
    if which:
        level_there = np.log(_amplitudes(sound[: min(end, FITTED)], rate, hz, decay) * gain + 1e-9)
        found.log_hz[which], found.log_decay[which] = np.log(hz), np.log(decay)
        found.log_level[which] = np.clip(level_there, QUIET, LOUDEST_MODE)
        found.weight[which] = np.minimum(1.0, gain)
    return found


def _amplitudes(sound: Array, rate: int, hz: list[float], decay: list[float]) -> Array:
    """Return the initial amplitudes of damped sinusoids whose sum is nearest to a sound.

    The fit is by least squares, with little weight on the attack.
    """
    time = np.arange(len(sound))[:, None] / rate
    envelope = np.exp(-time * np.array(decay))
    angle = 2 * np.pi * time * np.array(hz)
    waves = np.concatenate((envelope * np.cos(angle), envelope * np.sin(angle)), 1)
    weight = np.where(time < 0.005, 0.1, 1.0)
    gram = (weight * waves).T @ waves
    gram[np.diag_indices_from(gram)] *= 1.02
    cosines_and_sines = np.linalg.solve(gram + 1e-12 * np.eye(len(gram)), (weight * waves).T @ sound)
    return np.hypot(*np.split(cosines_and_sines, 2))
