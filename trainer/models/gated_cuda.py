"""The dilation block (`trainer.models.layers`) on a GPU: one Triton kernel per layer forward, two backward.

PyTorch's own convolutions write every intermediate value of a layer to the GPU's memory and read it again;
here, a layer only reads its input and writes its output. The backward pass recomputes the gates; a block
therefore stores only one tensor [B, T, C] for each layer.

The input of layer i of L is x_i; the layer's two convolutions give a_i and b_i. The output is x_{i+1} = x_i +
tanh(a_i)·tanh(b_i). The mean of the products is therefore (x_L - x_0) / L, and the gradient for x_L is the
gradient for the mean, divided by L. Sounds are stored as rows [T, C]; a program of a kernel handles one or
several tiles of rows of one sound. Products are computed in TF32.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

FORWARD = {"TILE": 128, "num_warps": 8}
BACKWARD = {"TILE": 64, "num_warps": 4}
SUMS = {"TILE": 32, "TILES": 16, "num_warps": 2, "num_stages": 1}
"""Rows of a tile, warps of a program, tiles summed by a program: the fastest values tried on an H200 GPU."""
FREE = ["time", "delay_1", "delay_2", "above_1", "above_2"]
"""Integer arguments; the kernels are not specialised for their values."""


@triton.jit
def _rows(start, t, time, c, C: tl.constexpr):  # type: ignore[no-untyped-def]
    """Load rows t of [time, C]; rows outside are zero."""
    return tl.load(start + t[:, None] * C + c[None, :], mask=((t >= 0) & (t < time))[:, None], other=0.0)


@triton.jit
def _matrix(start, first, c, C: tl.constexpr):  # type: ignore[no-untyped-def]
    """Load C columns of weights [C, 2C], beginning with column `first`: [C, C]."""
    return tl.load(start + c[:, None] * (2 * C) + first + c[None, :])


@triton.jit
def _tanh(x):  # type: ignore[no-untyped-def]
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@triton.jit
def _gates(x, x_1, x_2, now, past, bias, c, C: tl.constexpr, PRECISION: tl.constexpr):  # type: ignore[no-untyped-def]
    """Return tanh(a) and tanh(b) of some rows."""
    a = tl.dot(x, _matrix(now, 0, c, C), input_precision=PRECISION)
    a = tl.dot(x_1, _matrix(past, 0, c, C), a, input_precision=PRECISION) + tl.load(bias + c)[None, :]
    b = tl.dot(x, _matrix(now, C, c, C), input_precision=PRECISION)
    b = tl.dot(x_2, _matrix(past, C, c, C), b, input_precision=PRECISION) + tl.load(bias + C + c)[None, :]
    return _tanh(a), _tanh(b)


@triton.jit(do_not_specialize=FREE[:3])
def _advance(x, y, now, past, bias, time, delay_1, delay_2,  # type: ignore[no-untyped-def]
             C: tl.constexpr, TILE: tl.constexpr, PRECISION: tl.constexpr):  # fmt: skip
    """Compute y = x + tanh(a)·tanh(b) of one layer."""
    c = tl.arange(0, C)
    t = tl.program_id(0) * TILE + tl.arange(0, TILE)
    offset = tl.program_id(1).to(tl.int64) * time * C
    here = _rows(x + offset, t, time, c, C)
    x_1, x_2 = _rows(x + offset, t - delay_1, time, c, C), _rows(x + offset, t - delay_2, time, c, C)
    a, b = _gates(here, x_1, x_2, now, past, bias, c, C, PRECISION)
    tl.store(y + offset + t[:, None] * C + c[None, :], here + a * b, mask=(t < time)[:, None])


@triton.jit(do_not_specialize=FREE)
def _retreat(x, grad, slopes, now, past, bias, slopes_above, now_above, past_above,  # type: ignore[no-untyped-def]
             time, delay_1, delay_2, above_1, above_2,
             C: tl.constexpr, TILE: tl.constexpr, PRECISION: tl.constexpr,
             ABOVE: tl.constexpr, LAYER: tl.constexpr):  # fmt: skip
    """Compute the gradients for a layer's output, and the gradients `slopes` [2, B, T, C] for its a and b.

    At first, `grad` holds the gradient for the output of the layer above; at the end, the gradient for the
    input of that layer. ABOVE is False for the last layer. LAYER is False for the last call, which only
    completes the gradient for the input of the first layer.
    """
    c = tl.arange(0, C)
    t = tl.program_id(0) * TILE + tl.arange(0, TILE)
    offset = tl.program_id(1).to(tl.int64) * time * C
    second = tl.num_programs(1).to(tl.int64) * time * C  # from the slopes of a to those of b
    place = offset + t[:, None] * C + c[None, :]
    inside = (t < time)[:, None]
    g = tl.load(grad + place, mask=inside, other=0.0)
    if ABOVE:
        above = slopes_above + offset
        d, w = _rows(above, t, time, c, C), tl.trans(_matrix(now_above, 0, c, C))
        g = tl.dot(d, w, g, input_precision=PRECISION)
        d, w = _rows(above, t + above_1, time, c, C), tl.trans(_matrix(past_above, 0, c, C))
        g = tl.dot(d, w, g, input_precision=PRECISION)
        d, w = _rows(above + second, t, time, c, C), tl.trans(_matrix(now_above, C, c, C))
        g = tl.dot(d, w, g, input_precision=PRECISION)
        d, w = _rows(above + second, t + above_2, time, c, C), tl.trans(_matrix(past_above, C, c, C))
        g = tl.dot(d, w, g, input_precision=PRECISION)
        tl.store(grad + place, g, mask=inside)
    if LAYER:
        here = _rows(x + offset, t, time, c, C)
        x_1, x_2 = _rows(x + offset, t - delay_1, time, c, C), _rows(x + offset, t - delay_2, time, c, C)
        a, b = _gates(here, x_1, x_2, now, past, bias, c, C, PRECISION)
        tl.store(slopes + place, g * b * (1.0 - a * a), mask=inside)
        tl.store(slopes + second + place, g * a * (1.0 - b * b), mask=inside)


@triton.jit(do_not_specialize=FREE[:3])
def _sums(x, slopes, by_weight, by_bias, time, delay_1, delay_2,  # type: ignore[no-untyped-def]
          C: tl.constexpr, TILE: tl.constexpr, TILES: tl.constexpr, PRECISION: tl.constexpr):  # fmt: skip
    """Sum the gradients for a layer's weights and bias over some tiles of one sound."""
    c = tl.arange(0, C)
    sound, sounds = tl.program_id(1).to(tl.int64), tl.num_programs(1).to(tl.int64)
    offset = sound * time * C
    now_1, past_1 = tl.zeros((C, C), tl.float32), tl.zeros((C, C), tl.float32)
    now_2, past_2 = tl.zeros((C, C), tl.float32), tl.zeros((C, C), tl.float32)
    bias_1, bias_2 = tl.zeros((C,), tl.float32), tl.zeros((C,), tl.float32)
    for tile in range(TILES):
        t = (tl.program_id(0) * TILES + tile) * TILE + tl.arange(0, TILE)
        here = tl.trans(_rows(x + offset, t, time, c, C))
        d = _rows(slopes + offset, t, time, c, C)
        now_1 = tl.dot(here, d, now_1, input_precision=PRECISION)
        before = tl.trans(_rows(x + offset, t - delay_1, time, c, C))
        past_1 = tl.dot(before, d, past_1, input_precision=PRECISION)
        bias_1 += tl.sum(d, 0)
        d = _rows(slopes + sounds * time * C + offset, t, time, c, C)
        now_2 = tl.dot(here, d, now_2, input_precision=PRECISION)
        before = tl.trans(_rows(x + offset, t - delay_2, time, c, C))
        past_2 = tl.dot(before, d, past_2, input_precision=PRECISION)
        bias_2 += tl.sum(d, 0)
    program = sound * tl.num_programs(0) + tl.program_id(0)
    square = by_weight + program * (4 * C * C) + c[:, None] * C + c[None, :]
    tl.store(square, now_1)
    tl.store(square + C * C, past_1)
    tl.store(square + 2 * C * C, now_2)
    tl.store(square + 3 * C * C, past_2)
    tl.store(by_bias + program * (2 * C) + c, bias_1)
    tl.store(by_bias + program * (2 * C) + C + c, bias_2)


def takes(x: Tensor, channels: int) -> bool:
    """Return True if the kernels can process x: 32 bits, a GPU with TF32, a supported number of channels."""
    modern = torch.cuda.get_device_capability(x.device) >= (8, 0)
    return modern and x.dtype == torch.float32 and channels in (16, 32, 64)


class GatedLayers(torch.autograd.Function):
    """Computes the output of a `DilationBlock`, [B, T, C], from the weights of the block."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, now: Tensor, past: Tensor, bias: Tensor, dilations: list[tuple[int, int]],
        precision: str = "tf32",
    ) -> Tensor:  # fmt: skip
        batch, time, channels = x.shape
        layers, learning = len(now), any(ctx.needs_input_grad)
        xs = x.new_empty((layers if learning else 2, batch, time, channels))
        x = xs[0].copy_(x)
        first = x if learning else x.clone()
        grid = (triton.cdiv(time, FORWARD["TILE"]), batch)
        weights = list(zip(now.unbind(), past.unbind(), bias.unbind(), strict=True))
        final = torch.empty_like(x)
        for i, (weight, delays) in enumerate(zip(weights, dilations, strict=True)):
            y = final if i == layers - 1 else xs[i + 1 if learning else (i + 1) % 2]
            _advance[grid](x, y, *weight, time, *delays, C=channels, PRECISION=precision, **FORWARD)
            x = y
        if learning:
            ctx.save_for_backward(xs, now, past, bias)
            ctx.dilations, ctx.precision = dilations, precision
        return (final - first).div_(layers)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        xs, now, past, bias = ctx.saved_tensors
        layers, batch, time, channels = xs.shape
        grid = (triton.cdiv(time, BACKWARD["TILE"]), batch)
        few = (triton.cdiv(time, SUMS["TILE"] * SUMS["TILES"]), batch)
        skip = grads[0].contiguous() / layers
        grad = skip.clone()
        slopes, above = xs.new_empty((2, 2, batch, time, channels)).unbind()
        by_weight = xs.new_empty((layers, few[0] * batch, 4, channels, channels))
        by_bias = xs.new_empty((layers, few[0] * batch, 2, channels))
        weights = list(zip(now.unbind(), past.unbind(), bias.unbind(), strict=True))
        places = list(zip(xs.unbind(), by_weight.unbind(), by_bias.unbind(), strict=True))
        fixed = {"C": channels, "PRECISION": ctx.precision}
        for i in range(layers - 1, -2, -1):
            here, over = max(i, 0), min(i + 1, layers - 1)
            x, squares, sums = places[here]
            delays = ctx.dilations[here]
            _retreat[grid](
                x, grad, slopes, *weights[here], above, *weights[over][:2],
                time, *delays, *ctx.dilations[over],
                ABOVE=i + 1 < layers, LAYER=i >= 0, **fixed, **BACKWARD,
            )  # fmt: skip
            if i >= 0:
                _sums[few](x, slopes, squares, sums, time, *delays, **fixed, **SUMS)
            slopes, above = above, slopes
        now_1, past_1, now_2, past_2 = by_weight.sum(1).unbind(1)
        d_now, d_past = torch.cat((now_1, now_2), -1), torch.cat((past_1, past_2), -1)
        return grad.sub_(skip), d_now, d_past, by_bias.sum(1).flatten(1), None, None
