"""Which sounds are trained on, which choose a checkpoint, and which are kept for the evaluation."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.config import DataConfig
from trainer.data.sampling import generator
from trainer.data.sounds import Sounds

ENOUGH_GROUPS = 5
"""Groups of a class, without those for the test, from which on it gives some to the validation."""


@dataclass(frozen=True)
class Parts:
    """Indices into `Sounds`, int64, ascending, no two parts with a sound or a group in common.

    Attributes:
        train: what the weights are fit to.
        validation: what best checkpoint and early stop are chosen by; may be empty.
        test: what only `evaluate` hears; may be empty.
    """

    train: Tensor
    validation: Tensor
    test: Tensor

    def __str__(self) -> str:
        return (
            f"{len(self.train)} sounds to train on, {len(self.validation)} for validation, "
            f"{len(self.test)} for the test"
        )


def parts(sounds: Sounds, config: DataConfig, seed: int) -> Parts:
    """The test sounds first, then the validation sounds out of what is left.

    So the test sounds of a seed are the same whatever `validation_fraction` is.
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
    """Indices, ascending, of the sounds that stay and of those that are drawn.

    In every class whole groups are drawn, in a seeded order, as long as they fit into `fraction` of the class
    and every class has one left; where none fits the smallest is taken; of a class of fewer than `least`
    groups none is drawn. A group that has sounds of several classes counts as the commonest.

    Args:
        among: int64, the sounds that are divided.
        purpose: names the draw: another one is independent of this one.
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
