"""The terms of the loss by name: those of the paper (Lionello and Purwins, section 3.2) and our own.

The mean and z of a sound are points in latent space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainer.config import HeadConfig, LossConfig
from trainer.data.mfcc import mel_levels
from trainer.losses.soft_dtw import BANDS, LOWEST_POWER, mfcc_soft_dtw
from trainer.models.heads import CLASSIFICATION
from trainer.models.vae import VAEOutput

MORPH_WINDOW_S = 0.016
"""Length of the window in seconds, rounded to a power of two samples: 128 at 8 kHz.

The hop is half the window.
"""

Terms = dict[str, Tensor]
"""Unweighted terms by name, each a scalar: the mean over its sounds, class centres or pairs."""

OF_PROTOTYPES, OF_PAIRS = ("centre", "centre_dtw"), ("morph", "loudness")
"""Terms that are means over class centres, and over pairs of sounds. Other terms are means over sounds."""


def needs_audio(config: LossConfig) -> bool:
    """Return True if any term compares sounds; a training step must then decode sounds."""
    return any((config.reconstruction, config.stft, config.soft_dtw, config.prototypes, config.morph))


def variational_terms(
    output: VAEOutput,
    waveform: Tensor,
    config: LossConfig,
    sample_rate: int = 22050,
) -> Terms:
    """Return "reconstruction", "kl" and, if they have a weight, "stft" and "soft_dtw".

    Args:
        output: the output of the model.
        waveform: [B, 1, T], the target.
        sample_rate: sample rate of the sounds, in Hz; only soft_dtw uses it.
    """
    terms = {
        "reconstruction": reconstruction(output.audio, waveform, config.reduction),
        "kl": divergence(output.mean, output.log_var),
    }
    if config.stft:
        terms["stft"] = spectral_distance(output.audio, waveform, config.stft_sizes, config.stft_floor)
    if config.soft_dtw:
        terms["soft_dtw"] = mfcc_soft_dtw(output.audio, waveform, sample_rate, config.soft_dtw_gamma)
    return terms


def centre_terms(
    audio: Tensor, medoid: Tensor, waveform: Tensor, config: LossConfig, sample_rate: int
) -> Terms:
    """Return the terms that compare sounds decoded at class centres with real sounds.

    Args:
        audio: the sound decoded at the centre of each sound's class, [B, 1, T].
        medoid: the medoid (most typical training sound) of the class, [B, 1, T].
        waveform: the sound itself, [B, 1, T].

    Returns:
        "centre": squared error and spectral distance from the medoid, weighted as in `config`.
        "centre_dtw": soft-DTW distance from the sound.
    """
    terms = {}
    if config.centre:
        terms["centre"] = config.reconstruction * reconstruction(audio, medoid, config.reduction)
        if config.stft:
            distance = spectral_distance(audio, medoid, config.stft_sizes, config.stft_floor)
            terms["centre"] = terms["centre"] + config.stft * distance
    if config.centre_dtw:
        terms["centre_dtw"] = mfcc_soft_dtw(audio, waveform, sample_rate, config.soft_dtw_gamma)
    return terms


def morph_term(audio: Tensor, ends: tuple[Tensor, Tensor], share: Tensor, sample_rate: int) -> Terms:
    """Return the term that makes levels change evenly along the path from one sound to another.

    Args:
        audio: sounds decoded on the straight line in z between two sounds, [B, 1, T].
        ends: those two sounds, [B, 1, T] each.
        share: position on the line, 0 to 1, [B].

    Returns:
        "morph": mean difference, in nepers, between the mel levels and the levels interpolated between the
        ends.
    """
    window = min(2 ** max(5, round(math.log2(MORPH_WINDOW_S * sample_rate))), audio.shape[-1])
    ours, first, second = (
        mel_levels(sound[:, 0], sample_rate, bands=BANDS, window=window, hop=window // 2, lowest=LOWEST_POWER)
        for sound in (audio, *ends)
    )
    between = torch.lerp(first, second, share[:, None, None])
    return {"morph": (ours - between).abs().mean() * (math.log(10) / 20)}


def head_terms(heads: dict[str, Tensor], targets: Tensor) -> Terms:
    """Return the cross-entropy of every head.

    Args:
        heads: logits [B, classes] by the name of the loss.
        targets: int64 [B, heads], the class of each sound for each head (classifier).
    """
    return {
        name: functional.cross_entropy(logits, target)
        for (name, logits), target in zip(heads.items(), targets.T, strict=True)
    }


def weights(config: LossConfig, epoch: int, heads: Sequence[HeadConfig] = ()) -> dict[str, float]:
    """Return the weight of every term in the epoch with the index `epoch` (the first index is 0)."""
    warm = min(1.0, (epoch + 1) / config.kl_warmup_epochs) if config.kl_warmup_epochs else 1.0
    return {
        "reconstruction": config.reconstruction,
        "kl": config.kl * warm,
        "stft": config.stft,
        "soft_dtw": config.soft_dtw,
        "centre": config.centre,
        "centre_dtw": config.centre_dtw,
        "morph": config.morph,
        "components": config.components,
        "loudness": config.loudness,
        "points": config.points,
        CLASSIFICATION: config.classification,
        **{f"{CLASSIFICATION}/{head.name}": config.classification * head.weight for head in heads},
    }


def total(terms: Terms, weight: dict[str, float]) -> Tensor:
    """Return the weighted sum of the terms, a scalar."""
    return torch.stack([weight[name] * term for name, term in terms.items()]).sum()


def reconstruction(audio: Tensor, waveform: Tensor, reduction: str) -> Tensor:
    """Return the squared error of [B, 1, T]: sum or mean over the window, mean over the batch."""
    error = functional.mse_loss(audio, waveform)
    return error * audio[0].numel() if reduction == "sum" else error


def divergence(mean: Tensor, log_var: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_var)) || N(0, I)) of [B, D]: summed over D, mean over the batch."""
    return 0.5 * (log_var.exp() + mean.square() - 1 - log_var).sum(1).mean()


def spectral_distance(audio: Tensor, waveform: Tensor, sizes: tuple[int, ...], floor: float) -> Tensor:
    """Return the multi-resolution STFT distance (Yamamoto et al. 2020), a mean over window sizes.

    For each size, the distance is the spectral convergence plus the log-magnitude distance, ‖A − W‖ / ‖W‖ +
    mean |log A − log W|, with Hann windows and a hop of a quarter window. A and W are the magnitudes
    sqrt(|STFT|² + floor²), scaled so that a full-scale sine has 1. Sizes above T are left out.

    Args:
        audio, waveform: [B, 1, T].

    Raises:
        ValueError: if every size is above T.
    """
    fitting = [size for size in sizes if size <= audio.shape[-1]]
    if not fitting:
        raise ValueError(f"stft_sizes {sizes}: none fits into a window of {audio.shape[-1]} samples")
    pair = torch.cat((audio, waveform))[:, 0]
    distances = []
    for size in fitting:
        window = torch.hann_window(size, device=audio.device)
        spectrum = torch.stft(
            pair,
            size,
            hop_length=size // 4,
            window=window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        spectrum = torch.view_as_real(spectrum) * (2 / window.sum())
        magnitude = (spectrum.square().sum(-1) + floor**2).sqrt()
        ours, theirs = magnitude.chunk(2)
        convergence = (ours - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1)
        distances.append(convergence.mean() + (ours.log() - theirs.log()).abs().mean())
    return torch.stack(distances).mean()
