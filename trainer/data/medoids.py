"""Find the medoid of each class: the sound with the least mean MFCC-DTW distance to the other sounds."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.data import mfcc_dtw
from trainer.data.sampling import generator
from trainer.data.sounds import Sounds

MOST = 100
"""Maximum number of sounds of a class that are compared; a fixed seed draws them from a larger class."""


def medoids(sounds: Sounds, train: Tensor, sample_rate: int) -> Tensor:
    """Return the index of each class's medoid, int64 [classes]; -1 for a class without training sounds."""
    settings = mfcc_dtw.Settings.at(sample_rate)
    found = []
    for label in range(len(sounds.classes)):
        members = train[sounds.labels[train] == label]
        if len(members) > MOST:
            order = torch.randperm(len(members), generator=generator(0, "medoid", label))
            members = members[order[:MOST].sort().values]
        features = [mfcc_dtw.features(sounds.waveforms[i, 0].numpy(), settings) for i in members.tolist()]
        distances = mfcc_dtw.pairwise(features)
        found.append(int(members[int(distances.sum(0).argmin())]) if len(members) else -1)
    return torch.tensor(found)
