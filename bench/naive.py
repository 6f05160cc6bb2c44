"""A DC-VAE made of plain `nn.Conv1d` layers, which bench.training compares with our faster implementation.

Both implementations compute the same function.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from trainer.models.dc import DCDecoder, DCEncoder
from trainer.models.layers import DilationBlock, dilations
from trainer.models.vae import VAE


class NaiveBlock(nn.Module):
    """Equivalent of `DilationBlock`: returns the mean of the products of all layers, [B, C, T] -> [B, C, T].

    Args:
        block: the block from which to copy the weights.
    """

    def __init__(self, block: DilationBlock) -> None:
        super().__init__()
        layers, channels, _ = block.now.shape
        self.subs = nn.ModuleList()
        for i, pair in enumerate(dilations(layers)):
            for part, delay in enumerate(pair):
                conv, columns = nn.Conv1d(channels, channels, 2, dilation=delay), _columns(part, channels)
                taps = (block.past[i][:, columns].T, block.now[i][:, columns].T)
                with torch.no_grad():
                    conv.weight.copy_(torch.stack(taps, dim=-1))
                    conv.bias.copy_(block.bias[i, columns])  # type: ignore[union-attr]
                self.subs.append(conv)

    def forward(self, x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for i in range(0, len(self.subs), 2):
            a, b = (self._sub(x, conv) for conv in self.subs[i : i + 2])
            x, total = x + a * b, total + a * b
        return total / (len(self.subs) // 2)

    def _sub(self, x: Tensor, conv: nn.Module) -> Tensor:
        assert isinstance(conv, nn.Conv1d)
        return torch.tanh(conv(pad(x, (conv.dilation[0], 0))))

    def gradients(self) -> dict[str, Tensor]:
        """Return the gradients of all parameters, with the names and shapes that `DilationBlock` uses."""
        weights = torch.stack([conv.weight.grad for conv in self.subs])  # type: ignore[misc]
        biases = torch.stack([conv.bias.grad for conv in self.subs])  # type: ignore[misc]
        channels = weights.shape[1]
        weights = weights.view(-1, 2, channels, channels, 2).permute(4, 0, 3, 1, 2).flatten(3)
        return {"past": weights[0], "now": weights[1], "bias": biases.view(len(weights[0]), -1)}


def _columns(part: int, channels: int) -> slice:
    return slice(part * channels, (part + 1) * channels)


class NaiveEncoder(nn.Module):
    """Equivalent of `DCEncoder`; it uses the modules of a `DCEncoder`, except the block."""

    def __init__(self, encoder: DCEncoder) -> None:
        super().__init__()
        self.front, self.widen, self.down = encoder.front, encoder.widen, encoder.down
        self.block, self.bottleneck = NaiveBlock(encoder.block), encoder.bottleneck

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        return self.bottleneck(self.down(self.block(self.widen(self.front(audio)))))


class NaiveDecoder(nn.Module):
    """Equivalent of `DCDecoder`; it uses the modules of a `DCDecoder`, except the block."""

    def __init__(self, decoder: DCDecoder) -> None:
        super().__init__()
        self.dense, self.up, self.widen = decoder.dense, decoder.up, decoder.widen
        self.block, self.back, self.out = NaiveBlock(decoder.block), decoder.back, decoder.out

    def forward(self, z: Tensor) -> Tensor:
        return self.out(self.back(self.block(self.widen(self.up(self.dense(z)[:, None])))))


def naive(model: VAE) -> VAE:
    """Replace the encoder and the decoder of a model with those of this module, in place."""
    assert isinstance(model.encoder, DCEncoder)
    assert isinstance(model.decoder, DCDecoder)
    model.encoder = NaiveEncoder(model.encoder)
    model.decoder = NaiveDecoder(model.decoder)
    return model


def gradients(model: VAE) -> dict[str, Tensor]:
    """Return the gradients of all parameters of a model.

    The gradients of a plain block have the names and shapes that `DilationBlock` uses.
    """
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    for part in ("encoder", "decoder"):
        block = getattr(model, part).block
        if isinstance(block, NaiveBlock):
            found = {name: grad for name, grad in found.items() if not name.startswith(f"{part}.block.")}
            found |= {f"{part}.block.{name}": grad for name, grad in block.gradients().items()}
    return found
