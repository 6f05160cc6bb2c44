"""What a step descends on: a batch in, the terms of its loss out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.config import Config
from trainer.losses.terms import Terms, centre_terms, head_terms, morph_term, variational_terms
from trainer.models.vae import VAE, VAEOutput

VARIATIONAL, CLASSIFICATION, JOINT = "variational", "classification", "joint"


class Objective(nn.Module):
    """The model and its losses as one module, so that wrappers (DDP, compile, autocast) see whole steps.

    A step computes nothing that its loss does not need: DDP waits for the gradient of all that is computed.
    """

    def __init__(self, model: VAE, config: Config, medoids: Tensor | None = None) -> None:
        """`medoids` [classes, 1, T]: the most typical sound of each class, where a loss asks for it."""
        super().__init__()
        self.model, self.config = model, config
        self.register_buffer("medoids", medoids, persistent=False)

    def forward(self, step: str, waveform: Tensor, heard: Tensor, target: Tensor, eps: Tensor) -> Terms:
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
            none, rate, points = z.new_empty(len(z), 0), self.config.model.sample_rate, z
            middles = -(-len(z) // 2) if loss.centre or loss.centre_dtw else 0
            if middles:  # around them as wide as around a sound
                model.follow(mean, target[:, 0])
                points = torch.cat((z, (model.prototypes[target[:, 0]] + (z - mean).detach())[:middles]))
            pairs = len(z) // 2 if loss.morph else 0
            if pairs:
                share = (torch.arange(pairs, device=z.device) + 0.5) / pairs
                first, second = z[0 : 2 * pairs : 2], z[1 : 2 * pairs : 2]
                points = torch.cat((points, torch.lerp(first, second, share[:, None])))
            audio, centres, between = model.decode(points).float().split([len(z), middles, pairs])
            output = VAEOutput(audio, mean.float(), log_var.float(), z, none)
            terms = variational_terms(output, waveform, loss, rate)
            if middles:
                assert isinstance(self.medoids, Tensor)
                medoid = self.medoids[target[:middles, 0]]
                terms |= centre_terms(centres, medoid, waveform[:middles], loss, rate)
            if pairs:
                ends = waveform[0 : 2 * pairs : 2], waveform[1 : 2 * pairs : 2]
                terms |= morph_term(between, ends, share, rate)
        if step == CLASSIFICATION or (step == JOINT and loss.classification):
            logits = {name: found.float() for name, found in model.classify_all(z).items()}
            terms |= head_terms(logits, target)
        return terms
