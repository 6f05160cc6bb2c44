"""Distances between a sound and a real sound: our own distances, and those of Drumblender.

Both sounds are float [T] and have the same sample rate. Drumblender is the model of J. Shier et al.,
*Differentiable Modelling of Percussive Audio with Transient and Spectral Synthesis*, 2023. The functions
follow Drumblender's code, but work at the sample rate of the sounds instead of 48 kHz.
"""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from torch import Tensor

from bench.sounds.timbre import Sound, decibels

MEL_BANDS, MEL_WINDOW, MEL_HOP, MEL_RANGE_DB = 64, 1024, 256, 70.0
RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""Sizes of transform, hop and window in samples: the defaults of auraloss, which Drumblender uses."""
LSD_FFT, LSD_HOP = 8092, 64
FLUX_FFT, FLUX_HOP = 1024, 64
"""Sizes of transform and hop in samples, as in Drumblender's code; 8092 is the number in that code."""
EPSILON = 1e-8


def mel_power(sound: Sound, rate: int) -> NDArray[np.float32]:
    """Return the power of 64 mel bands, smoothed over three windows: [64, windows]."""
    power = librosa.feature.melspectrogram(
        y=sound.astype(np.float32), sr=rate, n_fft=MEL_WINDOW, hop_length=MEL_HOP, n_mels=MEL_BANDS, power=2.0
    )
    return uniform_filter1d(power, 3, axis=1).astype(np.float32)


def mel_db(real: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mel distance: the mean difference of the mel levels, in dB.

    Levels are limited to 70 dB below the loudest band of the real sound.

    Args:
        real: `mel_power` of the real sound, [64, windows].
        other: `mel_power` of other sounds, [..., 64, windows].

    Returns:
        The distance of each of the other sounds, float32 [...].
    """
    floor = real.max() * np.float32(10 ** (-MEL_RANGE_DB / 10))
    difference = 10 * np.abs(np.log10(other + floor) - np.log10(real + floor))
    return np.asarray(difference.mean((-2, -1)), np.float32)


def onset_error(real: Sound, other: Sound, rate: int) -> float:
    """Return the difference of onset strengths (librosa's spectral flux), relative to the real sound."""

    def strength(sound: Sound) -> NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="Empty filters"
            )  # some low bands of the 128 contain none of the 257 bins
            found: NDArray[np.float32] = librosa.onset.onset_strength(
                y=sound.astype(np.float32), sr=rate, hop_length=128, n_fft=512
            )
        return found

    ours, theirs = strength(other), strength(real)
    return float(np.abs(ours - theirs).sum() / (theirs.sum() + 1e-9))


def _magnitudes(sound: Sound, size: int, hop: int, window: int, mode: str = "reflect") -> Tensor:
    return torch.stft(
        torch.from_numpy(np.asarray(sound, np.float32)),
        size,
        hop,
        window,
        torch.hann_window(window),
        pad_mode=mode,
        return_complex=True,
    ).abs()


def multi_scale(real: Sound, other: Sound) -> float:
    """Return Drumblender's MSS (multi-scale spectral distance).

    MSS is the spectral convergence plus the log-magnitude error, averaged over `RESOLUTIONS`.
    """
    total = 0.0
    for size, hop, window in RESOLUTIONS:
        theirs, ours = (_magnitudes(s, size, hop, window).clamp(min=EPSILON**0.5) for s in (real, other))
        convergence = torch.linalg.norm(theirs - ours) / torch.linalg.norm(theirs)
        total += float(convergence + (theirs.log() - ours.log()).abs().mean())
    return total / len(RESOLUTIONS)


def log_spectral(real: Sound, other: Sound) -> float:
    """Return Drumblender's LSD (log-spectral distance).

    LSD is the RMS over bins of the difference between the log powers, averaged over time.
    """
    theirs, ours = (
        (_magnitudes(sound, LSD_FFT, LSD_HOP, LSD_FFT).square() + EPSILON).log() for sound in (real, other)
    )
    return float((theirs - ours).square().mean(0).sqrt().mean())


def flux_error(real: Sound, other: Sound) -> float:
    """Return Drumblender's onset error: mean absolute difference of the spectral flux over time.

    Drumblender's code sums squared rises from one bin to the next, whereas the paper describes rises from one
    window to the next. This function follows the code, to make its results comparable with the published
    results. `onset_error` compares rises from one window to the next.
    """

    def flux(sound: Sound) -> Tensor:
        rises = _magnitudes(sound, FLUX_FFT, FLUX_HOP, FLUX_FFT, "constant").diff(dim=0)
        return rises.clamp(min=0).square().sum(0)

    return float((flux(real) - flux(other)).abs().mean())


def rms_db(sound: Sound) -> float:
    """Return the RMS level of an entire sound, in dB relative to full scale."""
    return float(decibels(np.mean(np.asarray(sound, np.float64) ** 2)))
