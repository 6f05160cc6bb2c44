"""Computes the terms of the loss of a batch, for a training step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.components.analysis import Components
from trainer.components.inputs import Inputs
from trainer.config import Config
from trainer.losses.components import component_term
from trainer.losses.loudness import loudness_term
from trainer.losses.terms import (
    Terms,
    centre_terms,
    divergence,
    head_terms,
    morph_term,
    needs_audio,
    variational_terms,
)
from trainer.models.modal import ModalDecoder
from trainer.models.vae import VAE, VAEOutput

VARIATIONAL, CLASSIFICATION, JOINT = "variational", "classification", "joint"
OWN_SPREAD = 0.35
"""Standard deviation of the noise around a sound's own point in latent space."""


class Objective(nn.Module):
    """The model and its losses as one module, to let wrappers (DDP, compile, autocast) wrap an entire step.

    A step computes only the values that its loss needs, because DDP waits for the gradient of every value.
    """

    def __init__(self, model: VAE, config: Config, medoids: Tensor | None = None) -> None:
        """Wrap a model; loss terms of class centres need `medoids` [classes, 1, T], the typical sounds."""
        super().__init__()
        self.model, self.config = model, config
        self.register_buffer("medoids", medoids, persistent=False)

    def forward(
        self,
        step: str,
        waveform: Tensor,
        encoder_input: Tensor | Inputs,
        target: Tensor,
        eps: Tensor,
        prototype: Tensor | None = None,
        between: Tensor | None = None,
        components: Components | None = None,
        points: Tensor | None = None,
    ) -> Terms:
        """Return the unweighted terms by name.

        Args:
            step: "variational", "classification" or "joint".
            waveform: [B, 1, T], the target of the decoder.
            encoder_input: the sounds that the encoder gets, [B, 1, T], or measurements of these sounds.
            target: int64 [B, heads], the class of each sound for each classifier.
            eps: [B, D] from N(0, I).
            prototype: [ceil(B / 2), D], the running mean of z for the class of each of the sounds 0, 2, 4, …;
                None omits the terms of class centres.
            between: [B // 2], a position from 0 to 1 between sounds 0 and 1, 2 and 3, …, for the terms
                "morph" and "loudness", which are 0 for a batch without pairs.
            components: the oscillators, damped sinusoids and noise of the sounds, for a decoder that learns
                these.
            points: [N, D], points in latent space at which the decoder learns the last N sounds; these points
                replace those that the encoder returns.
        """
        loss, model = self.config.loss, self.model
        mean, log_var = model.encode(encoder_input)
        z = mean + torch.exp(0.5 * log_var) * eps
        terms: Terms = {}
        if points is not None:
            first = len(z) - len(points)
            z = torch.cat((z[:first], points + OWN_SPREAD * eps[first:]))
            terms["points"] = (points - mean[first:]).square().sum() / len(z)
        if step != CLASSIFICATION and loss.components:
            assert components is not None
            assert isinstance(model.decoder, ModalDecoder)
            terms["components"] = component_term(model.decoder, z, components)
        if step != CLASSIFICATION and loss.loudness:
            assert between is not None
            assert isinstance(model.decoder, ModalDecoder)
            even = len(between) > 0
            terms["loudness"] = loudness_term(model.decoder, z, between) if even else z.new_zeros(())
        if step != CLASSIFICATION and not needs_audio(loss):
            terms["kl"] = divergence(mean.float(), log_var.float())
        elif step != CLASSIFICATION:
            rate, places = self.config.model.sample_rate, [z]
            if prototype is not None:  # with the same deviation around a prototype as around a sound
                places.append(prototype + (z - mean)[::2].detach())
            if loss.morph and between is not None:
                pairs = len(between)
                places.append(torch.lerp(z[: 2 * pairs : 2], z[1 : 2 * pairs : 2], between[:, None]))
            sizes = [len(part) for part in places]
            every = model.decode(torch.cat(places))
            audio, *others = every.float().split(sizes)
            output = VAEOutput(audio, mean.float(), log_var.float(), z, z.new_empty(len(z), 0))
            terms |= variational_terms(output, waveform, loss, rate)
            if prototype is not None:
                assert isinstance(self.medoids, Tensor)
                medoid = self.medoids[target[::2, 0]]
                terms |= centre_terms(others.pop(0), medoid, waveform[::2], loss, rate)
            if loss.morph and between is not None and len(between):
                ends = waveform[: 2 * pairs : 2], waveform[1 : 2 * pairs : 2]
                terms |= morph_term(others.pop(0), ends, between, rate)
            elif loss.morph:
                terms["morph"] = z.new_zeros(())
        if step == CLASSIFICATION or (step == JOINT and loss.classification):
            logits = {name: found.float() for name, found in model.classify_all(z).items()}
            terms |= head_terms(logits, target)
        return terms
