"""The distance of two sounds by ear: the mean difference of their mel levels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from trainer.data.mfcc import mel_filters

BANDS, WINDOW, HOP = 64, 1024, 256
SMOOTHED = 3
"""Windows over which power is averaged, so that two takes of a noise are near each other."""
RANGE_DB = 70.0
"""Below the loudest band of the real sound: what is softer is not heard."""


def distances(ours: Tensor, real: Tensor, sample_rate: int) -> Tensor:
    """Return the mean difference, in dB, of the mel levels of each pair of sounds.

    Args:
        ours, real: float [N, T].

    Returns:
        float32 [N].
    """
    floor = 10 ** (-RANGE_DB / 10)
    powers = zip(_power(ours, sample_rate), _power(real, sample_rate), strict=True)
    found = [
        10 * ((mine + theirs.max() * floor) / (theirs + theirs.max() * floor)).log10().abs().mean()
        for mine, theirs in powers
    ]
    return torch.stack(found)


def _power(sounds: Tensor, sample_rate: int) -> Tensor:
    """Return the power of mel bands in windows centred on every 256th sample: [N, bands, windows]."""
    padded = functional.pad(sounds.float(), (WINDOW // 2, WINDOW // 2))
    frames = padded.unfold(-1, WINDOW, HOP) * torch.hann_window(WINDOW)
    spectrum = torch.view_as_real(torch.fft.rfft(frames)).square().sum(-1)
    power = (spectrum @ mel_filters(sample_rate, WINDOW, BANDS).to(spectrum).T).transpose(1, 2)
    ends = functional.pad(power, (SMOOTHED // 2, SMOOTHED // 2), mode="replicate")
    return functional.avg_pool1d(ends, SMOOTHED, stride=1)
