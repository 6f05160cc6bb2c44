"""Loss terms that compare what an ear compares: energies of bands, and how noisy or tonal each band is.

A distance bin by bin is lowest for a smooth spectrum at the median of a noise's magnitudes, and higher for
true noise: it teaches a decoder to avoid noise. Energies averaged over bands and time do not. They cannot
tell a tone from a noise of equal energy, so the terms compare the flatness within each band, too.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

from trainer.data.mfcc import mel_filters

SCALES = ((128, 16, 4), (512, 40, 2), (2048, 96, 2), (4096, 160, 1))
"""Window in samples, mel bands, frames averaged."""
FLOOR = 1e-7
"""Of the largest band energy of the recording: -70 dB."""
FLATNESS_WINDOWS = (2048, 4096)
RING_WINDOW = 16_384
"""For the flatness alone: partials of metal stand apart only in a window as long as this."""
FLATNESS_HZ = 1000.0
BLOCK_HZ = 500.0
ONSET_S = 0.02


@functools.cache
def _filters(sample_rate: int, window: int, bands: int) -> Tensor:
    """Triangles of unit height, [bins, bands]; each is at least a bin wide."""
    filters = mel_filters(sample_rate, window, bands).float()
    empty = filters.sum(1) == 0
    if empty.any():
        centre = (filters.shape[1] - 1) * torch.linspace(0, 1, bands)
        for band in torch.nonzero(empty)[:, 0].tolist():
            filters[band, int(centre[band].round())] = 1.0
    return (filters / filters.amax(1, keepdim=True)).T.contiguous()


def hop(window: int) -> int:
    """Samples between two windows: half of a short one, a quarter of a long one."""
    return window // (2 if window <= 512 else 4)


def power(audio: Tensor, window: int) -> Tensor:
    """Power spectra of audio [B, T], Hann window, zeros around: [B, frames, bins]."""
    padded = functional.pad(audio, (window // 2, window // 2))
    hann = torch.hann_window(window, device=audio.device)
    spectrum = torch.fft.rfft(padded.unfold(-1, window, hop(window)) * hann)
    return spectrum.real.square() + spectrum.imag.square()


def ear_terms(audio: Tensor, waveform: Tensor, sample_rate: int, onset: float) -> dict[str, Tensor]:
    """The terms "bands" and "flatness", in nepers.

    Args:
        audio, waveform: [B, T], ours and the recording.
        onset: weight of the first 20 ms, beside 1 for the rest, in the two shortest windows.
    """
    bands, flatness = [], []
    for window, count, average in SCALES:
        ours, theirs = power(audio, window), power(waveform, window)
        filters = _filters(sample_rate, window, count).to(audio)
        a, b = (_averaged(each @ filters, average) for each in (ours, theirs))
        floor = FLOOR * b.amax((1, 2), keepdim=True) + 1e-9
        difference = 0.5 * ((a + floor).log() - (b + floor).log()).abs().mean(-1)
        weight = torch.ones_like(difference)
        if window <= 512 and onset:
            frames = math.ceil(ONSET_S * sample_rate / (average * hop(window)))
            weight[:, : frames + 1] = onset
        bands.append((difference * weight).sum(1).div(weight.sum(1)).mean())
        if window in FLATNESS_WINDOWS:
            flatness.append(_flatness(ours, theirs, window, sample_rate))
    if audio.shape[-1] >= RING_WINDOW:
        ours, theirs = power(audio, RING_WINDOW), power(waveform, RING_WINDOW)
        flatness.append(_flatness(ours, theirs, RING_WINDOW, sample_rate))
    return {"bands": torch.stack(bands).mean(), "flatness": torch.stack(flatness).mean()}


def _averaged(energy: Tensor, frames: int) -> Tensor:
    """Energies [B, F, bands], averaged over neighbouring frames."""
    if frames == 1:
        return energy
    return functional.avg_pool1d(energy.transpose(1, 2), frames, ceil_mode=True).transpose(1, 2)


def _flatness(ours: Tensor, theirs: Tensor, window: int, sample_rate: int) -> Tensor:
    """Return the mean difference of the spectral flatness of blocks, where the recording sounds."""
    step = sample_rate / window
    block, first = round(BLOCK_HZ / step), round(FLATNESS_HZ / step)
    count = (ours.shape[-1] - first) // block

    def blocks(energy: Tensor) -> tuple[Tensor, Tensor]:
        parts = energy[..., first : first + count * block].unflatten(-1, (count, block)) + 1e-9
        mean = parts.mean(-1)
        return parts.log().mean(-1) - mean.log(), mean

    a, _ = blocks(ours)
    b, level = blocks(theirs)
    heard = (level > 1e-6 * level.amax((1, 2), keepdim=True)).float()
    frames = heard.sum(1)
    mean_a, mean_b = ((each * heard).sum(1) / frames.clamp(min=1.0) for each in (a, b))
    return (mean_a - mean_b).abs().mul(frames > 0).mean()
