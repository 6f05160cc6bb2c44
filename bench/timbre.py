"""Measures of one sound that show how it was made; none needs a second sound for comparison.

All take a sound, float [T], and its rate in Hz, and give NaN where there is too little sound to tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter, uniform_filter1d
from scipy.signal import butter, sosfilt, stft

Sound = NDArray[np.floating]

ATTACK = 1000
"""Samples left out at the start: measures of a tail must exclude the attack."""
LONG_WINDOW = 16384
LOWEST_POWER = 1e-16
SILENCE_DB = -160.0
"""Level of digital silence: 10 log10 of `LOWEST_POWER`."""


def decibels(power: ArrayLike) -> NDArray[np.float64]:
    """Return 10 log10 of a power, at least -160."""
    return np.asarray(10 * np.log10(np.maximum(power, LOWEST_POWER)))


def grid_db(sound: Sound, rate: int, hop: int) -> float:
    """Return the level of the multiples of rate / hop above their surroundings, from 2 to 18 kHz, in dB.

    The spectrum is that of one Hann window of 16,384 samples. A decoder that holds its values for a frame
    repeats itself every frame. This puts power on the multiples of the frame rate. The level is the ratio of
    the median power at these multiples to the median power half way between them, where each power is the sum
    of three bins. Sound without such a grid has 0 dB on average.

    Args:
        hop: samples of a latent frame.
    """
    tail = sound[ATTACK : ATTACK + LONG_WINDOW]
    if len(tail) < LONG_WINDOW // 2 or not tail.any():
        return float("nan")
    power = np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2
    spacing = len(tail) / hop  # of the multiples, in bins
    highest = min(18_000.0, 0.45 * rate)
    teeth = np.arange(np.ceil(2000 * hop / rate), highest * hop / rate) * spacing

    def level(places: NDArray[np.float64]) -> float:
        bins = np.round(places).astype(int)[:, None] + np.arange(-1, 2)
        return float(np.median(power[bins].sum(1)))

    return float(decibels(level(teeth)) - decibels(level(teeth + spacing / 2)))


def frame_power_ratio(sound: Sound, rate: int, hop: int) -> float:
    """Return the ratio of the largest to the smallest power of the places within a latent frame, 2 to 8 kHz.

    The power at each place is the mean over all frames that are within 50 dB of the loudest, each frame
    divided by its own mean. Steady noise has a ratio near 1 if there are many frames, and a larger one if
    there are few: compare with real sounds.
    """
    band = sosfilt(butter(4, (2000, min(8000, 0.45 * rate)), "bandpass", fs=rate, output="sos"), sound)
    power = band[ATTACK:][: (len(band) - ATTACK) // hop * hop].reshape(-1, hop) ** 2
    mean = power.mean(1)
    loud = mean > max(1e-5 * mean.max(initial=0.0), LOWEST_POWER)
    if loud.sum() < 32:
        return float("nan")
    place = (power[loud] / mean[loud, None]).mean(0)
    return float(place.max() / place.min())


def texture(sound: Sound, rate: int) -> float:
    """Return the coefficient of variation of magnitudes above 3 kHz.

    It is the median over fields of 9 bins by 5 windows.

    Magnitudes of Gaussian noise follow the Rayleigh distribution, whose coefficient is √(4/π − 1) = .52. Here
    it is .51, since the mean is taken from the same few values. Smeared spectra have less, tones and clicks
    more.
    """
    bins, _, spectrum = stft(sound, rate, nperseg=512, noverlap=256)
    magnitude = np.abs(spectrum[bins >= 3000])
    mean = uniform_filter(magnitude, (9, 5))
    variance = np.maximum(uniform_filter(magnitude**2, (9, 5)) - mean**2, 0)
    loud = mean > 10 ** (-50 / 20) * magnitude.max(initial=0.0)
    if loud.sum() <= 50:
        return float("nan")
    return float(np.median(np.sqrt(variance[loud]) / mean[loud]))


def ring_db(sound: Sound, rate: int) -> float:
    """Return the mean level of the highest 2 % of bins, 2 to 14 kHz, above their surroundings, in dB.

    The spectrum is that of one Hann window of 16,384 samples. The surroundings are the mean level of 301
    bins. Noise has 9.3 dB: its powers follow the exponential distribution, whose mean level is −2.5 dB and
    whose highest 2 % have 6.8 dB. Partials that ring have more.
    """
    tail = sound[3 * ATTACK // 2 :][:LONG_WINDOW]
    if len(tail) < LONG_WINDOW // 2 or not tail.any():
        return float("nan")
    level = decibels(np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2)
    frequency = np.fft.rfftfreq(len(tail), 1 / rate)
    level = level[(frequency > 2000) & (frequency < 14_000)]
    over = np.sort(level - uniform_filter1d(level, 301))
    return float(over[-max(1, len(over) // 50) :].mean())


def attack_treble_db(sound: Sound, rate: int) -> float:
    """Return the energy above 5 kHz in the first 6 ms, in dB relative to that of the whole sound."""
    first = butter(4, min(5000.0, 0.4 * rate), "highpass", fs=rate, output="sos")
    energy = np.square(sound, dtype=np.float64).sum()
    if not energy:
        return float("nan")
    treble = np.square(sosfilt(first, sound[: round(0.006 * rate)])).sum()
    return float(decibels(treble / energy))


def tail_db(sound: Sound, rate: int) -> float:
    """Return the level of the last 100 ms, in dB relative to the peak; digital silence has -160."""
    power = np.square(sound, dtype=np.float64)
    last = power[-(rate // 10) :]
    if not last.any():
        return SILENCE_DB
    return max(SILENCE_DB, float(decibels(last.mean()) - decibels(power.max())))
