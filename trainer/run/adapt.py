"""Adapts a model to a few sounds: each has a point of its own, which moves while the decoder learns.

    points, decoder ─► components of the sounds      nothing is encoded or decoded
    points of the base, decoder ─► components of the base there, so that the rest of the space stays as it was
    last layer of the encoder ─► the points, by least squares

So a pass takes a tenth of the time of a pass of `fit`, which encodes varied sounds.
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
from trainer.data import sampling
from trainer.errors import DivergedError
from trainer.losses.components import component_term, components_at
from trainer.models.mb import MBEncoder
from trainer.models.modal import ModalDecoder
from trainer.run import checkpoint, fit
from trainer.run.checkpoint import LAST, Anchors, Checkpoint
from trainer.run.state import State
from trainer.run.steps import Display, never

POINTS = "points"
"""Name of the optimiser."""
RATE, POINT_RATE, DECAY = 3e-3, 1e-2, 1e-3
RISE = 0.05
"""Part of the steps in which the learning rate rises; then it falls to 0 as half a cosine."""
SPREAD = 0.05
"""Standard deviation of the noise around a point, so that its surroundings sound like it."""
NORM = 1e-3
"""Weight of the squared length of the points, which keeps them among those of the base."""
CLASSES = 0.1
"""Weight of the classifier."""
KEPT = 1.0
"""Weight of the components of the base at the points of its own sounds."""
RIDGE, TINY = 0.1, 1e-9
"""Ridge of the least squares: relative to the spread of the features, and its least value."""
SAVE_S = 20.0
"""Time between two checkpoints."""


class Adaptation:
    """A run that adapts a model to its sounds.

    Args:
        state: the run at its start, of the architecture "modal"; `components` are set before `run`.
        base: a model whose sounds stay where they are; None keeps none.
        saved: the checkpoint to continue from; None starts from where the encoder puts the sounds.
    """

    def __init__(self, state: State, base: Checkpoint | None, saved: Checkpoint | None = None) -> None:
        self.state = state
        self._encoder = cast(MBEncoder, state.model.encoder)
        self._decoder = cast(ModalDecoder, state.model.decoder)
        self._kept = None if base is None or not base.anchors.names else _Kept(self._decoder, base)
        self._features = self._heard()
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
        self._place()

    @torch.no_grad()
    def _heard(self) -> Tensor:
        """Return the input of the encoder's last layer for each sound, [N, F]."""
        sounds = self.state.sounds.waveforms[self.state.train]
        return torch.cat([self._encoder.features(part) for part in sounds.split(self.state.at_once)])

    @torch.no_grad()
    def _place(self) -> None:
        """Make the points the anchors, and let the encoder find them.

        The last layer changes by the least squares with which the features of the sounds give the points; the
        ridge keeps the change small, so that other sounds stay about where they were.
        """
        state = self.state
        state.anchors = Anchors(
            tuple(state.sounds.names[i] for i in state.train.tolist()),
            tuple(state.sounds.labels[state.train].tolist()),
            self.points.detach().clone(),
        )
        features, layer = self._features.double(), self._encoder.mean
        missing = self.points.double() - features @ layer.weight.double().T - layer.bias.double()
        middle = features.mean(0)
        centred = features - middle
        gram = centred @ centred.T
        ridge = (RIDGE * gram.diagonal().mean() + TINY) * torch.eye(len(gram), dtype=gram.dtype)
        change = centred.T @ torch.linalg.solve(gram + ridge, missing - missing.mean(0))
        layer.weight.add_(change.T.float())
        layer.bias.add_((missing.mean(0) - middle @ change).float())

    def snapshot(self, *, resumable: bool = True) -> Checkpoint:
        """Return the run as a checkpoint, with the points as its anchors."""
        self._place()
        return fit.snapshot(self.state, resumable=resumable)

    def run(self, out: Path, display: Display, stop: Callable[[], bool] = never) -> bool:
        """Learn to the end of the last pass; return False if `stop` ended it. Saves in the folder `out`."""
        state = self.state
        checkpoint.save_atomically(out / fit.CONFIG, state.config.to_toml().encode())
        due = time.monotonic() + SAVE_S
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
        """Learn every sound once, and write the record of the pass into the history."""
        state, began = self.state, time.perf_counter()
        seed = state.config.fit.seed
        order = sampling.epoch_order(None, torch.arange(len(state.train)), seed, state.epoch)
        sums: dict[str, float] = {}
        for places in order.split(state.config.fit.batch_size):
            terms = self._step(places)
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

    def _step(self, places: Tensor) -> dict[str, float]:
        """Take a step with the sounds at `places` among the training sounds; return the unweighted terms."""
        state = self.state
        assert state.components is not None
        config, sounds = state.config, state.train[places]
        source = sampling.generator(config.fit.seed, "noise", state.step)
        z = self.points[places]
        near = z + SPREAD * torch.randn(z.shape, generator=source)
        terms = {
            "components": component_term(self._decoder, near, state.components[sounds]),
            "norm": z.square().sum(1).mean(),
            "classes": functional.cross_entropy(state.model.classify(near), state.sounds.labels[sounds]),
        }
        loss = terms["components"] + NORM * terms["norm"] + CLASSES * terms["classes"]
        if self._kept is not None:
            known, had = self._kept.some(config.fit.batch_size, source)
            terms["kept"] = component_term(self._decoder, known, had)
            loss = loss + KEPT * terms["kept"]
        found = {name: term.item() for name, term in terms.items()}
        if not all(map(math.isfinite, found.values())):
            raise DivergedError(
                f"the loss is not finite at step {state.step}: the last checkpoint is from before"
            )
        factor = self._factor()
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
    """The components of a base at the points of its sounds."""

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

    @torch.no_grad()
    def some(self, count: int, source: torch.Generator) -> tuple[Tensor, Components]:
        """Return random points [count, D] around those of the sounds, and their components."""
        chosen = self._points[torch.randint(len(self._points), (count,), generator=source)]
        near = chosen + SPREAD * torch.randn(chosen.shape, generator=source)
        return near, components_at(self._decoder, near)
