"""Training: a run from its start, or from where it was, to its end."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from trainer.config import Config
from trainer.data import splits, targets
from trainer.data.medoids import medoids
from trainer.data.sounds import Progress, Sounds, prepare
from trainer.errors import CheckpointError, DataError, TrainerError
from trainer.losses.objective import Objective
from trainer.models.vae import build
from trainer.run import checkpoint, devices
from trainer.run.checkpoint import BEST, LAST, Checkpoint
from trainer.run.devices import pick_device
from trainer.run.state import State
from trainer.run.steps import Display, batches, make_optimisers, never, rate, train_epoch, update
from trainer.run.validation import criterion, encode_anchors, leave_one_out, nearest_neighbour, validate

__all__ = [
    "Display",
    "State",
    "batches",
    "leave_one_out",
    "nearest_neighbour",
    "pick_device",
    "rate",
    "resume",
    "run",
    "start",
    "update",
]

LOG, CONFIG = "log.jsonl", "config.toml"
FILES = (LAST, BEST, LOG, CONFIG)
"""What a run folder has; the best only where there are validation sounds."""
PERIODIC, TENSORBOARD = "epoch-{}.safetensors", "tensorboard"
"""What it may have beside."""
SAVE_SHARE = 0.05
"""Saving within an epoch never takes more than this part of the time."""


def start(
    config: Config,
    folder: Path,
    progress: Progress | None = None,
    centres: Tensor | None = None,
    fabric: Fabric | None = None,
) -> State:
    """A new run: sounds prepared and split, weights drawn from the seed.

    Args:
        centres: of the clusters that give the classes, where they are known.
        fabric: the devices, launched; None makes those that `config` asks for, in this process.

    Raises:
        TrainerError: where the data or the device cannot be used.
    """
    fabric = fabric or devices.make(config.fit)
    if config.fit.threads:
        torch.set_num_threads(config.fit.threads)
    sounds = prepare(folder, config.model, config.data, progress, centres)
    config = _completed(config, sounds)
    parts = splits.parts(sounds, config.data, config.fit.seed)
    _check_validation(config, parts.validation)
    torch.manual_seed(config.fit.seed)
    model = build(config.model, len(sounds.classes)).to(fabric.device)
    typical = None
    if config.loss.middles:
        typical = sounds.waveforms[medoids(sounds, parts.train, config.model.sample_rate)].to(fabric.device)
    objective: torch.nn.Module = Objective(model, config, typical)
    if config.fit.compile:
        objective = torch.compile(objective)  # type: ignore[assignment]
    return State(
        config=config,
        model=model,
        optimisers=make_optimisers(model, config),
        sounds=sounds,
        folder=folder,
        parts=parts,
        fabric=fabric,
        objective=fabric.setup_module(objective),
        targets=targets.targets_of(sounds, config.model.heads),
    )


def _completed(config: Config, sounds: Sounds) -> Config:
    """The configuration with what the sounds alone can tell: how many classes there are."""
    model = config.model
    hidden = tuple(width or len(sounds.classes) for width in model.classifier_hidden)
    counts = map(len, targets.classes_of(sounds, model.heads))
    heads = [
        dataclasses.asdict(dataclasses.replace(head, classes=count))
        for head, count in zip(model.heads, counts, strict=True)
    ]
    return config.replace("model", classifier_hidden=hidden, heads=heads)


def _check_validation(config: Config, validation: Tensor) -> None:
    if config.fit.patience_epochs and not len(validation):
        raise TrainerError(
            "[fit] patience_epochs stops by the validation sounds, and there are none: "
            f"[data] validation_fraction is {config.data.validation_fraction:g}, or each class has fewer "
            f"than {splits.ENOUGH_GROUPS} groups"
        )


def resume(
    saved: Checkpoint,
    config: Config,
    folder: Path,
    progress: Progress | None = None,
    fabric: Fabric | None = None,
) -> State:
    """The run that `saved` was taken from, ready to go on.

    Args:
        config: the saved one, but for what may change: epochs, devices, threads, how often to save.

    Raises:
        TrainerError: where the checkpoint is not one to resume from, or the sounds are not the same.
    """
    if not saved.optimisers:
        raise CheckpointError(
            f"this checkpoint is not for resuming: it has the model only; resume from {LAST}"
        )
    state = start(config, folder, progress, saved.centres, fabric)
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
        if state.fabric.is_global_zero:
            record |= validate(state)
            record["criterion"] = criterion(state, record)
        record["validation_seconds"] = round(time.perf_counter() - began, 3)
    else:
        state.anchors = None
    record = state.fabric.broadcast(record)
    state.history.append(record)
    return record


def gave_up(state: State) -> bool:
    """Whether the validation loss has not fallen for `patience_epochs`."""
    patience = state.config.fit.patience_epochs
    scores = [
        (record["criterion"], record["epoch"])
        for record in state.history
        if record.get("criterion") is not None
    ]
    if not patience or not scores or scores[-1][1] != state.epoch:
        return False
    return state.epoch - min(scores)[1] >= patience


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
        heads={
            head.name: classes
            for head, classes in zip(
                state.config.model.heads,
                targets.classes_of(state.sounds, state.config.model.heads),
                strict=True,
            )
        },
    )


def write_log(state: State, out: Path) -> None:
    """log.jsonl: one line an epoch."""
    text = "".join(json.dumps(record) + "\n" for record in state.history)
    checkpoint.save_atomically(out / LOG, text.encode())


def clear(out: Path) -> None:
    """Remove what a run has left in its folder, and nothing else."""
    for path in (*(out / name for name in FILES), *out.glob(PERIODIC.format("*"))):
        path.unlink(missing_ok=True)
    shutil.rmtree(out / TENSORBOARD, ignore_errors=True)


def keep_periodic(state: State, out: Path) -> None:
    """A checkpoint of its own every `keep_epochs`; the oldest beyond `keep` go."""
    fit = state.config.fit
    if not fit.keep_epochs or state.epoch % fit.keep_epochs:
        return
    checkpoint.write(out / PERIODIC.format(f"{state.epoch:05}"), snapshot(state))
    for path in sorted(out.glob(PERIODIC.format("*")))[: -fit.keep if fit.keep else 0]:
        path.unlink()


def run(state: State, out: Path, display: Display, stop: Callable[[], bool] = never) -> bool:
    """Train to the end of the last epoch, saving on the way. The first process alone writes.

    Args:
        out: the run folder; it exists.
        stop: looked at between steps; where it becomes true the state is saved and the run ends.

    Returns:
        True where the run came to its end, False where `stop` ended it.
    """
    leads = state.fabric.is_global_zero
    if leads:
        checkpoint.save_atomically(out / CONFIG, state.config.to_toml().encode())
        write_log(state, out)
    saved, cost = time.monotonic(), 0.0

    def save() -> None:
        nonlocal saved, cost
        began = time.monotonic()
        if leads:
            checkpoint.write(out / LAST, snapshot(state))
        saved = time.monotonic()
        cost = saved - began

    def save_if_due() -> None:
        state.anchors = None
        wait = max(60 * state.config.fit.checkpoint_minutes, cost / SAVE_SHARE)
        if state.config.fit.checkpoint_minutes and time.monotonic() - saved > wait:
            save()

    while state.epoch < state.config.fit.epochs and not gave_up(state):
        if state.position < state.steps_per_epoch and not train_epoch(state, display, stop, save_if_due):
            display.note("saving (again to leave without)")
            save()
            return False
        record = finish_epoch(state)
        score = record.get("criterion")
        if score is not None and (state.best is None or score < state.best):
            state.best = score
            if leads:
                checkpoint.write(out / BEST, snapshot(state, resumable=False))
        if "validation" in record:
            save()
        if leads:
            keep_periodic(state, out)
            write_log(state, out)
        display.finished_epoch(record)
    return True
