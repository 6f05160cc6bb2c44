"""DC-VAE, the dilated model of the paper (Lionello and Purwins, Table 1).

Our choices where the paper leaves them open: both sub-layers of a gated layer pass through tanh (as in the
authors' code); the output and the convolutions around the dilation blocks are linear; a 1x1 convolution maps
the encoder's 16 filters to the width of the dilation block; the decoder is causal and can therefore stream.

B sounds have T samples and F latent frames; z is a point in a latent space of D dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainer.architectures import HOP_LENGTH
from trainer.config import ModelConfig
from trainer.models.layers import (
    Bottleneck,
    CausalConv,
    DilationBlock,
    FrameDense,
    halved,
    keep_power,
    pointwise,
)

FRONT_FILTERS, FRONT_KERNEL = 16, 32
"""Number of filters and kernel size in rows 1 and 20 of Table 1."""
GAIN = 10.0
"""Gain of the initial weights of the layer that computes the mean."""


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
        self.bottleneck = Bottleneck(config, GAIN)
        keep_power(self.front, self.widen, self.down)

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
        keep_power(self.up, self.back, self.out)

    def forward(self, z: Tensor) -> Tensor:
        sequence = self.dense(z)[:, None]
        x = self.block(pointwise(self.widen, self.up(sequence).transpose(1, 2)))
        return pointwise(self.out, self.back.rows(x)).transpose(1, 2)


def deepened(weights: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Extend the weights of a model to more gated layers; at first, the deeper model decodes the same sounds.

    The added layers come after the existing ones of each dilation block. Their sub-layers 1 begin at zero, so
    their products are zero. A block outputs the mean of its layers' products; therefore, the weights that
    follow each block are scaled up.

    Args:
        weights: the weights of the shallow model, by name.
        fresh: the initial weights of the deep model, by name. The sub-layers 2 of the added layers keep these
            weights.
    """
    found = dict(weights)
    for block, after in (
        ("encoder.block", "encoder.down.0.weight"),
        ("decoder.block", "decoder.back.weight"),
    ):
        layers = len(weights[f"{block}.now"])
        for name in ("now", "past", "bias"):
            added = fresh[f"{block}.{name}"][layers:].clone()
            added[..., : added.shape[-1] // 2] = 0.0
            found[f"{block}.{name}"] = torch.cat((weights[f"{block}.{name}"].to(added), added))
        found[after] = weights[after] * (len(found[f"{block}.now"]) / layers)
    return found
