"""The objective of a training step: from a batch to the terms of the loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.config import Config
from trainer.data.partials import Partials
from trainer.losses.partials import partial_term
from trainer.losses.terms import Terms, centre_terms, head_terms, morph_term, variational_terms
from trainer.models.modal import ModalDecoder
from trainer.models.vae import VAE, VAEOutput

VARIATIONAL, CLASSIFICATION, JOINT = "variational", "classification", "joint"


class Objective(nn.Module):
    """The model and its losses as one module, so that wrappers (DDP, compile, autocast) see whole steps.

    A step computes only the values that its loss needs: DDP waits for the gradient of everything computed.
    """

    def __init__(self, model: VAE, config: Config, medoids: Tensor | None = None) -> None:
        """Wrap a model; `medoids` [classes, 1, T] is needed if the loss has terms of the middles."""
        super().__init__()
        self.model, self.config = model, config
        self.register_buffer("medoids", medoids, persistent=False)

    def forward(
        self,
        step: str,
        waveform: Tensor,
        heard: Tensor,
        target: Tensor,
        eps: Tensor,
        middle: Tensor | None = None,
        between: Tensor | None = None,
        partials: Partials | None = None,
        frames: int = 0,
        places: Tensor | None = None,
    ) -> Terms:
        """Return the unweighted terms by name.

        Args:
            step: "variational", "classification" or "joint".
            waveform: [B, 1, T], the sounds that the decoder should give.
            heard: [B, 1, T], the sounds that the encoder hears.
            target: int64 [B, heads].
            eps: [B, D] from N(0, I).
            middle: [ceil(B / 2), D], the prototypes of the classes of sounds 0, 2, 4, …; None leaves the
                terms of the middles out.
            between: [B // 2], a place from 0 to 1 between sounds 0 and 1, 2 and 3, …; None leaves the morph
                term out. With no pair at all this term is 0.
            partials: of the sounds, for a decoder that is taught them.
            frames: latent frames that such a decoder makes; the rest of the sounds is left out.
            places: int64 [B], where in its table the noise of such a decoder begins.
        """
        loss, model = self.config.loss, self.model
        mean, log_var = model.encode(heard)
        z = mean + torch.exp(0.5 * log_var) * eps
        terms: Terms = {}
        if step != CLASSIFICATION:
            rate, points = self.config.model.sample_rate, [z]
            if middle is not None:  # the spread around a prototype is that around a sound
                points.append(middle + (z - mean)[::2].detach())
            if between is not None:
                pairs = len(between)
                points.append(torch.lerp(z[: 2 * pairs : 2], z[1 : 2 * pairs : 2], between[:, None]))
            deterministic = None
            sizes = [len(part) for part in points]
            if partials is None:
                every = model.decode(torch.cat(points))
            else:
                decoder = model.decoder
                assert isinstance(decoder, ModalDecoder)
                assert places is not None
                every_place = places.repeat(len(sizes))[: sum(sizes)]
                fixed, noise = decoder.parts(torch.cat(points), frames, every_place)
                every, deterministic = (fixed + noise)[:, None], fixed[: len(z), None]
                waveform = waveform[..., : every.shape[-1]]
                if loss.partials:
                    terms["partials"] = partial_term(decoder, z, partials)
            audio, *others = every.float().split(sizes)
            output = VAEOutput(audio, mean.float(), log_var.float(), z, z.new_empty(len(z), 0))
            terms |= variational_terms(output, waveform, loss, rate, deterministic)
            if middle is not None:
                assert isinstance(self.medoids, Tensor)
                medoid = self.medoids[target[::2, 0]]
                terms |= centre_terms(others.pop(0), medoid, waveform[::2], loss, rate)
            if between is not None and len(between):
                ends = waveform[: 2 * pairs : 2], waveform[1 : 2 * pairs : 2]
                terms |= morph_term(others.pop(0), ends, between, rate)
            elif between is not None:
                terms["morph"] = z.new_zeros(())
        if step == CLASSIFICATION or (step == JOINT and loss.classification):
            logits = {name: found.float() for name, found in model.classify_all(z).items()}
            terms |= head_terms(logits, target)
        return terms
