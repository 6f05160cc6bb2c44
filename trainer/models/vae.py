"""The two variational autoencoders of the paper, DC-VAE (Table 1) and CC-VAE (Table 2).

Where the paper is silent: both sub-layers of a gated layer pass through tanh (as in the authors' published
code); the convolutions around the dilation blocks are linear; the output is linear; CC-VAE has leaky ReLUs
between its layers; a 1x1 convolution takes the encoder's 16 filters to the width of the dilation block; all
decoder layers are causal, so that a decoder can stream.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from trainer.config import HOP_LENGTH, ModelConfig
from trainer.models.heads import CLASSIFICATION, Heads, perceptron
from trainer.models.layers import CausalConv, CausalUpsample, DilationBlock, FrameDense, halved, pointwise
from trainer.models.mb import MBDecoder, MBEncoder

FRONT_FILTERS, FRONT_KERNEL = 16, 32
"""Rows 1 and 20 of Table 1."""
CC_CHANNELS = (128, 128, 256, 512, 1024)
CC_KERNELS = (5, 4, 4, 4, 4)
"""Rows 1 to 5 of Table 2."""
DC_GAIN, CC_GAIN = 10.0, 1.0
"""Of the first weights of the means: with 10 the losses of "cc" leap, and its classes stay close together."""
LEAK = 0.2
MEMORY = 40.0
"""Sounds of a class that a prototype is the running mean of."""


@dataclass(frozen=True)
class VAEOutput:
    """One pass: audio [B, 1, T] in ±1, mean, log_var and z [B, D], logits [B, classes].

    `heads` has the logits of every head, by the name of its loss; `logits` are those of the first.
    """

    audio: Tensor
    mean: Tensor
    log_var: Tensor
    z: Tensor
    logits: Tensor
    heads: dict[str, Tensor] = field(default_factory=dict)


def _keep_power(*modules: nn.Module, leak: float = 1.0) -> None:
    """Rescale PyTorch's default weights so that layers neither fade nor swell a signal.

    At the default gain of 3^-½ a dozen layers would leave the signal, and with it the gradient, a thousand
    times smaller. Layers of one channel start as (noisy) averages of two samples and (noisy) repetitions:
    random signs would keep one narrow band.

    Args:
        leak: slope below zero of the leaky ReLUs that follow the layers; 1 where nothing follows.
    """
    power = (1.0 + leak**2) / 2.0
    for module in modules:
        for layer in module.modules():
            if not isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
                continue
            taps = layer.kernel_size[0]
            if isinstance(layer, nn.ConvTranspose1d):
                taps = max(1, taps // layer.stride[0])  # that meet in an output sample
            gain = (layer.in_channels * taps * power) ** -0.5
            single = layer.in_channels == layer.out_channels == 1
            nn.init.normal_(layer.weight, *((gain, 0.2 * gain) if single else (0.0, gain)))


class _Bottleneck(nn.Module):
    """Two parallel dense layers on a one-channel latent sequence [B, 1, F]: mean and log-variance [B, D].

    Sounds peak at 1 but are silent for the most part: the sequence starts at a tenth of unit amplitude. The
    first means are `gain` times as large, the first noise has a tenth of their power: with more of it the
    decoder would hear only noise in z and learn to ignore it.
    """

    def __init__(self, config: ModelConfig, gain: float) -> None:
        super().__init__()
        frames = config.length // HOP_LENGTH
        self.mean = nn.Linear(frames, config.latent_dim)
        self.log_var = nn.Linear(frames, config.latent_dim)
        nn.init.normal_(self.mean.weight, 0.0, gain * frames**-0.5)
        with torch.no_grad():  # what all frames of all sounds have in common is nothing to tell
            self.mean.weight -= self.mean.weight.mean(dim=1, keepdim=True)
        nn.init.constant_(self.log_var.bias, math.log(gain**2 / 1000))

    def forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        flat = sequence.flatten(1)
        return self.mean(flat), self.log_var(flat)


class DCEncoder(nn.Module):
    """Table 1, rows 1 to 9: audio [B, 1, T] -> mean, log_var [B, D]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.channels
        self.front = CausalConv(1, FRONT_FILTERS, FRONT_KERNEL)
        self.widen = nn.Conv1d(FRONT_FILTERS, width, 1)
        self.block = DilationBlock(config.layers, width)
        self.down = nn.Sequential(
            *(nn.Conv1d(width if i == 0 else 1, 1, 2, stride=2) for i in range(5)), nn.Conv1d(1, 1, 1)
        )
        self.bottleneck = _Bottleneck(config, DC_GAIN)
        _keep_power(self.front, self.widen, self.down)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        first, *rest = self.down
        assert isinstance(first, nn.Conv1d)
        x = self.block(pointwise(self.widen, self.front.rows(audio.transpose(1, 2))))
        sequence = halved(first, x).transpose(1, 2)
        for layer in rest:
            sequence = layer(sequence)
        return self.bottleneck(sequence)


class DCDecoder(nn.Module):
    """Table 1, rows 11 to 21: z [B, D] or [B, F, D] -> audio [B, 1, T]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.channels
        self.dense = FrameDense(config.latent_dim, config.length // HOP_LENGTH)
        self.up = nn.Sequential(
            nn.ConvTranspose1d(1, 1, 1), *(nn.ConvTranspose1d(1, 1, 2, stride=2) for _ in range(5))
        )
        self.widen = nn.ConvTranspose1d(1, width, 1)
        self.block = DilationBlock(config.layers, width)
        self.back = CausalConv(width, FRONT_FILTERS, FRONT_KERNEL)
        self.out = nn.Conv1d(FRONT_FILTERS, 1, 1)
        _keep_power(self.up, self.back, self.out)

    def forward(self, z: Tensor) -> Tensor:
        sequence = self.dense(z)[:, None]
        x = self.block(pointwise(self.widen, self.up(sequence).transpose(1, 2)))
        return pointwise(self.out, self.back.rows(x)).transpose(1, 2)


class CCEncoder(nn.Module):
    """Table 2, rows 1 to 7: audio [B, 1, T] -> mean, log_var [B, D]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, kernel in zip((1, *CC_CHANNELS), CC_CHANNELS, CC_KERNELS, strict=False):
            layers += [
                nn.Conv1d(before, after, kernel, stride=2, padding=(kernel - 1) // 2),
                nn.LeakyReLU(LEAK),
            ]
        self.down = nn.Sequential(*layers, nn.Conv1d(CC_CHANNELS[-1], 1, 1))
        self.bottleneck = _Bottleneck(config, CC_GAIN)
        _keep_power(self.down, leak=LEAK)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        return self.bottleneck(self.down(audio))


class CCDecoder(nn.Module):
    """Table 2, rows 9 to 15: z [B, D] or [B, F, D] -> audio [B, 1, T]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = FrameDense(config.latent_dim, config.length // HOP_LENGTH)
        self.first = nn.ConvTranspose1d(1, 1, 1)
        channels = (1, *reversed(CC_CHANNELS))
        self.up = nn.ModuleList(
            CausalUpsample(before, after, kernel, stride=2)
            for before, after, kernel in zip(channels, channels[1:], reversed(CC_KERNELS), strict=False)
        )
        self.out = nn.ConvTranspose1d(CC_CHANNELS[0], 1, 1)
        _keep_power(self.first, self.up, leak=LEAK)
        _keep_power(self.out)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(self.dense(z)[:, None])
        for layer in self.up:
            x = nn.functional.leaky_relu(layer(x), LEAK)
        return self.out(x)


Encoder = DCEncoder | CCEncoder | MBEncoder
Decoder = DCDecoder | CCDecoder | MBDecoder
PARTS: dict[str, tuple[type[Encoder], type[Decoder]]] = {
    "dc": (DCEncoder, DCDecoder),
    "cc": (CCEncoder, CCDecoder),
    "mb": (MBEncoder, MBDecoder),
}
"""Encoder and decoder by the name of the architecture."""


class VAE(nn.Module):
    """Encoder, decoder and the classifier at the bottleneck (Figure 1).

    Attributes:
        encoder: audio [B, 1, T] -> mean, log_var [B, D].
        decoder: z [B, D] or, one for each frame, [B, F, D] -> audio [B, 1, T].
        classifier: z [B, D] -> logits [B, classes], or, with heads, those of each by name.
        prototypes: running means of z by class, [classes, D] ("mb" only).
    """

    prototypes: Tensor
    met: Tensor

    def __init__(self, config: ModelConfig, classes: int) -> None:
        super().__init__()
        encoder, decoder = PARTS[config.architecture]
        self.encoder: Encoder = encoder(config)
        self.decoder: Decoder = decoder(config)
        self.classifier = (
            Heads(config.heads, config.classifier_hidden)
            if config.heads
            else perceptron(config.latent_dim, config.classifier_hidden, classes)
        )

        if config.architecture == "mb":
            self.register_buffer("prototypes", torch.zeros(classes, config.latent_dim))
            self.register_buffer("met", torch.zeros(classes))

    @torch.no_grad()
    def followed(self, mean: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Return `prototypes` and `met` after sounds with the means [B, D], of the classes label [B]."""
        prototypes, met = self.prototypes.clone(), self.met.clone()
        for row, index in zip(mean.float(), label.tolist(), strict=True):
            met[index] += 1.0
            share = 1.0 / met[index].clamp(max=MEMORY)
            prototypes[index] += share * (row - prototypes[index])
        return {"prototypes": prototypes, "met": met}

    def encode(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """audio [B, 1, T] in ±1 -> mean, log_var [B, D]."""
        return self.encoder(audio)

    def decode(self, z: Tensor) -> Tensor:
        """z [B, D] or [B, F, D] -> audio [B, 1, T]."""
        return self.decoder(z)

    def classify(self, z: Tensor) -> Tensor:
        """z [B, D] -> logits [B, classes], of the first head where there are several."""
        return next(iter(self.classify_all(z).values()))

    def classify_all(self, z: Tensor) -> dict[str, Tensor]:
        """z [B, D] -> logits [B, classes] of every head, by the name of its loss."""
        found = self.classifier(z)
        return found if isinstance(found, dict) else {CLASSIFICATION: found}

    def forward(self, audio: Tensor, eps: Tensor | None = None) -> VAEOutput:
        """Encode, sample z = mean + exp(log_var / 2)·eps, decode and classify.

        Args:
            audio: [B, 1, T] in ±1.
            eps: [B, D] from N(0, I); None takes the mean.
        """
        mean, log_var = self.encode(audio)
        z = mean if eps is None else mean + torch.exp(0.5 * log_var) * eps
        heads = self.classify_all(z)
        return VAEOutput(self.decode(z), mean, log_var, z, next(iter(heads.values())), heads)


def build(config: ModelConfig, classes: int) -> VAE:
    """The model that `config` describes, its weights drawn from PyTorch's global generator.

    Raises:
        ValueError: where the shape cannot be built; the message says what is accepted.
    """
    if config.architecture not in PARTS:
        raise ValueError(f"model architecture {config.architecture!r}: choose dc, cc or mb")
    hop_length = config.hop_length if config.architecture == "mb" else HOP_LENGTH
    if config.length < hop_length or config.length % hop_length:
        raise ValueError(f"model length {config.length}: choose a multiple of {hop_length} samples")
    for key in ("sample_rate", "latent_dim", "layers", "channels"):
        if getattr(config, key) < 1:
            raise ValueError(f"model {key} {getattr(config, key)}: choose a positive number")
    if classes < 1 or any(head.classes < 1 for head in config.heads):
        raise ValueError(f"{classes} classes: at least one is needed, for each head too")
    return VAE(config, classes)
