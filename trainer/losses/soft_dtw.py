"""Soft-DTW (Cuturi & Blondel 2017) of the MFCCs of two sounds: a distance that ignores phase and timing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainer.data.mfcc import mfcc

COEFFICIENTS, BANDS = 13, 40
WINDOW_S = 0.032
"""Length of the window in seconds, rounded to a power of two samples: 256 at 8 kHz.

The hop is half the window.
"""
LOWEST_POWER = 1e-6
"""Lower limit of the power of a mel band: about 80 dB below a full-scale sine."""
FAR = 1e10
"""Cost of a path outside the grid; it is finite, because gradients must be finite."""


def soft_dtw(cost: Tensor, gamma: float) -> Tensor:
    """Return the soft minimum of the costs of all alignments, computed one anti-diagonal after another.

    R_ij = cost_ij + softmin(R_i-1,j-1, R_i-1,j, R_i,j-1), softmin(x) = -γ log Σ exp(-x / γ).

    Args:
        cost: [B, N, M], the cost of aligning i with j.
        gamma: above 0; the limit at 0 is DTW.

    Returns:
        [B]; may be negative.
    """
    batch, rows, columns = cost.shape
    row = torch.arange(rows, device=cost.device)
    far = cost.new_full((batch, rows), FAR)
    start = far.clone()
    start[:, 0] = 0.0  # R before the first cell
    before, last = start, far  # anti-diagonals d - 2 and d - 1, by row
    for diagonal in range(rows + columns - 1):
        column = diagonal - row
        inside = (column >= 0) & (column < columns)
        here = cost[:, row, column.clamp(0, columns - 1)]
        across = before if diagonal == 0 else _down(before)
        predecessors = torch.stack((across, _down(last), last))
        best = here - gamma * torch.logsumexp(-predecessors / gamma, dim=0)
        before, last = last, torch.where(inside, best, far)
    return last[:, -1]


def _down(values: Tensor) -> Tensor:
    """Shift the values [B, N] down by one row; the new first row is `FAR`."""
    return torch.nn.functional.pad(values[:, :-1], (1, 0), value=FAR)


def mfcc_soft_dtw(audio: Tensor, waveform: Tensor, sample_rate: int, gamma: float) -> Tensor:
    """Return the soft-DTW of the MFCCs, divided by the number of windows: a scalar, the mean over the batch.

    The cost of two windows is the mean over the coefficients of the squared difference, in dB².

    Args:
        audio, waveform: [B, 1, T].
    """
    window = min(2 ** max(5, round(math.log2(WINDOW_S * sample_rate))), audio.shape[-1])
    ours, theirs = (
        mfcc(
            sound[:, 0],
            sample_rate,
            coefficients=COEFFICIENTS,
            bands=BANDS,
            window=window,
            hop=window // 2,
            lowest=LOWEST_POWER,
        )
        for sound in (audio, waveform)
    )
    cost = (ours[:, :, None] - theirs[:, None]).square().mean(-1)
    return soft_dtw(cost, gamma).mean() / ours.shape[1]
