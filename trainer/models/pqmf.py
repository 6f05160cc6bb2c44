"""The near-perfect cosine-modulated filter bank of the model `mb` (`trainer.models.mb`).

The prototype filter is a Kaiser-windowed low-pass (Lin & Vaidyanathan 1998) with 8 taps for each band. Its
cutoff, 0.6182 of the width of a band, makes neighbouring bands add up to one for any number of bands.
Analysis followed by synthesis reproduces a sound with an error of about -56 dB, relative to the sound.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

OVERLAP = 8
"""Number of taps of a filter, divided by the number of bands."""
BETA, CUTOFF = 7.0, 0.6182
"""Shape of the Kaiser window; cutoff of the low-pass, as a fraction of the width of a band."""


def synthesis_filters(bands: int) -> Tensor:
    """Return the filters, float64 [bands, 8 * bands], low bands first, almost orthonormal.

    In synthesis, the samples of each band are spaced `bands` samples of sound apart and convolved with the
    band's filter; the sound is the sum over all bands. Analysis uses the reversed filters. Analysis and
    synthesis together delay the sound by 8 * bands - 1 samples.
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
    """Return the filters as the weight of a causal convolution over the samples of the bands.

    Returns:
        [phases, bands, 8]; the phases are the successive samples of sound that belong to one sample of the
        bands.
    """
    return synthesis_filters(bands).reshape(bands, OVERLAP, bands).permute(2, 0, 1).flip(2).contiguous()
