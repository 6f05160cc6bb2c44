"""Makes the optimisers, and takes training steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from trainer.config import Config
from trainer.data import sampling
from trainer.data.sampling import Batch
from trainer.errors import DivergedError
from trainer.losses.objective import CLASSIFICATION, JOINT, VARIATIONAL
from trainer.losses.terms import total, weights
from trainer.models.vae import VAE
from trainer.run import copies
from trainer.run.devices import summed
from trainer.run.draws import drawn
from trainer.run.muon import Muon, matrices, split
from trainer.run.parts import cut
from trainer.run.state import State


class Display(Protocol):
    """Shows the progress of a run."""

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Show a step; the losses are unweighted, by name."""

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Show the end of an epoch; `record` is the line of the log for the epoch."""

    def note(self, text: str) -> None:
        """Show one line of text."""


def make_optimisers(model: VAE, config: Config) -> dict[str, torch.optim.Optimizer]:
    """Make the optimisers by name: "joint", or "variational" and "classification"."""
    optim = config.optim
    autoencoder = [*model.encoder.parameters(), *model.decoder.parameters()]

    def make(*groups: tuple[list[torch.nn.Parameter], float]) -> torch.optim.Optimizer:
        tables: list[dict[str, Any]] = [
            {"params": parameters, "lr": lr, "base_lr": lr} for parameters, lr in groups
        ]
        if optim.algorithm == "muon":
            return Muon(split(tables, matrices(model.encoder, model.decoder)))
        if optim.algorithm == "adamw":
            return torch.optim.AdamW(tables, weight_decay=optim.weight_decay)
        return torch.optim.Adam(tables)

    classifier = list(model.classifier.parameters())
    if optim.update == "joint":
        return {JOINT: make((autoencoder, optim.lr), (classifier, optim.classification_lr))}
    found = {VARIATIONAL: make((autoencoder, optim.lr))}
    if config.loss.classification:
        both = [*model.encoder.parameters(), *classifier]
        found[CLASSIFICATION] = make((both, optim.classification_lr))
    return found


def rate(config: Config, step: int, steps: int) -> float:
    """Return the factor for the learning rates at a step: 1, or a linear rise and then half a cosine to 0."""
    if config.optim.schedule == "constant":
        return 1.0
    rise = max(1.0, config.optim.warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1.0, steps - rise))))


def update(state: State, batch: Batch, stop: Callable[[], bool]) -> dict[str, float] | None:
    """Take a joint step, or a variational and then a classification step (Lionello and Purwins, section 3.2).

    Args:
        batch: the batch of all processes; each process takes its part.

    Returns:
        The unweighted losses by name; None if `stop` returned True before any weight changed.

    Raises:
        DivergedError: if a loss is not finite.
    """
    config = state.config
    if state.fabric.world_size > 1:  # all processes stop at the same step
        if summed(state.fabric, torch.tensor(float(stop()))) > 0:
            return None
        stop = never
    weight = weights(config.loss, state.epoch, config.model.heads)
    shape = (len(batch), config.model.latent_dim)
    noise = sampling.generator(config.fit.seed, "noise", state.step)
    first, second = (torch.randn(shape, generator=noise).to(state.device) for _ in range(2))
    torch.manual_seed(noise.initial_seed())  # for dropout, to make a resumed run repeat the draws
    if config.optim.update == "joint":
        return _descend(state, JOINT, batch, first, weight, stop)
    shifted = batch
    if config.data.shift_steps == CLASSIFICATION:
        batch = replace(batch, encoder_input=batch.waveform)
    values = _descend(state, VARIATIONAL, batch, first, weight, stop)
    if values is not None and config.loss.classification:
        values |= _descend(state, CLASSIFICATION, shifted, second, weight, never) or {}
    return values


def never() -> bool:
    """Return False: do not stop."""
    return False


def _descend(
    state: State,
    name: str,
    batch: Batch,
    eps: Tensor,
    weight: dict[str, float],
    stop: Callable[[], bool],
) -> dict[str, float] | None:
    """Take a step of one optimiser on the mean loss of the batch, with a few sounds in memory at a time.

    Class centres and pairs of sounds are chosen before the batch is cut into parts, to make the loss
    independent of the number of sounds in memory at once and of the number of processes.
    """
    optimiser, fabric = state.optimisers[name], state.fabric
    optimiser.zero_grad(set_to_none=True)
    targets = state.targets[batch.index.cpu()].to(state.device)
    decodes = name != CLASSIFICATION
    prototypes = _updated(state, batch, targets[:, 0]) if decodes and state.config.loss.prototypes else {}
    prototype = prototypes["prototypes"][targets[::2, 0]] if prototypes else None
    pairs = decodes and (state.config.loss.morph or state.config.loss.loudness)
    between = positions(len(batch), state.device) if pairs else None
    values: dict[str, float] = {}
    paired = prototype is not None or between is not None
    at_once = state.at_once if batch.measured is None else len(batch)
    parts = list(cut(len(batch), at_once, paired, fabric.global_rank, fabric.world_size))
    for part in parts:
        if stop():
            return None
        rows, local = part.rows, batch[part.rows]
        with fabric.no_backward_sync(state.objective, enabled=part is not parts[-1]):
            terms = state.objective(
                name,
                local.waveform,
                local.input,
                targets[rows],
                eps[rows],
                None if prototype is None else prototype[part.prototypes],
                None if between is None else between[part.pairs],
                local.components,
                None if state.points is None else state.points[local.index[len(local) - local.own :]],
            )
            terms = {term: value * part.share(term) for term, value in terms.items()}
            fabric.backward(total(terms, weight) * fabric.world_size)  # DDP averages over processes
        for term, value in terms.items():
            values[term] = values.get(term, 0.0) + value.item()
    everywhere = summed(fabric, torch.tensor(list(values.values()), dtype=torch.float64))
    values = dict(zip(values, everywhere.tolist(), strict=True))
    _check_finite(values, state.step)
    _move(state, optimiser)
    if prototypes:
        state.model.load_state_dict(prototypes, strict=False)
    return values


def _check_finite(values: dict[str, float], step: int) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergedError(
                f"the {name} loss is {value} at step {step}: lower [optim] lr; "
                "the last checkpoint is from an earlier step"
            )


def _move(state: State, optimiser: torch.optim.Optimizer) -> None:
    """Clip the gradient and take the step, at the scheduled learning rate."""
    optim, factor = state.config.optim, rate(state.config, state.step, state.steps)
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor
    if optim.clip_norm:
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, optim.clip_norm)
    optimiser.step()


@torch.no_grad()
def _updated(state: State, batch: Batch, label: Tensor) -> dict[str, Tensor]:
    """Return the prototypes (running mean points of classes), updated by the batch of all processes."""
    means = [state.model.encode(part)[0] for part in batch.encoder_input.split(state.at_once)]
    return state.model.updated(torch.cat(means), label)


def positions(size: int, device: torch.device) -> Tensor:
    """Return a position between the sounds of each pair of a batch, [size // 2], spread over 0 to 1."""
    pairs = size // 2
    return (torch.arange(pairs, device=device) + 0.5) / max(1, pairs)


def batches(state: State) -> Iterator[Batch]:
    """Yield the remaining batches of the current epoch."""
    measured = state.config.data.copies > 0
    for batch in copies.batches(state) if measured else drawn(state, state.epoch, state.position):
        yield batch.to(state.device)


def train_epoch(
    state: State, display: Display, stop: Callable[[], bool], every_step: Callable[[], None] = lambda: None
) -> bool:
    """Train the rest of the current epoch.

    Returns:
        True if the epoch was finished, False if `stop` ended the epoch.
    """
    state.model.train()
    for batch in batches(state):
        began = time.perf_counter()
        values = update(state, batch, stop)
        if values is None:
            return False
        for name, value in values.items():
            state.totals[name] = state.totals.get(name, 0.0) + value * (len(batch) - batch.own)
        state.step += 1
        state.position += 1
        state.seconds += time.perf_counter() - began
        display.stepped(state, values)
        every_step()
    return True
