"""The layers of the two models that PyTorch does not have.

Inside a dilation block audio is time-major, [B, T, C]: every product is then one GEMM over contiguous
rows, and a dilation is an offset into the rows, not a copy.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

CYCLES = (10, 5)
"""m of the two sub-layers: the dilation of layer i (from 0) is 2^(i mod m)."""


def dilations(layers: int) -> list[tuple[int, int]]:
    """The dilations of both sub-layers of each layer of a block, in samples (section 3 of the paper)."""
    slow, fast = CYCLES
    return [(2 ** (i % slow), 2 ** (i % fast)) for i in range(layers)]


def receptive_field(layers: int, cycle: int) -> int:
    """Samples that the last output of a block sees: sum of 2^(i mod m), plus 1.

    For 50 layers this is 5,116 (m = 10) and 311 (m = 5). The paper prints 5,119 and 319 for the same
    formula: a slip.
    """
    return sum(2 ** (i % cycle) for i in range(layers)) + 1


def _shifted(dilation: tuple[int, int], channels: int) -> list[tuple[int, slice]]:
    """(delay in samples, columns of both sub-layers that have it): one pair where the delays agree."""
    first, second = dilation
    if first == second:
        return [(first, slice(0, 2 * channels))]
    return [(first, slice(0, channels)), (second, slice(channels, 2 * channels))]


def _tanh_(x: Tensor) -> Tensor:
    """tanh in place as 2σ(2x) - 1: on a CPU the sigmoid is four times as fast as PyTorch's tanh."""
    return torch.add(x.new_tensor(-1.0), x.mul_(2.0).sigmoid_(), alpha=2.0, out=x)


class _Workspace:
    """Large arrays that are used again: fresh ones cost more in page faults than the sums done on them."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def take(self, like: Tensor, *shape: int) -> Tensor:
        """An uninitialised array of this shape, of the type and device of `like`."""
        for k, array in enumerate(self._free):
            if array.shape == shape and array.device == like.device and array.dtype == like.dtype:
                return self._free.pop(k)
        self._free.clear()  # another shape is in use now
        return like.new_empty(shape)

    def give(self, array: Tensor) -> None:
        """Hand an array back. The caller uses it no more."""
        self._free.append(array)


_workspace = _Workspace()


class _DilationBlock(torch.autograd.Function):
    """Forward and backward of the whole block, in place.

    x_{i+1} = x_i + tanh(a_i)·tanh(b_i), so the mean of the products is (x_L - x_0) / L and no product is
    kept. Only the gates are: the backward pass gets x_i back from x_{i+1} by subtraction.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, now: Tensor, past: Tensor, bias: Tensor) -> Tensor:
        layers, channels, _ = now.shape
        batch, time, _ = x.shape
        learning = any(ctx.needs_input_grad)
        gates = _workspace.take(x, layers if learning else 1, batch, time, 2 * channels)
        state = x.clone(memory_format=torch.contiguous_format)
        for i, dilation in enumerate(dilations(layers)):
            for b in range(batch):
                gate, row = gates[i if learning else 0, b], state[b]
                torch.addmm(bias[i], row, now[i], out=gate)
                for delay, columns in _shifted(dilation, channels):
                    if delay < time:
                        gate[delay:, columns].addmm_(row[:-delay], past[i][:, columns])
                _tanh_(gate)
                row.addcmul_(gate[:, :channels], gate[:, channels:])
        if learning:
            ctx.gates = gates
            ctx.save_for_backward(state, now, past)
        else:
            _workspace.give(gates)
        return (state - x).div_(layers)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        final, now, past = ctx.saved_tensors
        gates = ctx.gates
        layers, channels, _ = now.shape
        batch, time, _ = final.shape
        skip = grads[0] / layers
        grad, state = skip.clone(memory_format=torch.contiguous_format), final.clone()
        d_now, d_past = torch.zeros_like(now), torch.zeros_like(past)
        d_bias = now.new_zeros(layers, 2 * channels)
        d_gate, product = now.new_empty(time, 2 * channels), now.new_empty(time, 2 * channels)
        order = list(enumerate(dilations(layers)))
        for i, dilation in reversed(order):
            for b in range(batch):
                gate, row, g = gates[i, b], state[b], grad[b]
                row.addcmul_(gate[:, :channels], gate[:, channels:], value=-1.0)
                torch.mul(g, gate[:, channels:], out=product[:, :channels])
                torch.mul(g, gate[:, :channels], out=product[:, channels:])
                torch.ops.aten.tanh_backward.grad_input(product, gate, grad_input=d_gate)
                d_now[i].addmm_(row.T, d_gate)
                d_bias[i].add_(d_gate.sum(0))
                g.addmm_(d_gate, now[i].T)
                for delay, columns in _shifted(dilation, channels):
                    if delay < time:
                        d_past[i][:, columns].addmm_(row[:-delay].T, d_gate[delay:, columns])
                        g[:-delay].addmm_(d_gate[delay:, columns], past[i][:, columns].T)
        _workspace.give(gates)
        return grad.sub_(skip), d_now, d_past, d_bias


class DilationBlock(nn.Module):
    """`layers` gated residual layers of kernel 2 and their mean (section 3, Table 1 rows 2 and 19).

    x_{i+1} = x_i + tanh(sub1(x_i))·tanh(sub2(x_i)); the block's output is the mean of the products. Causal:
    what comes before the first sample counts as zero.

    Args:
        layers: number of gated layers (the paper has 50).
        channels: filters of a sub-layer (the paper has 32).
    """

    def __init__(self, layers: int, channels: int) -> None:
        super().__init__()
        self.now = nn.Parameter(torch.empty(layers, channels, 2 * channels))
        self.past = nn.Parameter(torch.empty(layers, channels, 2 * channels))
        self.bias = nn.Parameter(torch.zeros(layers, 2 * channels))
        bound = math.sqrt(3.0 / (2 * channels))
        nn.init.uniform_(self.now, -bound, bound)
        nn.init.uniform_(self.past, -bound, bound)
        with torch.no_grad():
            self.bias[:, channels:] = 1.0  # sub-layer 2 starts as an open gate, so the signal passes at once

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, channels] -> [B, T, channels].

        Under autocast and under PyTorch's compiler, which know the parts but not the whole, this is `plain`.
        """
        if torch.compiler.is_compiling() or torch.is_autocast_enabled(x.device.type):
            return self.plain(x.float())  # the residual sum stays in 32 bits
        return _DilationBlock.apply(x, self.now, self.past, self.bias)

    def plain(self, x: Tensor) -> Tensor:
        """The same maths written with `nn.functional.conv1d`: what `forward` is tested and timed against."""
        channels = self.now.shape[1]
        x = x.transpose(1, 2)
        total = torch.zeros_like(x)
        for i, dilation in enumerate(dilations(self.now.shape[0])):
            product: Tensor | None = None
            for part, delay in enumerate(dilation):
                columns = slice(part * channels, (part + 1) * channels)
                weight = torch.stack([self.past[i][:, columns].T, self.now[i][:, columns].T], dim=-1)
                padded = nn.functional.pad(x, (delay, 0))
                sub = torch.tanh(nn.functional.conv1d(padded, weight, self.bias[i, columns], dilation=delay))
                product = sub if product is None else product * sub
            assert product is not None
            x, total = x + product, total + product
        return (total / self.now.shape[0]).transpose(1, 2)


class CausalConv(nn.Conv1d):
    """A stride-1 convolution that sees no future: [B, C, T] -> [B, C', T], zeros before the first sample."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(x, (self.kernel_size[0] - 1, 0)))


class CausalUpsample(nn.ConvTranspose1d):
    """A stride-2 transposed convolution cut to [B, C', 2T]: what would ring past the end is dropped."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        return super().forward(x)[..., : 2 * x.shape[-1]]


class FrameDense(nn.Linear):
    """The dense layer from z to the latent sequence, one row of weights a frame.

    So frame f needs z at frame f alone, and z may differ at every frame.
    """

    def forward(self, z: Tensor) -> Tensor:
        """z [B, D] or [B, F, D] -> latent sequence [B, F]."""
        if z.dim() == 2:
            return super().forward(z)
        return (z * self.weight).sum(-1) + self.bias
