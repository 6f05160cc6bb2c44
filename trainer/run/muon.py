"""The optimiser Muon: its step for a weight matrix is a matrix whose singular values are all about equal.

Reference: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024). Adam scales each
weight separately; a few directions therefore dominate its step for a matrix. Muon's step changes all
directions of the matrix equally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from trainer.models.layers import DilationBlock

MOMENTUM = 0.95
"""Fraction of the momentum that remains after a step."""
STEP_RMS = 1.6
"""Root mean square of the change of a matrix by one step, as a multiple of the learning rate."""
POLYNOMIAL = (3.4445, -4.775, 2.0315)
"""Coefficients of X, XXᵀX and (XXᵀ)²X in an iteration, which moves singular values (0 to 1) closer to 1."""
ITERATIONS = 5


def matrices(*modules: nn.Module) -> Iterator[Tensor]:
    """Yield the weights for orthogonalised steps: the weights of dense layers and of dilation blocks."""
    for module in modules:
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                yield layer.weight
            elif isinstance(layer, DilationBlock):
                yield from (layer.now, layer.past)


def split(groups: Iterable[dict[str, Any]], chosen: Iterable[Tensor]) -> Iterator[dict[str, Any]]:
    """Divide each group of parameters into a group of its `chosen` matrices and a group of the others.

    The key "matrices" of a yielded group is True for matrices and False for the others.
    """
    turned = {id(parameter) for parameter in chosen}
    for group in groups:
        for kind in (True, False):
            some = [parameter for parameter in group["params"] if (id(parameter) in turned) is kind]
            if some:
                yield {**group, "params": some, "matrices": kind}


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return matrices [..., m, n] with the same singular vectors and with singular values of about 1.

    The method is the Newton-Schulz iteration of Muon. Singular values below a hundredth of the largest
    singular value may stay below 1.
    """
    wide = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    x = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    first, third, fifth = POLYNOMIAL
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = first * x + (third * square + fifth * square @ square) @ x
    return x.mT if matrices.shape[-2] > matrices.shape[-1] else x


class Muon(torch.optim.Adam):
    """Take orthogonalised steps with momentum for matrices, and Adam's steps for all other weights.

    Args:
        groups: groups of parameters, as for Adam. If the key "matrices" of a group is True, each of its
            parameters is a matrix or a stack of matrices, [..., m, n].
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__([{"matrices": False, **group} for group in groups])
        self.defaults["matrices"] = False

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change the parameters of all groups by one step, and clear the gradients of the matrices."""
        assert closure is None
        for group in self.param_groups:
            if group["matrices"]:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._turn(parameter, parameter.grad, group["lr"])
                        parameter.grad = None  # Adam skips this parameter
        super().step()

    def _turn(self, parameter: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())  # Adam expects a count of steps
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(state["momentum"], MOMENTUM)  # Nesterov momentum
        size = max(parameter.shape[-2:]) ** 0.5  # an orthogonal matrix has a root mean square of 1 / size
        parameter.add_(orthogonalised(ahead), alpha=-lr * STEP_RMS * size)
