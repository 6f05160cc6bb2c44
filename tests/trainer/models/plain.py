"""Compare an optimised block of gated layers with its plain definition in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.models.layers import DilationBlock
from trainer.models.mb import GatedStack


def assert_equals_plain(block: DilationBlock | GatedStack, x: Tensor) -> None:
    """Assert that outputs and gradients at x, all in double precision, equal those of `block.plain`."""
    with torch.no_grad():
        block.bias.normal_()
    x = x.requires_grad_()
    towards = torch.randn_like(x)
    results = []
    for forward in (block.forward, block.plain):
        block.zero_grad()
        x.grad = None
        y = forward(x)
        (y * towards).sum().backward()
        results.append([y.detach(), x.grad, *(p.grad for p in block.parameters())])
    for ours, plain in zip(*results, strict=True):
        assert ours is not None
        assert plain is not None
        assert (ours - plain).norm() <= 1e-9 * plain.norm()
