"""Training: one State, and the functions that move it on."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from trainer import checkpoint, losses, sampling
from trainer.checkpoint import BEST, LAST, Anchors, Checkpoint
from trainer.config import Config
from trainer.data import Progress, Sounds, prepare
from trainer.errors import CheckpointError, DataError, DivergedError, TrainerError
from trainer.models import VAE, build
from trainer.sampling import Batch

LOG, CONFIG = "log.jsonl", "config.toml"
FILES = (LAST, BEST, LOG, CONFIG)
"""What a run folder has."""
SAVE_SHARE = 0.05
"""Saving within an epoch never takes more than this part of the time."""


class Display(Protocol):
    """What is shown while a run goes on."""

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """A step was taken; losses are unweighted, by name."""

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """An epoch was finished; `record` is its line of the log."""

    def note(self, text: str) -> None:
        """One line for the user."""


@dataclass
class State:
    """A run at the end of a step. What is saved of it is all that it needs to go on."""

    config: Config
    model: VAE
    optimisers: dict[str, torch.optim.Optimizer]
    sounds: Sounds
    folder: Path
    train: Tensor
    held_out: Tensor
    device: torch.device
    epoch: int = 0
    position: int = 0
    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    best: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    anchors: Anchors | None = None

    @property
    def steps_per_epoch(self) -> int:
        """The last batch of an epoch may be smaller."""
        return math.ceil(len(self.train) / self.config.fit.batch_size)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.config.fit.epochs


def pick_device(name: str) -> torch.device:
    """ "auto" is the GPU where there is one.

    Raises:
        TrainerError: where a GPU is asked for and not there.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise TrainerError(
            "device cuda: PyTorch finds no CUDA device on this machine; use --device cpu or auto"
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and there) else "cpu")


def start(
    config: Config, folder: Path, progress: Progress | None = None, centres: Tensor | None = None
) -> State:
    """A new run: sounds prepared and split, weights drawn from the seed.

    Args:
        centres: of the clusters that give the classes, where they are known.

    Raises:
        TrainerError: where the data or the device cannot be used.
    """
    device = pick_device(config.fit.device)
    if config.fit.threads:
        torch.set_num_threads(config.fit.threads)
    sounds = prepare(folder, config.model, config.data, progress, centres)
    hidden = tuple(width or len(sounds.classes) for width in config.model.classifier_hidden)
    config = config.replace("model", classifier_hidden=hidden)
    train, held_out = sampling.split(sounds, config.data.test_fraction, config.fit.seed)
    torch.manual_seed(config.fit.seed)
    try:
        model = build(config.model, len(sounds.classes)).to(device)
    except ValueError as error:
        raise TrainerError(str(error)) from None
    return State(config, model, make_optimisers(model, config), sounds, folder, train, held_out, device)


def resume(saved: Checkpoint, config: Config, folder: Path, progress: Progress | None = None) -> State:
    """The run that `saved` was taken from, ready to go on.

    Args:
        config: the saved one, but for what may change: epochs, device, threads, how often to save.

    Raises:
        TrainerError: where the checkpoint is not one to resume from, or the sounds are not the same.
    """
    if not saved.optimisers:
        raise CheckpointError(
            f"this checkpoint is not for resuming: it has the model only; resume from {LAST}"
        )
    state = start(config, folder, progress, saved.centres)
    if state.sounds.digest != saved.data.get("digest"):
        raise DataError(
            f"{folder}: its sounds are not those of this run any more "
            f"({len(saved.anchors.names)} to train on then, {len(state.train)} now)"
        )
    try:
        state.model.load_state_dict(saved.model)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit the model: {str(error).splitlines()[0]}") from None
    for name, optimiser in state.optimisers.items():
        checkpoint.restore(optimiser, saved.optimisers[name])
    for name in ("epoch", "position", "step", "totals", "seconds", "best", "history", "anchors"):
        setattr(state, name, getattr(saved, name))
    return state


def make_optimisers(model: VAE, config: Config) -> dict[str, torch.optim.Optimizer]:
    """ "joint" alone, or "variational" (encoder, decoder) and "classification" (encoder, classifier)."""
    optim = config.optim
    autoencoder = [*model.encoder.parameters(), *model.decoder.parameters()]

    def make(*groups: tuple[list[torch.nn.Parameter], float]) -> torch.optim.Optimizer:
        tables = [{"params": parameters, "lr": lr, "base_lr": lr} for parameters, lr in groups]
        if optim.algorithm == "adamw":
            return torch.optim.AdamW(tables, weight_decay=optim.weight_decay)
        return torch.optim.Adam(tables)

    classifier = list(model.classifier.parameters())
    if optim.update == "joint":
        return {"joint": make((autoencoder, optim.lr), (classifier, optim.classification_lr))}
    found = {"variational": make((autoencoder, optim.lr))}
    if config.loss.classification:
        both = [*model.encoder.parameters(), *classifier]
        found["classification"] = make((both, optim.classification_lr))
    return found


def rate(config: Config, step: int, steps: int) -> float:
    """The factor of the learning rates at a step: 1, or a linear rise and a half cosine to (almost) 0."""
    if config.optim.schedule == "constant":
        return 1.0
    rise = max(1.0, config.optim.warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1.0, steps - rise))))


def update(state: State, batch: Batch, stop: Callable[[], bool]) -> dict[str, float] | None:
    """One iteration: a joint step, or a variational step and then a classification step (section 3.2).

    Returns:
        The unweighted losses by name; None where `stop` became true before any weight moved.

    Raises:
        DivergedError: where a loss is not finite; nothing is saved.
    """
    config, model = state.config, state.model
    weight = losses.weights(config.loss, state.epoch)
    shape = (len(batch), config.model.latent_dim)
    noise = sampling.generator(config.fit.seed, "noise", state.step)
    first, second = (torch.randn(shape, generator=noise).to(state.device) for _ in range(2))

    def variational(part: Batch, eps: Tensor) -> losses.Terms:
        return losses.variational_terms(model(part.heard, eps), part.waveform, config.loss)

    def classification(part: Batch, eps: Tensor) -> losses.Terms:
        mean, log_var = model.encode(part.heard)
        return losses.classification_terms(model.classify(mean + torch.exp(0.5 * log_var) * eps), part.label)

    def joint(part: Batch, eps: Tensor) -> losses.Terms:
        output = model(part.heard, eps)
        terms = losses.variational_terms(output, part.waveform, config.loss)
        if config.loss.classification:
            terms |= losses.classification_terms(output.logits, part.label)
        return terms

    if config.optim.update == "joint":
        return _descend(state, "joint", joint, batch, first, weight, stop)
    values = _descend(state, "variational", variational, batch, first, weight, stop)
    if values is not None and config.loss.classification:
        values |= (
            _descend(state, "classification", classification, batch, second, weight, lambda: False) or {}
        )
    return values


def _descend(
    state: State,
    name: str,
    terms_of: Callable[[Batch, Tensor], losses.Terms],
    batch: Batch,
    eps: Tensor,
    weight: dict[str, float],
    stop: Callable[[], bool],
) -> dict[str, float] | None:
    """One step of one optimiser on the mean over the batch, a few sounds in memory at a time."""
    optimiser, at_once = state.optimisers[name], state.config.fit.micro_batch
    optimiser.zero_grad(set_to_none=True)
    values: dict[str, float] = {}
    for first in range(0, len(batch), at_once):
        if stop():
            return None
        rows = slice(first, first + at_once)
        part = batch[rows]
        share = len(part) / len(batch)
        terms = terms_of(part, eps[rows])
        (losses.total(terms, weight) * share).backward()
        for term, value in terms.items():
            values[term] = values.get(term, 0.0) + share * value.item()
    bad = [term for term, value in values.items() if not math.isfinite(value)]
    if bad:
        raise DivergedError(
            f"the {bad[0]} loss is {values[bad[0]]} at step {state.step}: lower [optim] lr; "
            "the last checkpoint is from before"
        )
    factor = rate(state.config, state.step, state.steps)
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor
    if state.config.optim.clip_norm:
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, state.config.optim.clip_norm)
    optimiser.step()
    return values


def batches(state: State) -> Iterator[Batch]:
    """The batches of the epoch under way that are still to come."""
    config = state.config
    strata = sampling.strata(state.sounds, state.train, config.data.balance)
    order = sampling.epoch_order(strata, state.train, config.fit.seed, state.epoch)
    shift = round(config.data.shift_ms * config.model.sample_rate / 1000)
    for indices in order.split(config.fit.batch_size)[state.position :]:
        source = sampling.generator(config.fit.seed, "shift", state.step)
        yield sampling.batch(state.sounds, indices, shift, source).to(state.device)


def train_epoch(
    state: State, display: Display, stop: Callable[[], bool], every_step: Callable[[], None] = lambda: None
) -> bool:
    """The rest of the epoch under way.

    Returns:
        True where it was finished, False where `stop` became true.
    """
    state.model.train()
    for batch in batches(state):
        began = time.perf_counter()
        values = update(state, batch, stop)
        if values is None:
            return False
        for name, value in values.items():
            state.totals[name] = state.totals.get(name, 0.0) + value * len(batch)
        state.step += 1
        state.position += 1
        state.seconds += time.perf_counter() - began
        display.stepped(state, values)
        every_step()
    return True


@torch.no_grad()
def encode(state: State, indices: Tensor) -> Tensor:
    """The means [N, D], on the CPU, of some of the sounds."""
    parts = indices.split(state.config.fit.micro_batch)
    found = [state.model.encode(state.sounds.waveforms[part].to(state.device))[0].cpu() for part in parts]
    return torch.cat(found) if found else torch.empty(0, state.config.model.latent_dim)


def encode_anchors(state: State) -> Anchors:
    """Every training sound, encoded by the model as it is now."""
    state.model.eval()
    names = tuple(state.sounds.names[i] for i in state.train.tolist())
    return Anchors(names, tuple(state.sounds.labels[state.train].tolist()), encode(state, state.train))


def nearest_neighbour(known: Tensor, labels: Tensor, points: Tensor, truth: Tensor) -> float:
    """Part of the points [M, D] whose nearest of the known [N, D] has their label (section 4)."""
    nearest = torch.cdist(points, known).argmin(1)
    return (labels[nearest] == truth).double().mean().item()


def leave_one_out(points: Tensor, labels: Tensor) -> float:
    """Part of the points [N, D] whose nearest other point has their label."""
    if len(points) < 2:
        return 0.0
    nearest = torch.cdist(points, points).fill_diagonal_(math.inf).argmin(1)
    return (labels[nearest] == labels).double().mean().item()


@torch.no_grad()
def validate(state: State) -> dict[str, Any]:
    """Measure the model as it is now, and encode the anchors.

    Returns:
        "held_out": the losses by name on the held-out sounds at z = mean ({} where there are none);
        "nearest_neighbour": 1-NN accuracy, training -> held-out sounds (else None);
        "leave_one_out": 1-NN accuracy within the training sounds.
    """
    state.anchors = encode_anchors(state)
    config, known, labels = state.config, state.anchors.mean, torch.tensor(state.anchors.labels)
    found: dict[str, Any] = {
        "held_out": {},
        "nearest_neighbour": None,
        "leave_one_out": leave_one_out(known, labels),
    }
    if not len(state.held_out):
        return found
    values: dict[str, float] = {}
    means = []
    for indices in state.held_out.split(config.fit.micro_batch):
        part = sampling.batch(state.sounds, indices).to(state.device)
        output = state.model(part.heard)
        terms = losses.variational_terms(output, part.waveform, config.loss)
        terms |= losses.classification_terms(output.logits, part.label)
        means.append(output.mean.cpu())
        for name, term in terms.items():
            values[name] = values.get(name, 0.0) + term.item() * len(part) / len(state.held_out)
    truth = state.sounds.labels[state.held_out]
    found["held_out"] = values
    found["nearest_neighbour"] = nearest_neighbour(known, labels, torch.cat(means), truth)
    return found


def finish_epoch(state: State) -> dict[str, Any]:
    """Count the epoch that was trained, validate where it is due, and return its record for the log."""
    fit = state.config.fit
    means = {name: value / len(state.train) for name, value in state.totals.items()}
    record = {
        "epoch": state.epoch + 1,
        "step": state.step,
        "train": means,
        "seconds": round(state.seconds, 3),
    }
    record["rate"] = rate(state.config, state.step - 1, state.steps)
    state.epoch, state.position, state.totals, state.seconds = state.epoch + 1, 0, {}, 0.0
    if state.epoch % fit.validate_epochs == 0 or state.epoch >= fit.epochs:
        began = time.perf_counter()
        record |= validate(state)
        record["validation_seconds"] = round(time.perf_counter() - began, 3)
    else:
        state.anchors = None
    state.history.append(record)
    return record


def criterion(state: State, record: dict[str, Any]) -> float | None:
    """What the best checkpoint has least of: the weighted held-out loss, else the training loss."""
    if "held_out" not in record:
        return None
    values = record["held_out"] or record["train"]
    weight = losses.weights(dataclasses.replace(state.config.loss, kl_warmup_epochs=0), state.epoch)
    return sum(weight[name] * value for name, value in values.items())


def snapshot(state: State, *, resumable: bool = True) -> Checkpoint:
    """The state as a checkpoint; the anchors are encoded where they are not of this model."""
    if state.anchors is None:
        state.anchors = encode_anchors(state)
    return Checkpoint(
        config=state.config,
        model=dict(state.model.state_dict()),
        classes=state.sounds.classes,
        anchors=state.anchors,
        licence=state.sounds.licence,
        credits=state.sounds.credits,
        epoch=state.epoch,
        position=state.position,
        step=state.step,
        totals=state.totals,
        seconds=state.seconds,
        best=state.best,
        history=state.history,
        data={"folder": str(state.folder.resolve()), "digest": state.sounds.digest},
        optimisers={name: optimiser.state_dict() for name, optimiser in state.optimisers.items()}
        if resumable
        else {},
        centres=state.sounds.centres,
    )


def write_log(state: State, out: Path) -> None:
    """log.jsonl: one line an epoch."""
    text = "".join(json.dumps(record) + "\n" for record in state.history)
    checkpoint.save_atomically(out / LOG, text.encode())


def run(state: State, out: Path, display: Display, stop: Callable[[], bool] = lambda: False) -> bool:
    """Train to the end of the last epoch, saving on the way.

    Args:
        out: the run folder; it exists.
        stop: looked at between steps; where it becomes true the state is saved and the run ends.

    Returns:
        True where all epochs were trained, False where `stop` ended them.
    """
    checkpoint.save_atomically(out / CONFIG, state.config.to_toml().encode())
    write_log(state, out)
    saved, cost = time.monotonic(), 0.0

    def save() -> None:
        nonlocal saved, cost
        began = time.monotonic()
        checkpoint.write(out / LAST, snapshot(state))
        saved = time.monotonic()
        cost = saved - began

    def save_if_due() -> None:
        state.anchors = None
        wait = max(60 * state.config.fit.checkpoint_minutes, cost / SAVE_SHARE)
        if state.config.fit.checkpoint_minutes and time.monotonic() - saved > wait:
            save()

    while state.epoch < state.config.fit.epochs:
        if state.position < state.steps_per_epoch and not train_epoch(state, display, stop, save_if_due):
            display.note("saving (again to leave without)")
            save()
            return False
        record = finish_epoch(state)
        score = criterion(state, record)
        if score is not None:
            if state.best is None or score < state.best:
                state.best = score
                checkpoint.write(out / BEST, snapshot(state, resumable=False))
            save()
        write_log(state, out)
        display.finished_epoch(record)
    return True
