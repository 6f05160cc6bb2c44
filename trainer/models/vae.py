"""The variational autoencoder: encoder and decoder of an architecture, and a classifier at the bottleneck."""

from __future__ import annotations

from dataclasses import dataclass, field
from pkgutil import resolve_name

import torch
from torch import Tensor, nn

from trainer.architectures import ARCHITECTURES
from trainer.components.inputs import Inputs
from trainer.config import ModelConfig, check_model
from trainer.models.heads import CLASSIFICATION, Heads, perceptron

MEMORY = 40.0
"""Number of sounds over which a prototype, the running mean of z for a class, is averaged."""


@dataclass(frozen=True)
class VAEOutput:
    """The output of a pass: audio [B, 1, T] in ±1; mean, log_var and z [B, D]; logits [B, classes].

    `heads` contains the logits of every head (classifier) by the name of the head's loss; `logits` are those
    of the first head.
    """

    audio: Tensor
    mean: Tensor
    log_var: Tensor
    z: Tensor
    logits: Tensor
    heads: dict[str, Tensor] = field(default_factory=dict)


class VAE(nn.Module):
    """Encoder, decoder and the classifier at the bottleneck (Figure 1 of Lionello and Purwins).

    z, the point in latent space, is the bottleneck.

    Attributes:
        config: the shape of the model.
        encoder: audio [B, 1, T] -> mean, log_var [B, D].
        decoder: z [B, D] or, one for each frame, [B, F, D] -> audio [B, 1, T].
        classifier: z [B, D] -> logits [B, classes], or, with heads, the logits of each head by name.
        prototypes: running means of z by class, [classes, D], if the architecture keeps them.
        met: number of sounds of each class in the prototypes so far, [classes].
    """

    prototypes: Tensor
    met: Tensor

    def __init__(self, config: ModelConfig, classes: int) -> None:
        super().__init__()
        row = ARCHITECTURES[config.architecture]
        self.config = config
        self.encoder: nn.Module = resolve_name(row.encoder)(config)
        self.decoder: nn.Module = resolve_name(row.decoder)(config)
        self.classifier = (
            Heads(config.heads, config.classifier_hidden)
            if config.heads
            else perceptron(config.latent_dim, config.classifier_hidden, classes)
        )
        if row.keeps_prototypes:
            self.register_buffer("prototypes", torch.zeros(classes, config.latent_dim))
            self.register_buffer("met", torch.zeros(classes))

    @torch.no_grad()
    def updated(self, mean: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Return `prototypes` and `met`, updated by sounds with `mean` [B, D] and class `label` [B]."""
        prototypes, met = self.prototypes.clone(), self.met.clone()
        for row, index in zip(mean.float(), label.tolist(), strict=True):
            met[index] += 1.0
            share = 1.0 / met[index].clamp(max=MEMORY)
            prototypes[index] += share * (row - prototypes[index])
        return {"prototypes": prototypes, "met": met}

    def encode(self, audio: Tensor | Inputs) -> tuple[Tensor, Tensor]:
        """Return mean and log_var, [B, D] each, for audio [B, 1, T] in ±1, or for measurements of audio."""
        return self.encoder(audio)

    def decode(self, z: Tensor) -> Tensor:
        """Return audio [B, 1, T] for z [B, D] or, one for each frame, [B, F, D]."""
        return self.decoder(z)

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits [B, classes] of the first head for z [B, D]."""
        return next(iter(self.classify_all(z).values()))

    def classify_all(self, z: Tensor) -> dict[str, Tensor]:
        """Return the logits [B, classes] of every head for z [B, D], by the name of the head's loss."""
        found = self.classifier(z)
        return found if isinstance(found, dict) else {CLASSIFICATION: found}

    def forward(self, audio: Tensor, eps: Tensor | None = None) -> VAEOutput:
        """Encode, sample z = mean + exp(log_var / 2)·eps, decode and classify.

        Args:
            audio: [B, 1, T] in ±1.
            eps: [B, D] from N(0, I); None takes z = mean.
        """
        mean, log_var = self.encode(audio)
        z = mean if eps is None else mean + torch.exp(0.5 * log_var) * eps
        heads = self.classify_all(z)
        return VAEOutput(self.decode(z), mean, log_var, z, next(iter(heads.values())), heads)


def build(config: ModelConfig, classes: int) -> VAE:
    """Build the model that `config` describes; its weights come from PyTorch's global generator.

    Args:
        classes: number of classes, at least 1; `config` gives the numbers of classes of the heads.

    Raises:
        ConfigError: if no model can have this shape.
    """
    check_model(config)
    assert classes > 0
    assert all(head.classes > 0 for head in config.heads)
    return VAE(config, classes)
