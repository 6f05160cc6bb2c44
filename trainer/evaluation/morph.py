"""Decode a path in latent space between two test sounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.errors import TrainerError
from trainer.evaluation.subject import Outputs, Subject

STEPS = 9
PAPER_PAIR = ("hihat", "tom")
"""Classes of the morph in figure 3 of the paper (Lionello and Purwins)."""


@dataclass(frozen=True)
class Morph:
    """Sounds decoded in equal steps on a straight line in latent space from one sound to another.

    Attributes:
        names: names of the two sounds.
        classes: classes of the two sounds.
        position: positions on the line, 0 … 1, [S].
        audio: decoded sounds, float32 [S, 1, T].
    """

    names: tuple[str, str]
    classes: tuple[str, str]
    position: tuple[float, ...]
    audio: Tensor


def pick(subject: Subject, classes: list[str] | None) -> tuple[int, int]:
    """Choose the labels of two classes.

    These are the two given `classes`. If `classes` is None, they are hi-hat and tom if both have test sounds,
    and otherwise the first two classes that have test sounds.

    Raises:
        TrainerError: if the model has no such class, or the class has no test sound.
    """
    known = subject.saved.classes
    tested = [label for label in range(len(known)) if subject.members(label)]
    if classes:
        return _label(classes[0], known, tested), _label(classes[1], known, tested)
    if all(name in known and known.index(name) in tested for name in PAPER_PAIR):
        return known.index(PAPER_PAIR[0]), known.index(PAPER_PAIR[1])
    return tested[0], tested[min(1, len(tested) - 1)]


def _label(name: str, classes: Sequence[str], tested: Sequence[int]) -> int:
    """Return the label of a class; the name may be spelled differently, such as Kicks for kick."""
    found = [label for label, other in enumerate(classes) if other == name]
    found = found or [label for label, other in enumerate(classes) if _plain(other) == _plain(name)]
    if len(found) == 1 and found[0] in tested:
        return found[0]
    reason = "it has no test sounds" if found else "no such class"
    accepted = ", ".join(classes[label] for label in tested)
    raise TrainerError(f"--morph {name}: {reason}; choose from {accepted}")


def _plain(name: str) -> str:
    """Return a name without case, separators and the s of a plural."""
    return re.sub(r"[\W_]+", "", name.casefold()).removesuffix("s")


def between(subject: Subject, outputs: Outputs, labels: tuple[int, int], steps: int = STEPS) -> Morph:
    """Morph between the test sounds that are nearest, in latent space, to the centres of two classes."""
    ends = [_central(subject, outputs, label) for label in labels]
    start, stop = outputs.mean[ends[0]], outputs.mean[ends[1]]
    position = torch.linspace(0, 1, steps)
    path = start + position[:, None] * (stop - start)
    known, names = subject.saved.classes, subject.names
    return Morph(
        names=(names[ends[0]], names[ends[1]]),
        classes=(known[labels[0]], known[labels[1]]),
        position=tuple(position.tolist()),
        audio=subject.decode(path),
    )


def _central(subject: Subject, outputs: Outputs, label: int) -> int:
    members = subject.members(label)
    away = (outputs.mean[members] - outputs.centres[label]).square().sum(1)
    return members[int(away.argmin())]
