"""The dilation block (`trainer.models.layers`) on a CPU: all its gated layers as one autograd function.

The input of layer i of L is x_i; the layer's two convolutions give a_i and b_i. The output is x_{i+1} = x_i +
tanh(a_i)·tanh(b_i). The mean of the products is therefore (x_L - x_0) / L. Only the gates are kept: the
backward pass recovers x_i from x_{i+1} by subtraction. Apart from its convolutions, a layer needs one loop
over memory (numba) in the forward pass and one in the backward pass. Because PyTorch's sigmoid is several
times as fast as its tanh, the gates are kept as s = σ(2a), from which tanh(a) = 2s - 1.

A sound is stored as rows [T, C], which a convolution reads in place; a delay is therefore an offset. There
are zeros before the first row and, for a gradient, after the last row. Each sound is one task for a pool of
threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from numba import njit
from torch import Tensor

Result = TypeVar("Result")
Dilations = list[tuple[int, int]]
ONE, TWO = np.float32(1), np.float32(2)


@njit(nogil=True, fastmath=True)
def _advance(x, first, second):  # type: ignore[no-untyped-def]
    """Compute x += tanh(a)·tanh(b) from the gates of a and b; all arrays are flat."""
    for i in range(x.size):
        x[i] += (TWO * first[i] - ONE) * (TWO * second[i] - ONE)


@njit(nogil=True, fastmath=True)
def _retreat(x, first, second, grad, via_first, via_second, d_first, d_second):  # type: ignore[no-untyped-def]
    """Undo `_advance`: compute x, and the gradients for x (a sum of three), a and b; all arrays are flat."""
    for i in range(x.size):
        one, two = TWO * first[i] - ONE, TWO * second[i] - ONE
        x[i] -= one * two
        grad[i] += via_first[i] + via_second[i]
        d_first[i] = grad[i] * two * (ONE - one * one)
        d_second[i] = grad[i] * one * (ONE - two * two)


class _Arrays(threading.local):
    """Large arrays that each thread keeps by name and reuses.

    Page faults in new arrays would take longer than the computation. New arrays are filled with zeros.
    """

    def __init__(self) -> None:
        self.held: dict[object, Tensor] = {}

    def get(self, name: object, like: Tensor, *shape: int) -> Tensor:
        found = self.held.get(name)
        if found is None or found.shape != shape or found.dtype != like.dtype:
            found = self.held[name] = like.new_zeros(shape)
        return found


class _Workspace:
    """Arrays for the gates of a batch; the next dilation block of the same shape reuses them."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def take(self, like: Tensor, *shape: int) -> Tensor:
        """Return an uninitialised array of this shape and of the type of `like`."""
        for k, array in enumerate(self._free):
            if array.shape == shape and array.dtype == like.dtype:
                return self._free.pop(k)
        self._free.clear()  # a different shape is in use now
        return like.new_empty(shape)

    def give(self, array: Tensor) -> None:
        """Give an array back; the caller must not use it afterwards."""
        self._free.append(array)


_arrays, _workspace = _Arrays(), _Workspace()
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def _pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Return a pool of `workers` Python threads, each of which lets PyTorch use `threads` threads."""
    if (workers, threads) not in _pools:
        before = torch.get_num_threads()
        together = threading.Barrier(workers)
        pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,))
        list(pool.map(lambda _: together.wait(), range(workers)))  # wait until all workers have started
        torch.set_num_threads(before)
        _pools[workers, threads] = pool
    return _pools[workers, threads]


def _each(work: Callable[[int], Result], count: int) -> list[Result]:
    """Run work(0), work(1), … in parallel on as many threads as PyTorch may use; return the results in order.

    More than one thread for each sound helps only if there are more threads than sounds.
    """
    threads = torch.get_num_threads()
    workers = min(threads, count)
    if threads == 1:
        return [work(k) for k in range(count)]
    return list(_pool(workers, max(1, threads // (2 * workers))).map(work, range(count)))


def _image(rows: Tensor) -> Tensor:
    """View rows [T, C] as an image [1, C, 1, T], channels last, as a convolution takes it."""
    return rows.t()[None, :, None]


def _flat(tensor: Tensor) -> Any:
    return tensor.numpy().reshape(-1)


def _filters(weight: Tensor) -> list[tuple[Tensor, ...]]:
    """Split weights [L, 2, out, tap, in] by layer and sub-layer into [out, in, 1, tap] for convolutions."""
    images = weight[:, :, :, None].permute(0, 1, 2, 5, 3, 4)
    return [pair.unbind() for pair in images.unbind()]


class GatedLayers(torch.autograd.Function):
    """Computes the output of a `DilationBlock`, [B, T, C], from the weights of the block."""

    @staticmethod
    @torch.inference_mode(False)  # reused arrays must not be inference tensors
    @torch.no_grad()
    def forward(ctx: Any, x: Tensor, now: Tensor, past: Tensor, bias: Tensor, dilations: Dilations) -> Tensor:
        layers, channels, _ = now.shape
        batch, time, _ = x.shape
        learning = any(ctx.needs_input_grad)
        weight = torch.stack((past, now), -1).view(layers, channels, 2, channels, 2)
        weight = weight.permute(0, 2, 3, 4, 1).contiguous()
        filters = _filters(2 * weight)
        biases = [pair.unbind() for pair in (2 * bias).view(layers, 2, channels).unbind()]
        gates = _workspace.take(x, batch, layers, 2, time, channels) if learning else None
        final = torch.empty_like(x, memory_format=torch.contiguous_format)
        reach = max(map(max, dilations))

        @torch.no_grad()
        def through(k: int) -> None:
            padded = _arrays.get("x", x, reach + time, channels)
            state = padded[reach:]
            state.copy_(x[k])
            delayed = {delay: _image(padded[reach - delay :]) for pair in dilations for delay in pair}
            kept = _arrays.get("gates", x, 1, 2, time, channels) if gates is None else gates[k]
            images = [tuple(map(_image, pair.unbind())) for pair in kept.unbind()]
            values, flat = kept.numpy().reshape(len(kept), 2, -1), _flat(state)
            for i, delays in enumerate(dilations):
                place = i if learning else 0
                for part, delay in enumerate(delays):
                    twice = torch.conv2d(
                        delayed[delay], filters[i][part], biases[i][part], dilation=(1, delay)
                    )
                    torch.sigmoid(twice, out=images[place][part])
                _advance(flat, *values[place])
            final[k] = state

        _each(through, batch)
        if gates is not None:
            ctx.gates, ctx.dilations = gates, dilations
            ctx.save_for_backward(final, weight)
        return (final - x).div_(layers)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        final, weight = ctx.saved_tensors
        gates, dilations = ctx.gates, ctx.dilations
        batch, layers, _, time, channels = gates.shape
        filters = _filters(weight)
        turned = _filters(weight.flip(3).permute(0, 1, 4, 3, 2).contiguous())  # for the gradients of inputs
        skip = grads[0] / layers
        grad = skip.clone(memory_format=torch.contiguous_format)
        reach = max(map(max, dilations))

        @torch.no_grad()
        def back(k: int) -> tuple[Tensor, Tensor]:
            padded = _arrays.get("x", final, reach + time, channels)
            state = padded[reach:]
            state.copy_(final[k])
            delayed = {delay: _image(padded[reach - delay :]) for pair in dilations for delay in pair}
            slopes = [_arrays.get(part, final, time + reach, channels) for part in (0, 1)]
            inner = [slope[:time] for slope in slopes]
            images = [_image(slope) for slope in inner]
            ahead = [{delay: _image(slope[: time + delay]) for delay in delayed} for slope in slopes]
            values, size = gates[k].numpy().reshape(layers, 2, -1), (time * channels,)
            flat, flat_grad, flat_inner = _flat(state), _flat(grad[k]), tuple(map(_flat, inner))
            parts = [_arrays.get("0", final, *size)] * 2
            by_weight, by_bias = [], []
            for i, delays in reversed(list(enumerate(dilations))):
                via_first, via_second = (part.numpy() for part in parts)
                _retreat(flat, values[i, 0], values[i, 1], flat_grad, via_first, via_second, *flat_inner)
                parts = []
                for part, delay in enumerate(delays):
                    found = torch.conv2d(ahead[part][delay], turned[i][part], dilation=(1, delay))
                    parts.append(found.as_strided(size, (1,)))
                    by_weight.append(_by_weight(images[part], delayed[delay], filters[i][part], delay))
                    by_bias.append(inner[part].sum(0))
            grad[k].view(-1).add_(parts[0]).add_(parts[1])
            shape = (layers, 2, channels, channels, 2)
            return torch.stack(by_weight).view(shape).flip(0), torch.stack(by_bias).view(layers, -1).flip(0)

        found = _each(back, batch)
        _workspace.give(gates)
        d_weight = torch.stack([one for one, _ in found]).sum(0)
        d_past, d_now = d_weight.permute(4, 0, 3, 1, 2).reshape(2, layers, channels, 2 * channels)
        return grad.sub_(skip), d_now, d_past, torch.stack([one for _, one in found]).sum(0), None


def _by_weight(slope: Tensor, delayed: Tensor, weight: Tensor, delay: int) -> Tensor:
    """Return the gradient with respect to a convolution's weights, [out, in, 1, tap], from two images."""
    settings = ((1, 1), (0, 0), (1, delay), False, (0, 0), 1, (False, True, False))
    found = torch.ops.aten.convolution_backward.default(slope, delayed, weight, None, *settings)
    return found[1]
