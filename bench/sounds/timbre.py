"""Measures of a single sound that reveal artefacts of synthesis.

Each measure takes a sound, float [T], and its sample rate in Hz. All but `tail_db` return NaN if the sound is
too short or too quiet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter, uniform_filter1d
from scipy.signal import butter, sosfilt, stft

Sound = NDArray[np.floating]

ATTACK = 1000
"""Number of samples in the attack, at the start of a sound; measures of a tail leave the attack out."""
LONG_WINDOW = 16_384
"""Number of samples in the window of `grid_db` and `ring_db`."""
LOWEST_POWER = 1e-16
SILENCE_DB = -160.0
"""Level of digital silence: 10 log10 of `LOWEST_POWER`."""


def decibels(power: ArrayLike) -> NDArray[np.float64]:
    """Return the level of a power, 10 log10, at least -160 dB."""
    return np.asarray(10 * np.log10(np.maximum(power, LOWEST_POWER)))


def grid_db(sound: Sound, rate: int, hop: int) -> float:
    """Return the prominence of the harmonics of the frame rate, rate / hop, from 2 to 18 kHz, in dB.

    If the values of a decoder are constant within each latent frame, its sound has these harmonics. Their
    prominence is the median power at the harmonics over the median power halfway between them, in the
    spectrum of one Hann window of 16,384 samples. Each power is the sum of three bins. A sound without such
    harmonics has 0 dB on average.

    Args:
        hop: number of samples in a latent frame, the unit of the decoder.
    """
    tail = sound[ATTACK : ATTACK + LONG_WINDOW]
    if len(tail) < LONG_WINDOW // 2 or not tail.any():
        return float("nan")
    power = np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2
    spacing = len(tail) / hop  # distance of the harmonics, in bins
    highest = min(18_000.0, 0.45 * rate)
    harmonics = np.arange(np.ceil(2000 * hop / rate), highest * hop / rate) * spacing

    def median_power(places: NDArray[np.float64]) -> float:
        bins = np.round(places).astype(int)[:, None] + np.arange(-1, 2)
        return float(np.median(power[bins].sum(1)))

    return float(decibels(median_power(harmonics)) - decibels(median_power(harmonics + spacing / 2)))


def frame_power_ratio(sound: Sound, rate: int, hop: int) -> float:
    """Return how unevenly power is distributed within a latent frame, from 2 to 8 kHz: 1 if it is even.

    The power of each frame is divided by the mean power of the frame, then averaged over the frames, sample
    by sample. Frames more than 50 dB below the loudest frame are left out. The result is the largest power in
    this average frame divided by the smallest power. For steady noise, the result is near 1 with many frames
    but higher with few frames. Therefore, compare it with the results for real sounds.

    Args:
        hop: number of samples in a latent frame, the unit of the decoder.
    """
    band = sosfilt(butter(4, (2000, min(8000, 0.45 * rate)), "bandpass", fs=rate, output="sos"), sound)
    power = band[ATTACK:][: (len(band) - ATTACK) // hop * hop].reshape(-1, hop) ** 2
    mean = power.mean(1)
    loud = mean > max(1e-5 * mean.max(initial=0.0), LOWEST_POWER)
    if loud.sum() < 32:
        return float("nan")
    average = (power[loud] / mean[loud, None]).mean(0)
    return float(average.max() / average.min())


def texture(sound: Sound, rate: int) -> float:
    """Return the coefficient of variation of the STFT's magnitudes above 3 kHz.

    The result is the median over regions of 9 bins by 5 windows; regions more than 50 dB below the largest
    magnitude are left out. For Gaussian noise, the result is .51: its magnitudes follow the Rayleigh
    distribution, whose coefficient is √(4/π − 1) = .52, and the estimate from only 45 values is slightly
    lower. Smeared spectra have a lower coefficient than noise; tones and clicks have a higher coefficient.
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
    """Return the mean prominence of the most prominent 2 % of bins from 2 to 14 kHz, in dB.

    The spectrum is that of one Hann window of 16,384 samples. The prominence of a bin is its level above the
    mean level of the 301 bins around it. The result is 9.3 dB for noise, and higher for ringing partials. The
    value for noise follows from the exponential distribution of the power of its bins: the mean level is
    −2.5 dB, and the mean level of the highest 2 % is 6.8 dB.
    """
    tail = sound[3 * ATTACK // 2 :][:LONG_WINDOW]
    if len(tail) < LONG_WINDOW // 2 or not tail.any():
        return float("nan")
    level = decibels(np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2)
    frequency = np.fft.rfftfreq(len(tail), 1 / rate)
    level = level[(frequency > 2000) & (frequency < 14_000)]
    prominence_db = np.sort(level - uniform_filter1d(level, 301))
    return float(prominence_db[-max(1, len(prominence_db) // 50) :].mean())


def attack_treble_db(sound: Sound, rate: int) -> float:
    """Return the energy above 5 kHz in the first 6 ms, in dB relative to the energy of the entire sound."""
    highpass = butter(4, min(5000.0, 0.4 * rate), "highpass", fs=rate, output="sos")
    energy = np.square(sound, dtype=np.float64).sum()
    if not energy:
        return float("nan")
    treble = np.square(sosfilt(highpass, sound[: round(0.006 * rate)])).sum()
    return float(decibels(treble / energy))


def tail_db(sound: Sound, rate: int) -> float:
    """Return the level of the last 100 ms, in dB relative to the peak; -160 for digital silence."""
    power = np.square(sound, dtype=np.float64)
    last = power[-(rate // 10) :]
    if not last.any():
        return SILENCE_DB
    return max(SILENCE_DB, float(decibels(last.mean()) - decibels(power.max())))
