"""Reads and writes checkpoints. One safetensors file, without pickles, restores the model and the run.

Tensors are named `model/…`, `anchors/mean`, `labels/centres` and `optimiser/<name>/<parameter>/<key>`;
everything else is JSON in the file's metadata, with a checksum of tensors and JSON. A file is written under a
temporary name, flushed to the disk and renamed, to ensure that a complete checkpoint exists at any moment.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from trainer.config import Config
from trainer.errors import CheckpointError, ConfigError

SCHEMA_VERSION = 1
KEY, CHECKSUM = "soundmorph.checkpoint", "soundmorph.sha256"
MAX_COUNT = 2**53  # the maximum number of epochs or steps
LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Anchors:
    """The anchors: the point of every training sound in the latent space of the checkpoint's model.

    Attributes:
        names: unique name of each sound.
        labels: index of the class of each sound.
        mean: float32 [N, D], the encoder's mean for each sound, or the sound's own point.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    mean: Tensor


@dataclass(frozen=True)
class Checkpoint:
    """A model in training, at the end of a step.

    Attributes:
        config: the complete configuration of the run.
        model: the weights by name.
        classes: names of the classes.
        anchors: the points of the training sounds in latent space.
        licence: licences of the sounds, separated by "; ".
        credits: one line for each source of sounds.
        epoch: number of finished epochs.
        position: number of steps done in the current epoch.
        step: number of steps done in total.
        totals: sums of the losses over the current epoch, by name.
        seconds: time spent in the current epoch, in seconds.
        best: lowest validation loss so far.
        history: the records of log.jsonl.
        data: folder of the sounds, and the digest of the prepared sounds.
        optimisers: state dictionaries by name; empty if the checkpoint cannot be resumed.
        centres: centres of the clusters, as in `Sounds`; the nearest centre gives the class of any other
            sound.
        heads: class names of each head (classifier) in [[model.heads]], by the name of the head.
    """

    config: Config
    model: dict[str, Tensor]
    classes: tuple[str, ...]
    anchors: Anchors
    licence: str
    credits: tuple[str, ...]
    epoch: int = 0
    position: int = 0
    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    best: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)
    optimisers: dict[str, dict[str, Any]] = field(default_factory=dict)
    centres: Tensor | None = None
    heads: dict[str, tuple[str, ...]] = field(default_factory=dict)


_PLAIN = ("epoch", "position", "step", "totals", "seconds", "best", "history", "data", "licence")


def save_atomically(path: Path, content: bytes) -> None:
    """Replace the content of a file; at any moment, the complete old or the complete new file exists."""
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Save a checkpoint atomically."""
    tensors = {f"model/{name}": tensor for name, tensor in checkpoint.model.items()}
    tensors["anchors/mean"] = checkpoint.anchors.mean
    if checkpoint.centres is not None:
        tensors["labels/centres"] = checkpoint.centres
    groups: dict[str, Any] = {}
    for name, state in checkpoint.optimisers.items():
        groups[name] = state["param_groups"]
        for parameter, values in state["state"].items():
            tensors |= {f"optimiser/{name}/{parameter}/{key}": value for key, value in values.items()}
    facts = {
        "schema_version": SCHEMA_VERSION,
        "config": checkpoint.config.to_toml(),
        "classes": checkpoint.classes,
        "credits": checkpoint.credits,
        "heads": checkpoint.heads,
        "anchors": {"names": checkpoint.anchors.names, "labels": checkpoint.anchors.labels},
        "optimisers": groups,
        **{key: getattr(checkpoint, key) for key in _PLAIN},
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    save_atomically(path, save(plain, metadata={KEY: text, CHECKSUM: checksum(text, plain)}))


def checksum(facts: str, tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256, in hex, of the facts, and of the tensors with their names, types and shapes."""
    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load(path: Path | str) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: a file, or a run folder, whose last checkpoint is read.

    Raises:
        CheckpointError: if the checkpoint is missing or damaged, or has a different version.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / LAST).exists():
            raise CheckpointError(f"{path}: no checkpoint in it (looked for {LAST})")
        path = path / LAST
    if not path.is_file():
        raise CheckpointError(f"{path}: no such run folder or checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path}: damaged, or not a checkpoint ({_line(error)})") from None
    if KEY not in metadata:
        raise CheckpointError(f"{path}: a safetensors file, but not a checkpoint of this trainer")
    try:
        facts = json.loads(metadata[KEY])
        if facts["schema_version"] != SCHEMA_VERSION:
            version = str(facts["schema_version"])[:20]
            raise CheckpointError(
                f"{path}: has schema version {version}; this trainer reads {SCHEMA_VERSION}"
            )
        if metadata.get(CHECKSUM, found := checksum(metadata[KEY], tensors)) != found:
            raise CheckpointError(f"{path}: damaged: the checksum does not match the content")
        return _checked(_assemble(facts, tensors))
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        ArithmeticError,
        RecursionError,
        ConfigError,
    ) as error:
        raise CheckpointError(
            f"{path}: damaged checkpoint ({type(error).__name__}: {_line(error)})"
        ) from None


def _line(error: Exception) -> str:
    """Return the first line of an error message, shortened."""
    return (str(error).splitlines() or [""])[0][:200]


def _checked(found: Checkpoint) -> Checkpoint:
    """Check the types and lengths that a crafted file could have changed.

    Raises:
        ValueError: if a type or length is not accepted.
    """
    names, labels, mean = found.anchors.names, found.anchors.labels, found.anchors.mean
    texts = (found.licence, *found.credits, *found.classes, *names, *found.data.values())
    counts = (found.epoch, found.position, found.step)
    amounts = (found.seconds, *found.totals.values(), *([] if found.best is None else [found.best]))
    wrong = {
        "a text": not all(isinstance(text, str) for text in texts),
        "the classes": not found.classes or len(set(found.classes)) < len(found.classes),
        "a count": not all(type(count) is int and 0 <= count <= MAX_COUNT for count in counts),
        "a number": not all(type(each) in (int, float) and not math.isnan(each) for each in amounts),
        "the history": not all(isinstance(record, dict) for record in found.history),
        "the labels": not all(type(label) is int and 0 <= label < len(found.classes) for label in labels),
        "the anchors": len(names) != len(labels) or mean.ndim != 2 or len(mean) != len(names),
    }
    if faults := [name for name, is_wrong in wrong.items() if is_wrong]:
        raise ValueError(f"invalid: {faults[0]}")
    return found


def _assemble(facts: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    model = {
        name.removeprefix("model/"): tensor for name, tensor in tensors.items() if name.startswith("model/")
    }
    states: dict[str, dict[int, dict[str, Tensor]]] = defaultdict(lambda: defaultdict(dict))
    for name, tensor in tensors.items():
        if name.startswith("optimiser/"):
            _, optimiser, parameter, key = name.split("/")
            states[optimiser][int(parameter)][key] = tensor
    anchors = facts["anchors"]
    return Checkpoint(
        config=_config(facts["config"]),
        model=model,
        classes=tuple(facts["classes"]),
        credits=tuple(facts["credits"]),
        anchors=Anchors(tuple(anchors["names"]), tuple(anchors["labels"]), tensors["anchors/mean"]),
        optimisers={
            name: {"state": dict(states[name]), "param_groups": [_tuples(group) for group in groups]}
            for name, groups in facts["optimisers"].items()
        },
        centres=tensors.get("labels/centres"),
        heads={name: tuple(classes) for name, classes in facts.get("heads", {}).items()},
        **{key: facts[key] for key in _PLAIN},
    )


def _config(text: str) -> Config:
    """Read a configuration. Older runs, which state no validation fraction, had no validation sounds."""
    config = Config.from_toml(text)
    if "validation_fraction" in text:
        return config
    return config.replace("data", validation_fraction=0.0)


def _tuples(group: dict[str, Any]) -> dict[str, Any]:
    """Turn Adam's betas back into a tuple; JSON has stored them as a list."""
    return {key: tuple(value) if key == "betas" else value for key, value in group.items()}


def restore(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Restore the saved state of an optimiser of the same parameters; raises CheckpointError."""
    try:
        optimiser.load_state_dict(state)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise CheckpointError(f"the optimiser's state does not fit the model: {_line(error)}") from None


def fill(model: torch.nn.Module, saved: Checkpoint) -> None:
    """Give a model the weights of a checkpoint; raises CheckpointError if they do not fit."""
    try:
        model.load_state_dict(saved.model)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit the model: {_line(error)}") from None
