"""Mel-frequency cepstral coefficients (MFCCs) in PyTorch: differentiable, and equal to those of librosa."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

LOWEST_POWER = 1e-10


def mfcc(
    audio: Tensor,
    sample_rate: int,
    *,
    coefficients: int,
    bands: int,
    window: int,
    hop: int,
    fft: int = 0,
    lowest: float = LOWEST_POWER,
) -> Tensor:
    """Return the MFCCs: the orthonormal DCT-II of `mel_levels`, which explains the other arguments.

    Args:
        coefficients: number of coefficients, including the first (the level); at most `bands`.

    Returns:
        [B, 1 + (T - window) // hop, coefficients]
    """
    level_db = mel_levels(audio, sample_rate, bands=bands, window=window, hop=hop, fft=fft, lowest=lowest)
    return level_db @ _dct(bands, coefficients).to(level_db).T


def mel_levels(
    audio: Tensor,
    sample_rate: int,
    *,
    bands: int,
    window: int,
    hop: int,
    fft: int = 0,
    lowest: float = LOWEST_POWER,
) -> Tensor:
    """Return the levels, in dB, of mel bands of the power spectrum (Hann window, no padding).

    Args:
        audio: [B, T], at least `window` samples.
        window: samples.
        hop: samples between two windows.
        fft: size of the transform, at least `window`; each window is padded with zeros to this size. 0 uses
            the size `window`.
        lowest: lower limit of the power of a band.

    Returns:
        [B, 1 + (T - window) // hop, bands]
    """
    fft = max(fft, window)
    parts = audio.unfold(-1, window, hop) * torch.hann_window(window, dtype=audio.dtype, device=audio.device)
    power = torch.view_as_real(torch.fft.rfft(parts, fft)).square().sum(-1)
    mel = mel_filters(sample_rate, fft, bands).to(power)
    return 10 * (power @ mel.T).clamp(min=lowest).log10()


@functools.cache
def mel_filters(sample_rate: int, fft: int, bands: int) -> Tensor:
    """Return triangles of unit area on Slaney's mel scale, 0 Hz to half the rate: [bands, fft // 2 + 1]."""
    edges = _hz(torch.linspace(0, _mel(sample_rate / 2), bands + 2, dtype=torch.float64))
    bins = torch.linspace(0, sample_rate / 2, fft // 2 + 1, dtype=torch.float64)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = torch.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)).clamp(min=0)
    return triangles * (2 / (high - low))


@functools.cache
def _dct(bands: int, coefficients: int) -> Tensor:
    order = torch.arange(coefficients, dtype=torch.float64)[:, None]
    matrix = torch.cos(math.pi / bands * (torch.arange(bands, dtype=torch.float64) + 0.5) * order)
    matrix *= math.sqrt(2 / bands)
    matrix[0] /= math.sqrt(2)
    return matrix


def _mel(hz: float) -> float:
    """Convert Hz to Slaney's mel: linear up to 1 kHz, which is 15 mel; then 27 mel for a factor of 6.4."""
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def _hz(mel: Tensor) -> Tensor:
    return torch.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))
