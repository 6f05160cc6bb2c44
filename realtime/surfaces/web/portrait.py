"""A portrait of the sounds of a model, measured by decoding them: run as a program, it prints JSON.

It is a program of its own, behind all others, so that its decoding can hold nobody up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.model.decoder import Decoder
from realtime.util import priority

AXES = 8
REACH = 2.0  # standard deviations each way, at which an axis is listened to
SAMPLE = 64  # training sounds that tell how much a feature usually varies
BATCH = 16  # sounds decoded at once
COLUMNS = 40  # of the picture of a sound
SECOND = 0.6  # of the strongest change: a weaker second one is not named
FLOOR = 1e-9
#: feature -> the words for less and for more of it
WORDS = {
    "brightness": ("darker", "brighter"),
    "length": ("shorter", "longer"),
    "noise": ("purer", "noisier"),
    "attack": ("sharper", "softer"),
    "level": ("quieter", "louder"),
}

Sounds = NDArray[np.float32]


def features(sounds: Sounds, sample_rate: int) -> NDArray[np.float64]:
    """Return the features of sounds [N, T], in the order of `WORDS`: float64 [N, 5].

    Log2 of the spectral centroid; log2 of the time by which 95 % of the energy has come; log2 of the spectral
    flatness; log2 of the time by which the first quarter of it has come; level in dB.
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
    """Return names of the low and the high end of an axis, as in ("darker, longer", "brighter, shorter").

    Args:
        change: of each feature from the low end to the high one, [5].
        usual: standard deviation of each feature over the training sounds, [5].
    """
    strength = change / np.maximum(usual, FLOOR)
    order = np.argsort(-np.abs(strength))
    named = [i for i in order[:2] if abs(strength[i]) >= SECOND * abs(strength[order[0]])]
    pairs = [list(WORDS.values())[i][:: 1 if strength[i] > 0 else -1] for i in named]
    return ", ".join(low for low, _ in pairs), ", ".join(high for _, high in pairs)


def picture(sound: Sounds) -> list[int]:
    """Return the peaks of a sound [T] in `COLUMNS` equal parts, 0..99 of its highest."""
    peaks = np.array([np.abs(part).max() for part in np.array_split(sound, COLUMNS)])
    return [int(x) for x in np.round(99.0 * peaks / max(float(peaks.max()), FLOOR))]


def portray(path: Path) -> dict[str, Any]:
    """Return the words for the ends of the axes, and a picture of every training sound."""
    decoder = Decoder(path, provider="cpu")
    info = decoder.info
    mean, basis = np.array(info.latent.mean), np.array(info.pca.basis[:AXES]).reshape(-1, info.latent_dim)
    reach = REACH * np.sqrt(np.maximum(info.pca.variance[: len(basis)], 0.0))[:, None] * basis
    points = np.array([each.z for each in info.anchors], np.float32).reshape(-1, info.latent_dim)
    axes: list[tuple[str, str]] = []
    sounds = _decode(decoder, points)
    if len(points) > 1 and len(basis):
        usual = features(sounds[:: max(1, len(sounds) // SAMPLE)], info.sample_rate).std(axis=0)
        low, high = (features(_decode(decoder, mean + way * reach), info.sample_rate) for way in (-1, 1))
        axes = [words(change, usual) for change in high - low]
    return {"axes": axes, "pictures": [picture(each) for each in sounds]}


def _decode(decoder: Decoder, points: NDArray[Any]) -> Sounds:
    parts = [
        decoder.decode(points[at : at + BATCH].astype(np.float32)) for at in range(0, len(points), BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, decoder.info.length), np.float32)


if __name__ == "__main__":
    priority.last()
    print(json.dumps(portray(Path(sys.argv[1]))))
