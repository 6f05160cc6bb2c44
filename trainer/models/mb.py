"""MB-VAE: the dilated model on the bands of a filter bank, fast enough for a slow machine.

The differences from the DC-VAE of Lionello and Purwins (`trainer.models.dc`), and their purposes:

- The gated layers run on M bands at 1/M of the sample rate (`trainer.models.pqmf`): a layer reaches M times
  as far back in time and costs 1/M. A causal filter joins the bands; the model can therefore still stream
  exactly.
- There are two hidden layers between z (the latent vector) and the latent sequence, and each frame of this
  sequence has several values.
- The filter bank needs a few frames to reach full level. `onset`, a dense layer from the hidden values to the
  first samples, makes the attack.
- The encoder takes log-mel levels instead of waveforms, through strided convolutions. Phase therefore has
  hardly any influence, and new recordings are encoded near the other recordings of their class.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.config import ModelConfig
from trainer.data.mfcc import mel_filters
from trainer.models.pqmf import OVERLAP, synthesis_kernel

CYCLE = 7
"""The delay of gated layer i (from 0) is 2^(i mod 7) samples of a band."""
LEVELS = 48
"""Number of mel bands of the encoder's input."""
WINDOW_S = 0.032
"""Length of the encoder's window in seconds, rounded to a power of two samples; the hop is a quarter of the
length."""
LOWEST_POWER = 1e-7
"""Power that is added to the power of a mel band before the logarithm is taken."""
ENCODER_CHANNELS, ENCODER_KERNEL = (64, 64, 96), 5
LEAK = 0.2


def delays(layers: int) -> list[int]:
    """Return the delay of each gated layer, in samples of a band."""
    return [2 ** (i % CYCLE) for i in range(layers)]


class _Gated(torch.autograd.Function):
    """Forward and backward pass of all gated layers, in place.

    The rows are the sounds at step 0, then the sounds at step 1, and so on. Only the gates are kept: x_i is
    recovered from x_{i+1} by subtraction (as in `trainer.models.gated`).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, now: Tensor, past: Tensor, bias: Tensor, batch: int) -> Tensor:
        layers, width, _ = now.shape
        gates = x.new_empty(layers, len(x), 2 * width)
        state = x.clone(memory_format=torch.contiguous_format)
        for i, delay in enumerate(delays(layers)):
            gate, rows = gates[i], delay * batch
            torch.addmm(bias[i], state, now[i], out=gate)
            if rows < len(x):
                gate[rows:].addmm_(state[:-rows], past[i])
            gate[:, :width].mul_(2.0)
            gate.sigmoid_()
            gate[:, :width].mul_(2.0).sub_(1.0)  # tanh(a) = 2σ(2a) - 1, and the sigmoid is faster
            state.addcmul_(gate[:, :width], gate[:, width:])
        ctx.gates, ctx.batch = gates, batch
        ctx.save_for_backward(state, now, past)
        return state

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        final, now, past = ctx.saved_tensors
        layers, width, _ = now.shape
        grad, state = grads[0].clone(memory_format=torch.contiguous_format), final.clone()
        d_now, d_past = torch.empty_like(now), torch.zeros_like(past)
        d_bias = now.new_empty(layers, 2 * width)
        order = list(enumerate(delays(layers)))
        for i, delay in reversed(order):
            gate, rows = ctx.gates[i], delay * ctx.batch
            tanh, sigmoid = gate[:, :width], gate[:, width:]
            state.addcmul_(tanh, sigmoid, value=-1.0)
            slope = torch.cat((sigmoid * (1.0 - tanh * tanh), tanh * sigmoid * (1.0 - sigmoid)), 1)
            slope[:, :width] *= grad
            slope[:, width:] *= grad
            torch.mm(state.T, slope, out=d_now[i])
            torch.sum(slope, 0, out=d_bias[i])
            grad.addmm_(slope, now[i].T)
            if rows < len(state):
                torch.mm(state[:-rows].T, slope[rows:], out=d_past[i])
                grad[:-rows].addmm_(slope[rows:], past[i].T)
        return grad, d_now, d_past, d_bias, None


class GatedStack(nn.Module):
    """Causal gated layers, x <- x + tanh(a)·σ(b), where a and b depend on x at a step and one delay earlier.

    Before the first step, x is 0.

    Args:
        layers: number of layers.
        width: number of values at each step of each sound.
    """

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.now = nn.Parameter(torch.empty(layers, width, 2 * width))
        self.past = nn.Parameter(torch.empty(layers, width, 2 * width))
        self.bias = nn.Parameter(torch.zeros(layers, 2 * width))
        bound = math.sqrt(3.0 / (2 * width))
        nn.init.uniform_(self.now, -bound, bound)
        nn.init.uniform_(self.past, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of all layers, [steps, B, width], for x [steps, B, width]."""
        if torch.compiler.is_compiling() or torch.is_autocast_enabled(x.device.type):
            return self.plain(x.float())
        flat = x.reshape(-1, x.shape[-1])
        found: Tensor = _Gated.apply(flat, self.now, self.past, self.bias, x.shape[1])
        return found.view(x.shape)

    def plain(self, x: Tensor) -> Tensor:
        """Compute the result of `forward` with PyTorch's own functions, as a reference for the tests."""
        for i, delay in enumerate(delays(len(self.now))):
            late = functional.pad(x, (0, 0, 0, 0, delay, 0))[: len(x)]
            a, b = (x @ self.now[i] + late @ self.past[i] + self.bias[i]).chunk(2, dim=-1)
            x = x + torch.tanh(a) * torch.sigmoid(b)
        return x


class MBEncoder(nn.Module):
    """Audio [B, 1, T] -> log-mel levels -> mean, log_var [B, D]."""

    hann: Tensor
    mel: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.window = min(2 ** max(5, round(math.log2(WINDOW_S * config.sample_rate))), config.length)
        self.hop = max(1, self.window // 4)
        self.register_buffer("hann", torch.hann_window(self.window), persistent=False)
        mel = mel_filters(config.sample_rate, self.window, LEVELS).float()
        self.register_buffer("mel", mel.T.contiguous(), persistent=False)
        layers: list[nn.Module] = []
        steps, before = 1 + config.length // self.hop, LEVELS
        for after in ENCODER_CHANNELS:
            layers += [
                nn.Conv1d(before, after, ENCODER_KERNEL, stride=2, padding=ENCODER_KERNEL // 2),
                nn.LeakyReLU(LEAK),
            ]
            steps, before = (steps - 1) // 2 + 1, after
        self.convs = nn.Sequential(*layers)
        self.end_with(steps * before, config.latent_dim)

    def end_with(self, features: int, latent_dim: int) -> None:
        """Make the last layers, for `features` inputs."""
        self.mean = nn.Linear(features, latent_dim)
        self.log_var = nn.Linear(features, latent_dim)
        nn.init.zeros_(self.log_var.weight)
        nn.init.constant_(self.log_var.bias, -4.0)

    def levels(self, audio: Tensor) -> Tensor:
        """Return log-mel levels [B, 48, 1 + T // hop], of about unit spread, for audio [B, 1, T]."""
        padded = functional.pad(audio[:, 0], (self.window // 2, self.window // 2))
        parts = padded.unfold(-1, self.window, self.hop) * self.hann
        power = torch.view_as_real(torch.fft.rfft(parts)).square().sum(-1)
        level = (power @ self.mel + LOWEST_POWER).log()
        return (level.transpose(1, 2) + 5.0) / 5.0

    def features(self, audio: Tensor) -> Tensor:
        """Return the input of the last layers, [B, F], for audio [B, 1, T]."""
        return self.convs(self.levels(audio)).flatten(1)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        flat = self.features(audio)
        return self.mean(flat), self.log_var(flat)


class FrameRows(nn.Module):
    """A dense layer from the hidden values to the values of each frame; each frame has separate weights."""

    def __init__(self, frames: int, hidden: int, values: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(frames, values, hidden) * (gain * hidden**-0.5))
        self.bias = nn.Parameter(torch.zeros(frames, values))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return values [B, F, values] for hidden values [B, hidden], or [B, F, hidden] if frames differ."""
        frames, values, _ = self.weight.shape
        if hidden.dim() == 2:
            flat = functional.linear(hidden, self.weight.flatten(0, 1), self.bias.flatten())
            return flat.view(-1, frames, values)
        return torch.einsum("bfh,fvh->bfv", hidden, self.weight) + self.bias


class MBDecoder(nn.Module):
    """z [B, D] or [B, F, D] -> audio [B, 1, T].

        z -> hidden -> hidden -> values of a frame -> its steps -> gated layers -> bands -> sound
                          └────> the first samples (onset) ───────────────────────────────> +

    Args:
        config: `length` is a multiple of `hop_length`, and `hop_length` a multiple of `bands`.
    """

    kernel: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        frames, hop, bands = config.length // config.hop_length, config.hop_length, config.bands
        self.hop_length, self.bands = hop, bands
        self.mlp = nn.Sequential(
            nn.Linear(config.latent_dim, config.hidden),
            nn.LeakyReLU(LEAK),
            nn.Linear(config.hidden, config.hidden),
            nn.LeakyReLU(LEAK),
        )
        self.rows = FrameRows(frames, config.hidden, config.values)
        self.onset = FrameRows(min(frames, -(-OVERLAP * bands // hop)), config.hidden, hop, gain=0.01)
        self.up = nn.Linear(config.values, hop // bands * config.channels)
        self.stack = GatedStack(config.layers, config.channels)
        self.out = nn.Linear(config.channels, bands, bias=False)
        self.register_buffer("kernel", synthesis_kernel(bands).float(), persistent=False)
        with torch.no_grad():
            self.out.weight.mul_(0.1)

    def forward(self, z: Tensor) -> Tensor:
        hidden = self.mlp(z)
        steps = self.up(self.rows(hidden))  # [B, F, hop / bands * channels]
        batch = len(steps)
        x = self.stack(steps.reshape(batch, -1, self.out.in_features).transpose(0, 1))
        bands = self.out(x).permute(1, 2, 0)
        audio = functional.conv1d(functional.pad(bands, (OVERLAP - 1, 0)), self.kernel)
        audio = audio.transpose(1, 2).reshape(batch, 1, -1)
        count = len(self.onset.weight)
        first = self.onset(hidden if z.dim() == 2 else hidden[:, :count]).reshape(batch, 1, -1)
        return audio + functional.pad(first, (0, audio.shape[-1] - first.shape[-1]))
