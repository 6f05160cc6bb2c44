"""Find classes for unlabelled sounds: k-means on the MFCCs of the attack.

This is section 6 of the paper (Lionello and Purwins):
"20 MFCCs are calculated on windows of 10 ms covering the first 70 ms. The MFCCs are then averaged"; the
means are clustered without scaling. Our choices where the paper gives none: seven windows side by side, from
the first sample of the prepared sound; 40 mel bands; the first coefficient (the level) is included.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from trainer.data.mfcc import mfcc
from trainer.errors import DataError

COEFFICIENTS, WINDOW_MS, ATTACK_MS = 20, 10.0, 70.0
BANDS = 40
FFT_MS = 40.0
"""Length of the zero-padded transform; bins must be closer together than the lowest bands are wide."""
SEED, STARTS = 0, 10
"""Seed and number of starts of k-means. Both are fixed; the classes therefore do not depend on the run's
seed."""


def attack_features(waveforms: Tensor, sample_rate: int) -> Tensor:
    """Return the mean of the MFCCs of the attack.

    Args:
        waveforms: [N, 1, T]; all of a sound shorter than 70 ms counts as its attack.

    Returns:
        float64 [N, 20].
    """
    window = max(1, round(WINDOW_MS * sample_rate / 1000))
    attack = waveforms[:, 0, : round(ATTACK_MS / WINDOW_MS) * window].double()
    attack = torch.nn.functional.pad(attack, (0, max(0, window - attack.shape[-1])))
    fft = 2 ** round(FFT_MS * sample_rate / 1000 - 1).bit_length()
    return mfcc(
        attack, sample_rate, coefficients=COEFFICIENTS, bands=BANDS, window=window, hop=window, fft=fft
    ).mean(1)


def cluster(features: Tensor, clusters: int) -> Tensor:
    """Cluster features [N, 20]; return the centres [clusters, 20], from dark to bright.

    The result is the best of ten seeded starts. The darker of two centres is the centre with the larger
    second coefficient. If some features are equal, there may be fewer centres.

    Raises:
        DataError: if there are fewer sounds than clusters.
    """
    if len(features) < clusters:
        raise DataError(f"[data] clusters = {clusters}: there are only {len(features)} sounds")
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct sounds than clusters
        found = KMeans(clusters, n_init=STARTS, random_state=SEED).fit(features.numpy())
    centres = torch.from_numpy(found.cluster_centers_)
    centres = centres[torch.from_numpy(found.labels_).long().unique()]
    return centres[centres[:, 1].argsort(descending=True)]


def nearest(features: Tensor, centres: Tensor) -> Tensor:
    """Return the index of the centre nearest to each of the features [N, 20], int64 [N]."""
    return torch.cdist(features, centres).argmin(1)


def names(centres: Tensor) -> tuple[str, ...]:
    """Return the names of the classes: "cluster-1" is the darkest."""
    return tuple(f"cluster-{i + 1}" for i in range(len(centres)))
