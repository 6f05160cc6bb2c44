"""A cosine-modulated filter bank, near-perfect: the bands of a sound that `mb` works on.

The prototype is a Kaiser window's low-pass (Lin & Vaidyanathan 1998) of 8 taps a band. Its cutoff is where
the overlap of neighbouring bands adds up to one: 0.6182 of a band's width for this window, whatever their
number. A sound that is taken apart and put together comes back within -56 dB.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

OVERLAP = 8
"""Taps of a filter over the number of bands."""
BETA, CUTOFF = 7.0, 0.6182
"""Of the Kaiser window; of the low-pass, as a part of a band's width."""


def synthesis_filters(bands: int) -> Tensor:
    """float64 [bands, 8 * bands], low bands first, all but orthonormal.

    The sound is the sum of the bands' samples, each times its filter, `bands` samples of sound apart.
    Analysis is the same filters backwards; both together delay by 8 * bands - 1 samples.
    """
    taps = OVERLAP * bands
    time = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    window = torch.kaiser_window(taps, periodic=False, beta=BETA, dtype=torch.float64)
    low_pass = torch.special.sinc(CUTOFF / bands * time) * window
    band = torch.arange(bands, dtype=torch.float64)[:, None]
    turn = (-1.0) ** band * math.pi / 4
    filters = low_pass * torch.cos((2 * band + 1) * math.pi / (2 * bands) * time - turn)
    return filters / (low_pass.square().sum() / 2).sqrt()


def synthesis_kernel(bands: int) -> Tensor:
    """The same as the weight of a causal convolution over the bands' samples, [phases, bands, 8].

    Its `bands` output channels are the samples of sound that one sample of the bands lasts, in their order.
    """
    return synthesis_filters(bands).reshape(bands, OVERLAP, bands).permute(2, 0, 1).flip(2).contiguous()
