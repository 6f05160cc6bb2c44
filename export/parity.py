"""Compares the results of exported files, as `realtime` computes them, with those of the PyTorch model."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder
from realtime.model.preprocess import prepare
from trainer.models.vae import VAE

MAX_DIFFERENCE = 1e-4
"""Largest accepted difference: -80 dB relative to full scale. Differences due to rounding are smaller."""


@dataclass(frozen=True)
class Parity:
    """Largest absolute difference between the samples of the exported decoder and of the PyTorch decoder.

    Differences are relative to full scale. The two decoders are compared at random positions z in latent
    space, drawn with the mean and standard deviation of z over the training sounds. The PyTorch decoder
    computes in float64, so the differences are the rounding errors of the exported decoder.

    Attributes:
        full: difference when all frames are decoded in one call.
        streamed: difference when frames are decoded in uneven chunks, with a z that changes at every frame.
    """

    full: float
    streamed: float

    @property
    def worst(self) -> float:
        return max(self.full, self.streamed)


def compare(model: VAE, path: Path, seed: int = 0) -> Parity:
    """Compare the decoder file at `path` with the decoder of `model` (in evaluation mode)."""
    decoder = Decoder(path, capacity=2, provider="cpu")
    info = decoder.info
    random = np.random.default_rng(seed)
    spread = np.asarray(info.latent.std) + 1e-3
    still = (np.asarray(info.latent.mean) + spread * random.standard_normal((2, info.latent_dim))).astype(
        np.float32
    )
    moving = np.linspace(still[0], still[1], info.frames, dtype=np.float32)[None].repeat(2, axis=0)
    moving[1] = moving[1, ::-1]
    expected_full, expected_moving = (exact_sounds(model, each) for each in (still, moving))
    full = decoder.decode(still)
    parts, frame = [], 0
    while frame < info.frames:
        count = min(int(random.integers(1, decoder.max_frames + 1)), info.frames - frame)
        parts.append(decoder.step(moving[:, frame : frame + count]).copy())
        frame += count
    streamed = np.concatenate(parts, axis=1)
    return Parity(float(np.abs(full - expected_full).max()), float(np.abs(streamed - expected_moving).max()))


def exact_sounds(model: VAE, z: NDArray[np.float32]) -> NDArray[np.float64]:
    """Decode z, [B, D] or [B, F, D], with the PyTorch decoder in float64: [B, T]."""
    with torch.no_grad():
        return np.asarray(copy.deepcopy(model).double().decode(torch.from_numpy(z).double())[:, 0])


def encoder_difference(model: VAE, path: Path) -> float:
    """Encode decaying noise with an encoder file and with the model; return the largest difference in z.

    Args:
        model: the model, in evaluation mode.
        path: the encoder file.

    Returns:
        The difference, divided by the largest |z|, or by 1 if all |z| are smaller.
    """
    encoder = Encoder(path)
    preparation = encoder.info.preparation
    decay = np.exp(np.linspace(0.0, -6.0, preparation.length))
    sound = (np.random.default_rng(0).standard_normal(preparation.length) * decay).astype(np.float32)
    got = np.asarray(encoder.encode(sound, preparation.sample_rate))
    prepared = torch.from_numpy(prepare(sound, preparation.sample_rate, preparation))
    with torch.no_grad():
        expected = model.encode(prepared[None, None])[0][0].numpy()
    return float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max()))
