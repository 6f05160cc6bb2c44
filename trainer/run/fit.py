"""Starts or resumes a training run, and trains to the end of the run."""

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

from trainer.architectures import ARCHITECTURES
from trainer.components.analysis import analyse
from trainer.config import Config
from trainer.data import alignment, splits, targets
from trainer.data.medoids import medoids
from trainer.data.sounds import Progress, Sounds, prepare
from trainer.errors import CheckpointError, DataError, TrainerError
from trainer.losses.objective import Objective
from trainer.models.vae import build
from trainer.run import checkpoint, copies, devices
from trainer.run.base import adopt
from trainer.run.checkpoint import BEST, LAST, Checkpoint
from trainer.run.state import State
from trainer.run.steps import Display, make_optimisers, never, rate, train_epoch
from trainer.run.validation import criterion, encode_anchors, validate

LOG, CONFIG = "log.jsonl", "config.toml"
FILES = (LAST, BEST, LOG, CONFIG)
"""Files of a run folder; the best checkpoint exists only if there are validation sounds."""
COMPONENTS = "components.safetensors"
"""File in which `trainer play` keeps the components of the sounds; replacing the run does not delete it."""
PERIODIC, TENSORBOARD, ALIGNMENT = "epoch-{}.safetensors", "tensorboard", "alignment.csv"
"""Optional contents of a run folder."""
SAVE_SHARE = 0.05
"""Largest fraction of the time that saving within an epoch takes."""


def start(
    config: Config,
    folder: Path,
    progress: Progress | None = None,
    centres: Tensor | None = None,
    fabric: Fabric | None = None,
    base: Checkpoint | None = None,
    analysed: bool = True,
) -> State:
    """Start a run: prepare and split the sounds, and initialise the weights from the seed or from a base.

    Args:
        centres: known centres of the clusters that give the classes; None finds the centres, if needed.
        fabric: the launched Lightning Fabric; None makes one from `config`, and starts no other process.
        base: a trained model of the same shape, whose weights the run starts from; None draws the initial
            weights from the seed.
        analysed: analyse the sounds if the architecture learns their components; with False, the caller must
            call `analyse_sounds` before training.

    Raises:
        TrainerError: if the data or the device cannot be used.
    """
    fabric = fabric or devices.make(config.fit)
    if config.fit.threads:
        torch.set_num_threads(config.fit.threads)
    sounds = prepare(folder, config.model, config.data, progress, centres)
    config = _completed(config, sounds)
    parts = splits.parts(sounds, config.data, config.fit.seed)
    sounds = alignment.aligned(sounds, parts.train, config.model.length)
    _check_validation(config, parts.validation)
    torch.manual_seed(config.fit.seed)
    model = build(config.model, len(sounds.classes)).to(fabric.device)
    if base is not None:
        sounds = _credited(sounds, base)
        adopt(model, base)
    typical = None
    if config.loss.prototypes:
        typical = sounds.waveforms[medoids(sounds, parts.train, config.model.sample_rate)].to(fabric.device)
    objective: torch.nn.Module = Objective(model, config, typical)
    if config.fit.compile:
        objective = torch.compile(objective)  # type: ignore[assignment]
    state = State(
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
    if analysed:
        analyse_sounds(state, progress)
        if config.loss.points:
            copies.give_points(state)
    return state


def analyse_sounds(state: State, progress: Progress | None = None) -> None:
    """Find the components of the sounds, and the parts of the free oscillators, if the model needs these."""
    if ARCHITECTURES[state.config.model.architecture].learns_components:
        state.components, state.bodies = analyse(state.sounds.waveforms, state.config.model, progress)


def _credited(sounds: Sounds, base: Checkpoint) -> Sounds:
    """Add the licence and the credits of the base, because the model starts from the weights of the base."""
    licences = {*sounds.licence.split("; "), *base.licence.split("; ")}
    credits = {*sounds.credits, *base.credits}
    return dataclasses.replace(sounds, licence="; ".join(sorted(licences)), credits=tuple(sorted(credits)))


def _completed(config: Config, sounds: Sounds) -> Config:
    """Fill in the numbers of classes, which depend on the sounds."""
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
            "[fit] patience_epochs needs validation sounds, and there are none: "
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
    """Return the run that a checkpoint contains, ready to continue.

    Args:
        config: the saved configuration; only the keys in `trainer.commands.fit.RESUMABLE` may differ.

    Raises:
        TrainerError: if the checkpoint cannot be resumed, or the sounds have changed.
    """
    if not saved.optimisers:
        raise CheckpointError(f"this checkpoint cannot be resumed: it has only the model; resume from {LAST}")
    state = restored(saved, config, folder, progress, fabric)
    if saved.optimisers.keys() != state.optimisers.keys():
        raise CheckpointError("this is a run of `trainer play`; only that command continues it")
    if config.loss.points:
        copies.give_points(state, saved.anchors.mean)
    for name, optimiser in state.optimisers.items():
        checkpoint.restore(optimiser, saved.optimisers[name])
    analyse_sounds(state, progress)
    return state


def restored(
    saved: Checkpoint,
    config: Config,
    folder: Path,
    progress: Progress | None = None,
    fabric: Fabric | None = None,
) -> State:
    """Return the run that a checkpoint contains, without the optimisers and the components of the sounds.

    Raises:
        TrainerError: if the sounds have changed, or the weights do not fit the model.
    """
    state = start(config, folder, progress, saved.centres, fabric, analysed=False)
    if state.sounds.digest != saved.data.get("digest"):
        raise DataError(
            f"{folder}: its sounds are no longer those of this run "
            f"({len(saved.anchors.names)} training sounds then, {len(state.train)} now)"
        )
    checkpoint.fill(state.model, saved)
    state.sounds = dataclasses.replace(state.sounds, licence=saved.licence, credits=saved.credits)
    for name in ("epoch", "position", "step", "totals", "seconds", "best", "history", "anchors"):
        setattr(state, name, getattr(saved, name))
    return state


def finish_epoch(state: State) -> dict[str, Any]:
    """End the epoch, validate the model if that is due, and return the record of the epoch for the log."""
    fit = state.config.fit
    means = {name: value / state.passes for name, value in state.totals.items()}
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


def out_of_patience(state: State) -> bool:
    """Return True if the validation loss has not fallen for `patience_epochs` epochs."""
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
    """Return the state as a checkpoint; first encode the training sounds if the model has changed."""
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
    """Write log.jsonl, one line for each epoch."""
    text = "".join(json.dumps(record) + "\n" for record in state.history)
    checkpoint.save_atomically(out / LOG, text.encode())


def clear(out: Path) -> None:
    """Remove the files of a run from its folder, and no others."""
    for path in (*(out / name for name in (*FILES, ALIGNMENT)), *out.glob(PERIODIC.format("*"))):
        path.unlink(missing_ok=True)
    shutil.rmtree(out / TENSORBOARD, ignore_errors=True)


def keep_periodic(state: State, out: Path) -> None:
    """Write a numbered checkpoint every `keep_epochs` epochs; delete all but the newest `keep`, if not 0."""
    fit = state.config.fit
    if not fit.keep_epochs or state.epoch % fit.keep_epochs:
        return
    checkpoint.write(out / PERIODIC.format(f"{state.epoch:05}"), snapshot(state))
    for path in sorted(out.glob(PERIODIC.format("*")))[: -fit.keep if fit.keep else 0]:
        path.unlink()


def run(state: State, out: Path, display: Display, stop: Callable[[], bool] = never) -> bool:
    """Train to the end of the last epoch, saving regularly. Only the first process writes files.

    Args:
        out: the run folder, which exists.
        stop: called between steps; once it returns True, the state is saved and the run ends.

    Returns:
        True if the run was finished, False if `stop` ended the run.
    """
    is_first = state.fabric.is_global_zero
    if is_first:
        checkpoint.save_atomically(out / CONFIG, state.config.to_toml().encode())
        write_log(state, out)
        if state.sounds.cuts:
            checkpoint.save_atomically(out / ALIGNMENT, alignment.as_csv(state.sounds).encode())
    saved, cost = time.monotonic(), 0.0

    def save() -> None:
        nonlocal saved, cost
        began = time.monotonic()
        if is_first:
            checkpoint.write(out / LAST, snapshot(state))
        saved = time.monotonic()
        cost = saved - began

    def save_if_due() -> None:
        state.anchors = None
        wait = max(60 * state.config.fit.checkpoint_minutes, cost / SAVE_SHARE)
        if state.config.fit.checkpoint_minutes and time.monotonic() - saved > wait:
            save()

    while state.epoch < state.config.fit.epochs and not out_of_patience(state):
        if state.position < state.steps_per_epoch and not train_epoch(state, display, stop, save_if_due):
            display.note("saving (interrupt again to quit without saving)")
            save()
            return False
        record = finish_epoch(state)
        score = record.get("criterion")
        if score is not None and (state.best is None or score < state.best):
            state.best = score
            if is_first:
                checkpoint.write(out / BEST, snapshot(state, resumable=False))
        if "validation" in record:
            save()
        if is_first:
            keep_periodic(state, out)
            write_log(state, out)
        display.finished_epoch(record)
    return True
