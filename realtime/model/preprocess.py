"""Prepares a sound for the encoder as the trainer does, with the settings stored in the encoder file.

The trainer's version is trainer.data.audio; a test checks that both give the same result.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from realtime.model.schema import Preparation
from realtime.util.errors import RealtimeError

MAX_MINUTES = 10.0
"""Longest accepted recording: a longer one is not a one-shot, and hours of sound would fill the memory."""


def prepare(samples: npt.ArrayLike, sample_rate: int, how: Preparation) -> npt.NDArray[np.float32]:
    """Return one window of sound: mono, without DC, at the model's rate, with peak 1, leading silence cut.

    Args:
        samples: [samples] or [samples, channels], at any scale.
        sample_rate: sample rate in Hz.
        how: settings from the encoder file.

    Returns:
        float32 [how.length].

    Raises:
        RealtimeError: the sound is empty, silent, too short, too long or not finite.
    """
    signal = np.asarray(samples, np.float32)
    signal = signal[:, None] if signal.ndim == 1 else signal
    if signal.ndim != 2 or sample_rate < 1:
        raise ValueError(f"samples of shape {signal.shape} at {sample_rate} Hz")
    if not signal.size:
        raise RealtimeError("the sound is empty")
    duration_ms = 1000 * len(signal) / sample_rate
    if duration_ms < how.shortest_ms:
        raise RealtimeError(
            f"the sound is too short: {duration_ms:.2g} ms; at least {how.shortest_ms:g} ms are needed"
        )
    if duration_ms > MAX_MINUTES * 60_000:
        raise RealtimeError(f"the sound is too long: at most {MAX_MINUTES:g} minutes are accepted")
    if not np.isfinite(signal).all():
        raise RealtimeError("the sound has samples that are not numbers")
    mono = _mono(signal.astype(np.float64), how)
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


def _mono(signal: npt.NDArray[np.float64], how: Preparation) -> npt.NDArray[np.float64]:
    """Mix [samples, channels] to [samples]: the mean, or the first channel if the channels cancel out."""
    mean: npt.NDArray[np.float64] = signal.mean(axis=1)
    return signal[:, 0] if np.ptp(mean) < how.silent_peak < np.ptp(signal[:, 0]) else mean


def _normalised(sound: npt.NDArray[np.float64], how: Preparation) -> npt.NDArray[np.float64]:
    peak = float(np.abs(sound).max(initial=0.0))
    if peak < how.silent_peak or peak == 0.0:
        raise RealtimeError("the sound is silent")
    return sound / peak
