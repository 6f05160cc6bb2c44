"""MFCC-DTW deviation: the distance of a sound from the centre of its class.

The deviation is Eqn. 2 in section 5.1 of the paper (Lionello and Purwins).

For a class of real sounds x_j and a candidate c for the centre of the class:

    deviation_j = (dtw(x_j, c) - mean_k dtw(x_j, x_k)) / std_k dtw(x_j, x_k),   k over the other sounds

If deviation_j is below 0, c is closer to x_j than the other sounds of the class are on average. The scale of
deviations depends on the settings, which are therefore printed with each deviation. The paper does not state
its settings; docs/results.md lists the deviations of real classes with the settings of this module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FEWEST = 3
"""Smallest class that has deviations. In a class of two, a sound has one distance, which has no spread."""


@dataclass(frozen=True)
class Settings:
    """The settings on which the scale of a deviation depends.

    Attributes:
        sample_rate: rate of the sounds, in Hz.
        coefficients: number of MFCCs, including the first (the level).
        mel_bands: number of bands from 0 Hz to half the sample rate, on Slaney's scale, each of unit area.
        window: length of the Hann window in samples, and size of the FFT. Windows are centred; zeros surround
            the sound.
        hop: samples between two windows.
        floor: lower limit of the power of a band.
        range_db: dynamic range in dB; lower levels are raised to this distance below the highest level of the
            sound.
    """

    sample_rate: int = 8000
    coefficients: int = 13
    mel_bands: int = 40
    window: int = 256
    hop: int = 128
    floor: float = 1e-10
    range_db: float = 80.0

    @classmethod
    def at(cls, sample_rate: int) -> Settings:
        """Return the settings at a rate in Hz; the window is the power of two nearest to 32 ms."""
        window = 2 ** max(5, round(np.log2(0.032 * sample_rate)))
        return cls(sample_rate=sample_rate, window=window, hop=window // 2)

    def to_dict(self) -> dict[str, Any]:
        """Return every setting by name, including those that are fixed in the code."""
        return {
            **dataclasses.asdict(self),
            "mel_scale": "slaney",
            "dct": "II, orthonormal",
            "sound": "the whole window, zeros at its end included",
            "local_cost": "euclidean",
            "path": "steps (1,1), (0,1), (1,0) of weight 1, no band; costs summed, not divided by length",
            "spread": "population standard deviation (ddof 0)",
        }

    def __str__(self) -> str:
        return (
            f"{self.coefficients} MFCCs (the first included; orthonormal DCT-II) of {self.mel_bands} Slaney "
            f"mel bands in dB (floor {self.floor:g}, range {self.range_db:g} dB), {self.window}-sample "
            f"centred Hann window, hop {self.hop}, {self.sample_rate} Hz, zeros at the end of a sound "
            "included; Euclidean local cost, unconstrained path, costs summed; population standard deviations"
        )


@dataclass(frozen=True)
class Deviation:
    """Mean and standard deviation of Eqn. 2 over the sounds of a class.

    Both are None if Eqn. 2 is undefined: if there are fewer than 3 sounds, or if a sound is equally far from
    all other sounds.
    """

    mean: float | None
    std: float | None

    @classmethod
    def of(cls, values: Array) -> Deviation:
        """Summarise deviations [N]."""
        if not len(values) or not np.isfinite(values).all():
            return cls(None, None)
        return cls(float(values.mean()), float(values.std()))


@dataclass(frozen=True)
class References:
    """The deviations of real and averaged sounds, for comparison with that of a model's class centre.

    Attributes:
        medoid: deviation of the real sound with the smallest mean distance to the other sounds; its distance
            to itself is left out.
        medoid_index: index of the medoid in the class.
        random_take: deviation of one real sound drawn at random; its distance to itself is left out.
        random_index: index of the drawn sound in the class.
        every_take: mean and standard deviation of the deviations of all sounds of the class. The mean is 0 by
            definition; the standard deviation shows how much real sounds differ in their deviations.
        blur: deviation of the sample-by-sample mean of the waveforms, at the level of this mean.
    """

    medoid: Deviation
    medoid_index: int
    random_take: Deviation
    random_index: int
    every_take: Deviation
    blur: Deviation


def features(sound: NDArray[np.floating[Any]], settings: Settings) -> Array:
    """Return the MFCCs [windows, coefficients] of a sound [T] in ±1; windows = 1 + T // hop."""
    import librosa

    sound = np.pad(sound, (0, max(0, settings.window - len(sound)))).astype(np.float32)
    bands = librosa.feature.melspectrogram(
        y=sound,
        sr=settings.sample_rate,
        n_fft=settings.window,
        hop_length=settings.hop,
        n_mels=settings.mel_bands,
        pad_mode="constant",
    )
    level_db = librosa.power_to_db(bands, amin=settings.floor, top_db=settings.range_db)
    return librosa.feature.mfcc(S=level_db, n_mfcc=settings.coefficients).T.astype(np.float64)


def distance(ours: Array, theirs: Array) -> float:
    """Return the cost of the best path between two sequences of vectors, [N, D] and [M, D]."""
    import librosa

    costs = librosa.sequence.dtw(ours.T, theirs.T, metric="euclidean", backtrack=False)
    return float(costs[-1, -1])


def pairwise(sounds: Sequence[Array]) -> Array:
    """Return the distances [N, N] between all of N sequences; 0 on the diagonal."""
    found = np.zeros((len(sounds), len(sounds)))
    for i, ours in enumerate(sounds):
        for j in range(i):
            found[i, j] = found[j, i] = distance(ours, sounds[j])
    return found


def deviations(to_centre: Array, among: Array) -> Array:
    """Return the deviation (Eqn. 2) of each sound of a class; NaN where it is undefined.

    Args:
        to_centre: distances from the N sounds to M candidates for the centre, [N, M].
        among: distances between the sounds, [N, N].

    Returns:
        [N, M].
    """
    count = len(among)
    if count < FEWEST:
        return np.full(to_centre.shape, np.nan)
    others = among[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    mean, std = others.mean(1, keepdims=True), others.std(1, keepdims=True)
    std[std <= 1e-9 * mean] = np.nan
    return (to_centre - mean) / std


def deviation(centre: Array, sounds: Sequence[Array], among: Array) -> Deviation:
    """Return the deviation of a centre that is not one of the sounds, given its features [windows, D]."""
    return Deviation.of(deviations(np.array([[distance(sound, centre)] for sound in sounds]), among)[:, 0])


def references(blur: Array, sounds: Sequence[Array], among: Array, seed: int | Sequence[int]) -> References:
    """Return the deviations of the real sounds and of the averaged sound of a class.

    Args:
        blur: features [windows, D] of the mean of the waveforms.
        sounds: features of each sound of the class.
        among: the `pairwise` distances of the sounds.
        seed: seed for drawing the random take.
    """
    as_centre = deviations(among, among)
    takes = [np.delete(as_centre[:, i], i) for i in range(len(sounds))]
    medoid = int(among.sum(0).argmin())
    drawn = int(np.random.default_rng(seed).integers(len(sounds)))
    return References(
        medoid=Deviation.of(takes[medoid]),
        medoid_index=medoid,
        random_take=Deviation.of(takes[drawn]),
        random_index=drawn,
        every_take=Deviation.of(np.array([take.mean() if len(take) else np.nan for take in takes])),
        blur=deviation(blur, sounds, among),
    )
