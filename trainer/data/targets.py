"""Targets of the classifiers: the classes, or a different field of the file names."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.config import HeadConfig
from trainer.data.sounds import Sounds, natural
from trainer.errors import DataError


def classes_of(sounds: Sounds, heads: Sequence[HeadConfig]) -> tuple[tuple[str, ...], ...]:
    """Return the class names of each head (classifier).

    Raises:
        DataError: if the label of a head is not a field of `label_pattern`.
    """
    return tuple(_classes(sounds, head) for head in heads)


def _classes(sounds: Sounds, head: HeadConfig) -> tuple[str, ...]:
    if head.label == "label":
        return sounds.classes
    if head.label not in sounds.fields:
        known = ", ".join(["label", *sorted(set(sounds.fields) - {"label"})])
        raise DataError(f"head {head.name}: no field {head.label} in [data] label_pattern; there are {known}")
    return tuple(sorted(set(sounds.fields[head.label]), key=natural))


def targets_of(sounds: Sounds, heads: Sequence[HeadConfig]) -> Tensor:
    """Return the class of each sound for each head, int64 [N, heads]; without heads, the labels [N, 1]."""
    if not heads:
        return sounds.labels[:, None]
    columns = []
    for head, classes in zip(heads, classes_of(sounds, heads), strict=True):
        if head.label == "label":
            columns.append(sounds.labels)
        else:
            index = {name: i for i, name in enumerate(classes)}
            columns.append(torch.tensor([index[value] for value in sounds.fields[head.label]]))
    return torch.stack(columns, dim=1)
