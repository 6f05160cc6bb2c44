"""Names the ends of each principal axis of the latent space after the sounds there ("darker", "brighter")."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.model.decoder import Decoder

AXES = 8
REACH = 2.0  # number of standard deviations from the mean to each end of an axis
SAMPLE = 32  # minimum number of training sounds that are decoded to measure the usual variation of a feature
BATCH = 16  # number of sounds decoded at once
SECOND = 0.6  # a second feature is also named if its change is at least this fraction of the largest change
FLOOR = 1e-9
#: feature -> the words for a smaller and for a larger value
WORDS = {
    "brightness": ("darker", "brighter"),
    "length": ("shorter", "longer"),
    "noise": ("purer", "noisier"),
    "attack": ("sharper", "softer"),
    "level": ("quieter", "louder"),
}

Sounds = NDArray[np.float32]


def name(decoder: Decoder) -> list[tuple[str, str]]:
    """Return names of the low and the high end of each of the first `AXES` principal axes.

    The list is empty for a model with fewer than two training sounds or without principal axes.
    """
    info = decoder.info
    mean, basis = np.array(info.latent.mean), np.array(info.pca.basis[:AXES]).reshape(-1, info.latent_dim)
    reach = REACH * np.sqrt(np.maximum(info.pca.variance[: len(basis)], 0.0))[:, None] * basis
    points = np.array([each.z for each in info.anchors[:: max(1, len(info.anchors) // SAMPLE)]])
    if len(points) < 2 or not len(basis):
        return []
    usual = features(decode(decoder, points), info.sample_rate).std(axis=0)
    low, high = (features(decode(decoder, mean + sign * reach), info.sample_rate) for sign in (-1, 1))
    return [words(change, usual) for change in high - low]


def decode(decoder: Decoder, points: NDArray[Any]) -> Sounds:
    """Return the sounds at N points of the D-dimensional latent space, [N, D]: float32 [N, T]."""
    parts = [
        decoder.decode(points[at : at + BATCH].astype(np.float32)) for at in range(0, len(points), BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, decoder.info.length), np.float32)


def features(sounds: Sounds, sample_rate: int) -> NDArray[np.float64]:
    """Return the features of sounds [N, T], in the order of `WORDS`: float64 [N, 5].

    The features are log2 of the spectral centroid, log2 of the time by which 95 % of the energy has passed,
    log2 of the spectral flatness, log2 of the time by which a quarter of the energy has passed, and the level
    in dB.
    """
    power = np.abs(np.fft.rfft(sounds, axis=1)) ** 2 + FLOOR
    hz = np.fft.rfftfreq(sounds.shape[1], 1.0 / sample_rate)
    centroid = (power * hz).sum(axis=1) / power.sum(axis=1)
    flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
    energy = np.cumsum(sounds.astype(np.float64) ** 2, axis=1) + FLOOR
    share = energy / energy[:, -1:]
    length, attack = ((share < part).sum(axis=1) + 1 for part in (0.95, 0.25))
    level = 10.0 * np.log10(energy[:, -1] / sounds.shape[1])
    return np.stack([np.log2(centroid), np.log2(length), np.log2(flatness), np.log2(attack), level], axis=1)


def words(change: NDArray[np.float64], usual: NDArray[np.float64]) -> tuple[str, str]:
    """Return names of the low and the high end of an axis, such as ("darker, longer", "brighter, shorter").

    Args:
        change: change of each feature from the low end to the high end, [5].
        usual: standard deviation of each feature over the training sounds, [5].
    """
    strength = change / np.maximum(usual, FLOOR)
    order = np.argsort(-np.abs(strength))
    named = [i for i in order[:2] if abs(strength[i]) >= SECOND * abs(strength[order[0]])]
    pairs = [list(WORDS.values())[i][:: 1 if strength[i] > 0 else -1] for i in named]
    return ", ".join(low for low, _ in pairs), ", ".join(high for _, high in pairs)
