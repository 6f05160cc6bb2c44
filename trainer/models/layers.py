"""The layers of the paper's models that PyTorch lacks, and their initial weights.

"The paper" is Lionello and Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*.

Inside a dilation block, audio is time-major, [B, T, C]; a delay is therefore an offset into the rows.
"""

from __future__ import annotations

import importlib.util
import math
from functools import cache
from types import ModuleType

import torch
from torch import Tensor, nn

from trainer.architectures import HOP_LENGTH
from trainer.config import ModelConfig

CYCLES = (10, 5)
"""Cycle length m of each of the two sub-layers: the dilation of layer i (from 0) is 2^(i mod m)."""


def dilations(layers: int) -> list[tuple[int, int]]:
    """Return the dilations of both sub-layers of each layer, in samples (section 3 of the paper).

    After 50 layers, an output depends on 5,116 samples through the sub-layers with m = 10 and on 311 through
    those with m = 5: the sum of the dilations plus 1. The paper, with the same formula, wrongly gives
    5,119 and 319.
    """
    slow, fast = CYCLES
    return [(2 ** (i % slow), 2 ** (i % fast)) for i in range(layers)]


@cache
def _fused() -> ModuleType | None:
    """Return the module of the GPU kernels if Triton is installed (PyTorch includes it on Linux)."""
    if importlib.util.find_spec("triton") is None:
        return None
    from trainer.models import gated_cuda

    return gated_cuda


@cache
def _looped() -> ModuleType | None:
    """Return the module of the CPU loops if numba is installed; the pip extra `learn` lacks numba."""
    if importlib.util.find_spec("numba") is None:
        return None
    from trainer.models import gated

    return gated


class DilationBlock(nn.Module):
    """Gated residual layers of kernel 2 and their mean (section 3; Table 1, rows 2 and 19).

    x_{i+1} = x_i + tanh(sub1(x_i))·tanh(sub2(x_i)); the output is the mean of the products. The block is
    causal, with zeros before the first sample.

    Args:
        layers: number of gated layers (the paper has 50).
        channels: number of filters of a sub-layer (the paper has 32).
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
            self.bias[:, channels:] = 1.0  # sub-layer 2 starts as an open gate, to let the signal pass

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of the products, [B, T, channels], for x [B, T, channels].

        Calls `plain` where no faster code applies: under PyTorch's compiler, on a GPU where `gated_cuda`
        cannot be used, and on a CPU without numba or under autocast. The residual sum stays in 32 bits, even
        under autocast.
        """
        layers, channels, _ = self.now.shape
        if torch.compiler.is_compiling():
            return self.plain(x.float())
        if x.device.type == "cuda" and (fused := _fused()) and fused.takes(x.float(), channels):
            return fused.GatedLayers.apply(x.float(), self.now, self.past, self.bias, dilations(layers))
        if torch.is_autocast_enabled(x.device.type):
            return self.plain(x.float())
        if x.device.type != "cpu" or not (looped := _looped()):
            return self.plain(x)
        return looped.GatedLayers.apply(x, self.now, self.past, self.bias, dilations(layers))

    def plain(self, x: Tensor) -> Tensor:
        """Compute the result of `forward` by `nn.functional.conv1d`, as a reference for comparisons."""
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
    """A causal stride-1 convolution [B, C, T] -> [B, C', T], with zeros before the first sample."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(x, (self.kernel_size[0] - 1, 0)))

    def rows(self, x: Tensor) -> Tensor:
        """Compute the same convolution for rows, [B, T, C] -> [B, T, C'], many times faster on a CPU."""
        taps = self.kernel_size[0]
        padded = nn.functional.pad(x, (0, 0, taps - 1, 0))
        if self.in_channels == 1:  # one product of all windows and all filters
            return nn.functional.linear(padded[..., 0].unfold(1, taps, 1), self.weight[:, 0], self.bias)
        image = padded.transpose(1, 2)[:, :, None]  # channels last
        return nn.functional.conv2d(image, self.weight[:, :, None], self.bias)[:, :, 0].transpose(1, 2)


def pointwise(conv: nn.Conv1d | nn.ConvTranspose1d, x: Tensor) -> Tensor:
    """Apply a convolution of kernel 1 to rows: [B, T, C] -> [B, T, C']."""
    weight = conv.weight[:, :, 0]
    return nn.functional.linear(x, weight if isinstance(conv, nn.Conv1d) else weight.T, conv.bias)


def halved(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Apply a convolution of kernel 2 and stride 2 to rows: [B, T, C] -> [B, T / 2, C']."""
    pairs = x.reshape(len(x), x.shape[1] // 2, 2 * x.shape[2])
    return nn.functional.linear(pairs, conv.weight.transpose(1, 2).flatten(1), conv.bias)


class CausalUpsample(nn.ConvTranspose1d):
    """A stride-2 transposed convolution, cut to [B, C', 2T] to make it causal."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        return super().forward(x)[..., : 2 * x.shape[-1]]


class FrameDense(nn.Linear):
    """The dense layer from z, a point in latent space, to the latent sequence; it has one row for each frame.

    Frame f depends only on z at frame f; z may therefore differ at every frame.
    """

    def forward(self, z: Tensor) -> Tensor:
        """Return the latent sequence [B, F] for z [B, D] or [B, F, D]."""
        if z.dim() == 2:
            return super().forward(z)
        return (z * self.weight).sum(-1) + self.bias


class Bottleneck(nn.Module):
    """Two parallel dense layers on a one-channel latent sequence [B, 1, F]: mean and log-variance [B, D].

    Sounds have a peak of 1 but are mostly silent; the sequence therefore has about a tenth of unit amplitude
    at the start of training. The initial means are `gain` times as large, and the noise has a tenth of the
    power of the means: with more noise, the decoder would learn to ignore z.
    """

    def __init__(self, config: ModelConfig, gain: float) -> None:
        super().__init__()
        frames = config.length // HOP_LENGTH
        self.mean = nn.Linear(frames, config.latent_dim)
        self.log_var = nn.Linear(frames, config.latent_dim)
        nn.init.normal_(self.mean.weight, 0.0, gain * frames**-0.5)
        with torch.no_grad():  # a constant over all frames carries no information
            self.mean.weight -= self.mean.weight.mean(dim=1, keepdim=True)
        nn.init.constant_(self.log_var.bias, math.log(gain**2 / 1000))

    def forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        flat = sequence.flatten(1)
        return self.mean(flat), self.log_var(flat)


def keep_power(*modules: nn.Module, leak: float = 1.0) -> None:
    """Rescale PyTorch's initial weights, to make layers keep the power of a signal.

    With the default gain of 3^-½, a dozen layers would make the signal and the gradient a thousand times
    smaller. Layers with one channel start as noisy averages of two samples, or as noisy repetitions of a
    sample: with random signs, they would pass only a narrow band.

    Args:
        leak: slope, below zero, of the leaky ReLUs that follow the layers; 1 if there are none.
    """
    power = (1.0 + leak**2) / 2.0
    for module in modules:
        for layer in module.modules():
            if not isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
                continue
            taps = layer.kernel_size[0]
            if isinstance(layer, nn.ConvTranspose1d):
                taps = max(1, taps // layer.stride[0])  # taps that contribute to an output sample
            gain = (layer.in_channels * taps * power) ** -0.5
            single = layer.in_channels == layer.out_channels == 1
            nn.init.normal_(layer.weight, *((gain, 0.2 * gain) if single else (0.0, gain)))
