"""Measure the quality of each reconstruction."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from trainer.config import LossConfig
from trainer.losses.terms import spectral_distance

SIZES, FLOOR = LossConfig().stft_sizes, LossConfig().stft_floor
"""Settings of the multi-resolution STFT, the same for every run."""
HIGHEST_DB = 200.0


def snr_db(audio: Tensor, waveform: Tensor) -> Tensor:
    """Return the signal-to-noise ratio of each sound, 10 log10(Σ w² / Σ (a - w)²), at most 200 dB.

    Args:
        audio: reconstructions, [N, 1, T].
        waveform: originals, [N, 1, T].

    Returns:
        float64 [N].
    """
    signal = waveform.double().square().flatten(1).sum(1)
    noise = (audio.double() - waveform.double()).square().flatten(1).sum(1)
    return 10 * torch.log10(signal / torch.maximum(noise, signal * 10 ** (-HIGHEST_DB / 10)))


def stft_distance(audio: Tensor, waveform: Tensor) -> Tensor:
    """Return the multi-resolution STFT distance (`spectral_distance`) of each pair of [N, 1, T]: [N]."""
    short = max(0, min(SIZES) - waveform.shape[-1])
    audio, waveform = (functional.pad(sound, (0, short)) for sound in (audio, waveform))
    pairs = zip(audio[:, None], waveform[:, None], strict=True)
    return torch.stack([spectral_distance(ours, theirs, SIZES, FLOOR) for ours, theirs in pairs])
