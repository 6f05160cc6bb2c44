"""Prepares a sound for the encoder, in training and afterwards; the encoder file stores the settings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from realtime.model.schema import Preparation
from realtime.util.errors import RealtimeError


def prepare(samples: npt.ArrayLike, sample_rate: int, how: Preparation) -> npt.NDArray[np.float32]:
    """Return one window of sound: mono, without DC offset, at the model's rate, with peak 1.

    If the sound is longer than the window, its leading blocks of silence are cut; the authors of the model
    (Lionello and Purwins) do the same. If it is then still too long, its end is cut off. A shorter
    sound is padded with zeros.

    Args:
        samples: [samples] or [samples, channels], at any scale.
        sample_rate: sample rate in Hz.
        how: settings, from the encoder file or from the training run.

    Returns:
        float32 [how.length].

    Raises:
        RealtimeError: the sound is empty, silent, too short or not finite.
        ValueError: the samples have more than two dimensions, or the sample rate is below 1.
    """
    signal = np.asarray(samples, np.float32)
    signal = signal[:, None] if signal.ndim == 1 else signal
    if signal.ndim != 2 or sample_rate < 1:
        raise ValueError(f"samples of shape {signal.shape} at {sample_rate} Hz")
    if not signal.size:
        raise RealtimeError("the sound is empty")
    return prepare_mixed(signal.astype(np.float64).mean(axis=1), signal[:, 0], sample_rate, how)


def prepare_mixed(
    mixed: npt.NDArray[np.float64], first: npt.NDArray[np.float32], sample_rate: int, how: Preparation
) -> npt.NDArray[np.float32]:
    """Prepare a sound as `prepare` does: `mixed` is the mean of its channels, `first` the first channel."""
    duration_ms = 1000 * len(mixed) / sample_rate
    if duration_ms < how.shortest_ms:
        raise RealtimeError(
            f"the sound is too short: {duration_ms:.2g} ms; at least {how.shortest_ms:g} ms are needed"
        )
    if not np.isfinite(mixed).all():
        raise RealtimeError("the sound has samples that are not finite numbers")
    mono = first.astype(np.float64) if _cancel(mixed, first, how.silent_peak) else mixed
    sound = soxr.resample(mono - mono.mean(), sample_rate, how.sample_rate, quality=how.resampler)
    sound = _normalised(sound, how)
    if len(sound) > how.length:
        block = how.silence_block
        whole = sound[: len(sound) // block * block].reshape(-1, block)
        loud = np.flatnonzero((whole**2).mean(axis=1) >= how.silence_mean_square)
        sound = sound[(loud[0] if len(loud) else 0) * block :]
    if len(sound) > how.length:
        sound = sound[: how.length].copy()
        fade = min(round(how.fade_ms * how.sample_rate / 1000), how.length)
        if fade:
            sound[-fade:] *= np.linspace(1.0, 0.0, fade)
    return np.pad(_normalised(sound, how), (0, how.length - len(sound))).astype(np.float32)


def cancels(signal: npt.NDArray[np.floating], silent_peak: float) -> bool:
    """Return True if the mean of the channels [samples, channels] is silent and the first channel is not."""
    return _cancel(signal.mean(axis=1), signal[:, 0], silent_peak)


def _cancel(mixed: npt.NDArray[np.floating], first: npt.NDArray[np.floating], silent_peak: float) -> bool:
    return bool(np.ptp(mixed) < silent_peak < np.ptp(first.astype(np.float64)))


def _normalised(sound: npt.NDArray[np.float64], how: Preparation) -> npt.NDArray[np.float64]:
    peak = float(np.abs(sound).max(initial=0.0))
    if peak < how.silent_peak or peak == 0.0:
        raise RealtimeError("the sound is silent")
    return sound / peak
