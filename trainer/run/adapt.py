"""Adapts a trained model, the base, to a few sounds. Training changes the decoder and a point for each sound.

    points, decoder                 learn to produce the components of the sounds
    decoder at points of the base   keeps the base's components, to leave the rest of the space unchanged
    last layer of the encoder       is fitted to the points by least squares

A point is a position in the latent space. The components of a sound are its oscillators, modes (damped
sinusoids) and noise (`trainer.components`). Training compares components and does not encode or decode
sounds; a pass over the sounds therefore takes a tenth of the time of an epoch in `trainer.run.fit`. Training
starts as soon as the components of the first sounds are known.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.components.analysis import Components
from trainer.components.kept import Analysis
from trainer.data import sampling
from trainer.errors import DivergedError
from trainer.losses.components import component_term, components_at
from trainer.losses.loudness import loudness_term
from trainer.models.mb import MBEncoder
from trainer.models.modal import ModalDecoder
from trainer.run import checkpoint, fit
from trainer.run.checkpoint import LAST, Anchors, Checkpoint
from trainer.run.state import State
from trainer.run.steps import Display, never, positions

POINTS = "points"
"""Name of the single optimiser that a run of `Adaptation` uses."""
RATE, POINT_RATE, DECAY = 3e-3, 1e-2, 1e-3
"""Learning rates of the decoder and of the points, and the decoder's weight decay."""
RISE = 0.05
"""Fraction of the steps in which the learning rate rises; then the rate falls to 0 along half a cosine."""
EARLY = 0.3
"""Factor of the learning rate while some sounds have not been analysed yet."""
WAIT_S = 0.2
"""Longest time in seconds to wait for the components of one more sound."""
SPREAD = 0.05
"""Standard deviation of the noise that is added to a point, to make nearby points sound similar."""
NORM = 1e-3
"""Weight of the mean squared norm of the points; this term keeps the points in the region of the base's
points."""
CLASSES = 0.1
"""Weight of the classification loss."""
KEPT = 1.0
"""Weight of the term that keeps the base's components at the points of the base's own sounds."""
ENCODED, AT_ONCE = 96, 8
"""Number of the base's sounds to which the encoder is also fitted, and number of sounds decoded at once."""
RIDGE, TINY = 0.1, 1e-9
"""Ridge of the least-squares fit, relative to the variance of the features, and smallest ridge."""
SAVE_S = 20.0
"""Shortest time in seconds between two checkpoints."""


def nothing() -> None:
    """Do nothing."""


class Adaptation:
    """A run that adapts a model to its sounds.

    Args:
        state: the state of a new run with the architecture "modal"; `begin` adds the components of the
            sounds.
        base: the checkpoint of the base, whose sounds are to stay unchanged, or None.
        saved: the checkpoint from which the run continues; None starts the points at the encoder's means for
            the sounds.
    """

    def __init__(self, state: State, base: Checkpoint | None, saved: Checkpoint | None = None) -> None:
        self.state = state
        state.model.encoder.eval()  # without dropout, because only the last layer is trained
        self._encoder = cast(MBEncoder, state.model.encoder)
        self._decoder = cast(ModalDecoder, state.model.decoder)
        self._kept = None if base is None or not base.anchors.names else _Kept(self._decoder, base)
        self._features = self._encoder_inputs()
        with torch.no_grad():
            start = self._encoder.mean(self._features) if saved is None else saved.anchors.mean
        self.points = nn.Parameter(start.clone())
        learning = [*self._decoder.parameters(), *state.model.classifier.parameters()]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": learning, "base_lr": RATE, "weight_decay": DECAY},
                {"params": [self.points], "base_lr": POINT_RATE, "weight_decay": 0.0},
            ]
        )
        if saved is not None:
            checkpoint.restore(self._optimiser, saved.optimisers[POINTS])
        state.optimisers = {POINTS: self._optimiser}
        self._set_anchors()

    @torch.no_grad()
    def _encoder_inputs(self) -> Tensor:
        """Return the input of the encoder's last layer for each sound, [N, F]."""
        sounds = self.state.sounds.waveforms[self.state.train]
        return torch.cat([self._encoder.features(part) for part in sounds.split(self.state.at_once)])

    def snapshot(self, *, resumable: bool = True, look: Callable[[], None] = nothing) -> Checkpoint:
        """Return the run as a checkpoint; its anchors, named positions in latent space, are the points.

        Args:
            look: called repeatedly during the work; if it raises an exception, the work ends.
        """
        self._set_anchors()
        self._fit_encoder(look)
        return fit.snapshot(self.state, resumable=resumable)

    def _set_anchors(self) -> None:
        """Store the points in the state of the run, as the anchors."""
        state = self.state
        state.anchors = Anchors(
            tuple(state.sounds.names[i] for i in state.train.tolist()),
            tuple(state.sounds.labels[state.train].tolist()),
            self.points.detach().clone(),
        )

    @torch.no_grad()
    def _fit_encoder(self, look: Callable[[], None]) -> None:
        """Fit the encoder's last layer to the points, to make the encoder map each sound to its point.

        The fit is by least squares over the sounds with their points, and over the base's sounds with the
        points that the base's encoder returns for them. A ridge penalty keeps the change small; the encoder's
        points for other sounds therefore hardly change.
        """
        layer, features, wanted = self._encoder.mean, self._features, self.points.detach()
        if torch.equal(layer(features), wanted):
            return
        if self._kept is not None:
            known, before = self._kept.encoded(self._encoder, look)
            features, wanted = torch.cat((features, known)), torch.cat((wanted, before))
        features = features.double()
        missing = wanted.double() - features @ layer.weight.double().T - layer.bias.double()
        middle = features.mean(0)
        centred = features - middle
        gram = centred @ centred.T
        ridge = (RIDGE * gram.diagonal().mean() + TINY) * torch.eye(len(gram), dtype=gram.dtype)
        change = centred.T @ torch.linalg.solve(gram + ridge, missing - missing.mean(0))
        layer.weight.add_(change.T.float())
        layer.bias.add_((missing.mean(0) - middle @ change).float())

    def begin(self, analysis: Analysis, look: Callable[[], None] = nothing) -> None:
        """Train on the sounds analysed so far, until all are analysed. A resumed run only waits for this.

        These training steps do not belong to an epoch, and their learning rate is constant.

        Args:
            look: called after each step; if it raises an exception, the work ends.
        """
        state, known, step = self.state, analysis.known(), 0
        state.components = analysis.components
        while not analysis.complete:
            places = torch.isin(state.train, torch.tensor(known)).nonzero()[:, 0]
            waits = bool(state.step) or not len(places)
            if not waits:
                source = sampling.generator(state.config.fit.seed, "early", step)
                some = torch.randperm(len(places), generator=source)[: state.config.fit.batch_size]
                self._step(places[some], source, EARLY)
                step += 1
            known = analysis.known(WAIT_S if waits else 0.0)
            state.components = analysis.components
            look()
        state.components = analysis.components

    def run(self, out: Path, display: Display, stop: Callable[[], bool] = never) -> bool:
        """Train to the end of the last epoch; return False if `stop` ended the run earlier.

        The run is saved in the folder `out` after the first epoch, then at most every `SAVE_S` seconds, and
        at the end.
        """
        state = self.state
        checkpoint.save_atomically(out / fit.CONFIG, state.config.to_toml().encode())
        due = time.monotonic()
        while state.epoch < state.config.fit.epochs and not stop():
            self._pass(display)
            if time.monotonic() > due:
                self._save(out)
                due = time.monotonic() + SAVE_S
        self._save(out)
        return state.epoch >= state.config.fit.epochs

    def _save(self, out: Path) -> None:
        checkpoint.write(out / LAST, self.snapshot())
        fit.write_log(self.state, out)

    def _pass(self, display: Display) -> None:
        """Train for an epoch, one pass over the sounds, and append a record of the epoch to the history."""
        state, began = self.state, time.perf_counter()
        seed = state.config.fit.seed
        order = sampling.epoch_order(None, torch.arange(len(state.train)), seed, state.epoch)
        sums: dict[str, float] = {}
        for places in order.split(state.config.fit.batch_size):
            source = sampling.generator(seed, "noise", state.step)
            terms = self._step(places, source, self._factor())
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value * len(places)
            state.step += 1
            display.stepped(state, terms)
        state.epoch += 1
        record = {
            "epoch": state.epoch,
            "step": state.step,
            "train": {name: value / len(order) for name, value in sums.items()},
            "seconds": round(time.perf_counter() - began, 3),
        }
        state.history.append(record)
        display.finished_epoch(record)

    def _step(self, places: Tensor, source: torch.Generator, factor: float) -> dict[str, float]:
        """Take a step with the training sounds whose indices are `places`; return the unweighted terms of the
        loss.

        Args:
            source: generator of the noise around the points.
            factor: factor of the learning rates.
        """
        state = self.state
        assert state.components is not None
        config, sounds = state.config, state.train[places]
        z = self.points[places]
        near = z + SPREAD * torch.randn(z.shape, generator=source)
        terms = {
            "components": component_term(self._decoder, near, state.components[sounds]),
            "norm": z.square().sum(1).mean(),
            "classes": functional.cross_entropy(state.model.classify(near), state.sounds.labels[sounds]),
        }
        loss = terms["components"] + NORM * terms["norm"] + CLASSES * terms["classes"]
        if config.loss.loudness and len(near) > 1:
            terms["loudness"] = loudness_term(self._decoder, near, positions(len(near), near.device))
            loss = loss + config.loss.loudness * terms["loudness"]
        if self._kept is not None:
            known, had = self._kept.some(config.fit.batch_size, source)
            terms["kept"] = component_term(self._decoder, known, had)
            loss = loss + KEPT * terms["kept"]
        found = {name: term.item() for name, term in terms.items()}
        if not all(map(math.isfinite, found.values())):
            raise DivergedError(
                f"the loss is not finite at step {state.step}: the last checkpoint is from an earlier step"
            )
        for group in self._optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._decoder.parameters(), config.optim.clip_norm)
        self._optimiser.step()
        return found

    def _factor(self) -> float:
        steps = self.state.steps
        rise = max(1.0, RISE * steps)
        if self.state.step < rise:
            return (self.state.step + 1) / (rise + 1)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (self.state.step - rise) / max(1.0, steps - rise))))


class _Kept:
    """Computes the components that the base's decoder makes near the points of the base's own sounds."""

    def __init__(self, decoder: ModalDecoder, base: Checkpoint) -> None:
        prefix = "decoder."
        weights = {
            name.removeprefix(prefix): value.float()
            for name, value in base.model.items()
            if name.startswith(prefix)
        }
        self._decoder = copy.deepcopy(decoder)
        self._decoder.load_state_dict(weights)
        self._points = base.anchors.mean.float()
        self._last = {name: base.model[f"encoder.mean.{name}"].float() for name in ("weight", "bias")}
        self._encoded: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def some(self, count: int, source: torch.Generator) -> tuple[Tensor, Components]:
        """Return random points [count, D] around the points of the base's sounds, and their components."""
        chosen = self._points[torch.randint(len(self._points), (count,), generator=source)]
        near = chosen + SPREAD * torch.randn(chosen.shape, generator=source)
        return near, components_at(self._decoder, near)

    @torch.no_grad()
    def encoded(self, encoder: MBEncoder, look: Callable[[], None]) -> tuple[Tensor, Tensor]:
        """Return the features [N, F] of some of the base's sounds, and the base's points [N, D] for these."""
        if self._encoded is None:
            places = torch.linspace(0, len(self._points) - 1, min(ENCODED, len(self._points))).round().long()
            parts = []
            for some in self._points[places].split(AT_ONCE):
                look()
                parts.append(encoder.features(self._decoder(some)))
            features = torch.cat(parts)
            self._encoded = features, functional.linear(features, **self._last)
        return self._encoded
