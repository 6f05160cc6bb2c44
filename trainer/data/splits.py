"""Split sounds into parts: training, validation (to choose a checkpoint) and test (for the evaluation)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.config import DataConfig
from trainer.data.sampling import generator
from trainer.data.sounds import Sounds

ENOUGH_GROUPS = 5
"""Smallest number of groups, not counting test groups, that a class needs to have validation sounds."""


@dataclass(frozen=True)
class Parts:
    """Indices into `Sounds`, int64, ascending; no two parts share a sound or a group of near-duplicates.

    Attributes:
        train: the sounds that the weights are fitted to.
        validation: the sounds that determine the best checkpoint and early stopping; may be empty.
        test: the sounds that only `evaluate` uses; may be empty.
    """

    train: Tensor
    validation: Tensor
    test: Tensor

    def __str__(self) -> str:
        noun = "sound" if len(self.train) == 1 else "sounds"
        return (
            f"{len(self.train)} {noun} to train on, {len(self.validation)} for validation, "
            f"{len(self.test)} for the test"
        )


def parts(sounds: Sounds, config: DataConfig, seed: int) -> Parts:
    """Draw the test sounds, then the validation sounds from the rest.

    For a given seed, the test sounds therefore do not depend on `validation_fraction`.
    """
    everything = torch.arange(len(sounds.names))
    rest, test = split(sounds, everything, config.test_fraction, seed, "split")
    train, validation = split(
        sounds, rest, config.validation_fraction, seed, "validation", least=ENOUGH_GROUPS
    )
    return Parts(train, validation, test)


def split(
    sounds: Sounds, among: Tensor, fraction: float, seed: int, purpose: str, least: int = 2
) -> tuple[Tensor, Tensor]:
    """Return the indices, ascending, of the sounds that stay and of the sounds that are drawn.

    Complete groups of every class are drawn, in a seeded order, as long as they fit into `fraction` of the
    class and every class keeps a sound; if no group fits, the smallest group is drawn. A class of fewer than
    `least` groups keeps all its groups. A group with sounds of several classes belongs to its most frequent
    class.

    Args:
        among: int64, the sounds to divide.
        purpose: name of the draw; draws of different names are independent.
    """
    labels = sounds.labels.tolist()
    groups: dict[str, list[int]] = defaultdict(list)
    for index in among.tolist():
        groups[sounds.groups[index]].append(index)
    classes: dict[int, list[list[int]]] = defaultdict(list)
    for members in groups.values():
        counts = Counter(labels[i] for i in members)
        classes[min(counts, key=lambda label: (-counts[label], label))].append(members)
    left = Counter(labels[i] for i in among.tolist())

    def spared(members: list[int]) -> bool:
        return all(left[label] > count for label, count in Counter(labels[i] for i in members).items())

    drawn: list[int] = []
    for label in sorted(classes):
        pools = classes[label]
        wanted = round(fraction * sum(map(len, pools)))
        if fraction <= 0 or len(pools) < least:
            continue
        order = torch.randperm(len(pools), generator=generator(seed, purpose, label)).tolist()
        shuffled = [pools[position] for position in order]
        chosen: list[int] = []
        for members in shuffled:
            if spared(members) and len(chosen) + len(members) <= wanted:
                chosen += members
                left -= Counter(labels[i] for i in members)
        if not chosen and (smallest := next(filter(spared, sorted(shuffled, key=len)), None)):
            chosen = smallest
            left -= Counter(labels[i] for i in chosen)
        drawn += chosen
    stay = sorted(set(among.tolist()) - set(drawn))
    return torch.tensor(stay, dtype=torch.int64), torch.tensor(sorted(drawn), dtype=torch.int64)
