"""CC-VAE, the model with plain convolutions of the paper (Lionello and Purwins, Table 2).

Our choices where the paper leaves them open: leaky ReLUs between the layers, a linear output, and a causal
decoder, which can stream. B sounds have T samples and F latent frames; z is a point in a latent space of D
dimensions.
"""

from __future__ import annotations

from torch import Tensor, nn

from trainer.architectures import HOP_LENGTH
from trainer.config import ModelConfig
from trainer.models.layers import Bottleneck, CausalUpsample, FrameDense, keep_power

CHANNELS = (128, 128, 256, 512, 1024)
KERNELS = (5, 4, 4, 4, 4)
"""Channels and kernel sizes in rows 1 to 5 of Table 2."""
GAIN = 1.0
"""Gain of the initial weights for the mean. With a gain of 10, the losses jump, and the classes stay close
together in latent space."""
LEAK = 0.2


class CCEncoder(nn.Module):
    """Table 2, rows 1 to 7: audio [B, 1, T] -> mean, log_var [B, D]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, kernel in zip((1, *CHANNELS), CHANNELS, KERNELS, strict=False):
            layers += [
                nn.Conv1d(before, after, kernel, stride=2, padding=(kernel - 1) // 2),
                nn.LeakyReLU(LEAK),
            ]
        self.down = nn.Sequential(*layers, nn.Conv1d(CHANNELS[-1], 1, 1))
        self.bottleneck = Bottleneck(config, GAIN)
        keep_power(self.down, leak=LEAK)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        return self.bottleneck(self.down(audio))


class CCDecoder(nn.Module):
    """Table 2, rows 9 to 15: z [B, D] or [B, F, D] -> audio [B, 1, T]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = FrameDense(config.latent_dim, config.length // HOP_LENGTH)
        self.first = nn.ConvTranspose1d(1, 1, 1)
        channels = (1, *reversed(CHANNELS))
        self.up = nn.ModuleList(
            CausalUpsample(before, after, kernel, stride=2)
            for before, after, kernel in zip(channels, channels[1:], reversed(KERNELS), strict=False)
        )
        self.out = nn.ConvTranspose1d(CHANNELS[0], 1, 1)
        keep_power(self.first, self.up, leak=LEAK)
        keep_power(self.out)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(self.dense(z)[:, None])
        for layer in self.up:
            x = nn.functional.leaky_relu(layer(x), LEAK)
        return self.out(x)
