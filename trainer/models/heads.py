"""Classifiers of z, the latent vector: one on all of z, or several (heads), each on some dimensions of z."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from trainer.config import HeadConfig

CLASSIFICATION = "classification"
"""Name of the loss of a single classifier; the loss of a named head is "classification/<name>"."""


def perceptron(inputs: int, hidden: Sequence[int], classes: int) -> nn.Sequential:
    """Make a perceptron [B, inputs] -> logits [B, classes], with a ReLU after each hidden layer."""
    widths = (inputs, *hidden)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))


class Heads(nn.ModuleDict):
    """Perceptrons, one for each head, in the order of the configuration."""

    def __init__(self, heads: Sequence[HeadConfig], hidden: Sequence[int]) -> None:
        super().__init__()
        self.dims = [head.dims for head in heads]
        for head in heads:
            self[head.name] = perceptron(head.dims[1] - head.dims[0], hidden, head.classes)

    def forward(self, z: Tensor) -> dict[str, Tensor]:
        """Return the logits [B, classes] for z [B, D], by the name of the loss."""
        return {
            f"{CLASSIFICATION}/{name}": head(z[:, first:end])
            for (name, head), (first, end) in zip(self.items(), self.dims, strict=True)
        }
