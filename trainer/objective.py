"""What a step descends on: a batch in, the terms of its loss out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer import losses
from trainer.config import Config
from trainer.losses import Terms
from trainer.models import VAE, VAEOutput

VARIATIONAL, CLASSIFICATION, JOINT = "variational", "classification", "joint"


class Objective(nn.Module):
    """The model and its losses as one module, so that wrappers (DDP, compile, autocast) see whole steps.

    A step computes nothing that its loss does not need: DDP waits for the gradient of all that is computed.
    """

    def __init__(self, model: VAE, config: Config) -> None:
        super().__init__()
        self.model, self.config = model, config

    def forward(
        self, step: str, waveform: Tensor, heard: Tensor, target: Tensor, eps: Tensor
    ) -> losses.Terms:
        """The unweighted terms by name.

        Args:
            step: "variational", "classification" or "joint".
            waveform: [B, 1, T], what the decoder should give.
            heard: [B, 1, T], what the encoder hears.
            target: int64 [B, heads].
            eps: [B, D] from N(0, I).
        """
        loss, model = self.config.loss, self.model
        mean, log_var = model.encode(heard)
        z = mean + torch.exp(0.5 * log_var) * eps
        terms: Terms = {}
        if step != CLASSIFICATION:
            none = z.new_empty(len(z), 0)
            output = VAEOutput(model.decode(z).float(), mean.float(), log_var.float(), z, none)
            terms = losses.variational_terms(output, waveform, loss, self.config.model.sample_rate)
        if step == CLASSIFICATION or (step == JOINT and loss.classification):
            logits = {name: found.float() for name, found in model.classify_all(z).items()}
            terms |= losses.head_terms(logits, target)
        return terms
