"""`python -m bench.kernels [--json]`: compare our GPU kernels for dilated layers with PyTorch's convolutions.

The kernels compute the dilation block of the "dc" model: 50 gated layers of 32 channels with dilated delays.
Each pass goes forward and backward over 4,096 samples. The block is untrained.

    speedup_batch_N       time with PyTorch's convolutions / time with our kernels, for N sounds at once
    difference_output     ‖ours - exact‖ / ‖exact‖ of the output, where exact is PyTorch's result in double
                          precision
    difference_gradient   the same for the gradient with respect to the weights
    plain_output          ‖plain - exact‖ / ‖exact‖ of the output, where plain is PyTorch's result in single
                          precision
    plain_gradient        the same for the gradient with respect to the weights
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from bench.machine.measure import best_of, report
from trainer.models.layers import DilationBlock

LAYERS, CHANNELS, TIME, BATCHES, REPEATS = 50, 32, 4096, (8, 25, 50), 5


def white_noise(batch: int) -> Tensor:
    """Return white noise [batch, TIME, CHANNELS]."""
    return torch.randn(batch, TIME, CHANNELS, device="cuda")


def pass_of(forward: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    """Return a function that runs the forward and the backward pass, and waits until the GPU has finished."""

    def run() -> None:
        forward(x).square().sum().backward()
        torch.cuda.synchronize()

    return run


def results_of(block: DilationBlock, forward: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
    """Return the output and the flattened gradient with respect to all weights, converted to float64."""
    block.zero_grad()
    y = forward(x)
    y.square().sum().backward()
    gradient = torch.cat([weight.grad.flatten() for weight in block.parameters() if weight.grad is not None])
    return [y.detach().double(), gradient.double()]


def main() -> int:
    """Measure and print the figures."""
    if not torch.cuda.is_available():
        print("bench.kernels: PyTorch finds no CUDA device on this machine", file=sys.stderr)
        return 2
    torch.manual_seed(0)
    block, found = DilationBlock(LAYERS, CHANNELS).cuda(), {}
    for batch in BATCHES:
        x = white_noise(batch)
        plain, ours = (best_of(pass_of(forward, x), REPEATS) for forward in (block.plain, block.forward))
        found[f"speedup_batch_{batch}"] = plain / ours
    x, exact = white_noise(4), copy.deepcopy(block).double()
    truth = results_of(exact, exact.plain, x.double())
    for name, forward in (("difference", block.forward), ("plain", block.plain)):
        pairs = zip(("output", "gradient"), results_of(block, forward, x), truth, strict=True)
        found |= {f"{name}_{what}": float((a - b).norm() / b.norm()) for what, a, b in pairs}
    return report("The kernels of the dilation block on a GPU.", dict(found))


if __name__ == "__main__":
    raise SystemExit(main())
