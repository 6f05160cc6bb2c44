"""Choose the weights from which a run starts: the base (a bundled model of drums), or any checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from pkgutil import resolve_name

from trainer.architectures import ARCHITECTURES
from trainer.config import Config, ModelConfig
from trainer.errors import CheckpointError
from trainer.models.vae import VAE
from trainer.run import checkpoint
from trainer.run.checkpoint import Checkpoint

BASE = Path(__file__).parents[1] / "bases" / "kit.safetensors"
"""The base, a model of the recipe `kit` with weights in float16; `python -m tools.base` writes the file."""
NONE = "none"


def choose(name: str | None, config: Config) -> Checkpoint | None:
    """Return the checkpoint from which a new run starts, or None to start from random weights.

    Args:
        name: a run folder, a checkpoint file or "none"; None selects the bundled base if its model has the
            shape in `config`. A model whose architecture can be deepened may have fewer layers than `config`.

    Raises:
        CheckpointError: if the checkpoint `name` cannot be read, or its model has a different shape.
    """
    if name == NONE:
        return None
    if name is None:
        saved = checkpoint.load(BASE)
        return saved if _agree(saved.config.model, config.model) else None
    saved = checkpoint.load(name)
    if not _agree(saved.config.model, config.model) and not _deepens(saved.config.model, config.model):
        raise CheckpointError(
            f"{name}: its model and the recipe have different shapes; name the model's recipe with --config"
        )
    return saved


def adopt(model: VAE, base: Checkpoint) -> None:
    """Give `model` the encoder and decoder of `base`. The classifier of `model` keeps its initial weights.

    Raises:
        CheckpointError: if the weights do not fit.
    """
    kept = {name: value for name, value in base.model.items() if name.startswith(("encoder.", "decoder."))}
    if _deepens(base.config.model, model.config):
        deepen = resolve_name(ARCHITECTURES[model.config.architecture].deepen)
        kept = deepen(kept, model.state_dict())
    try:
        model.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"the base does not fit the model: {str(error).splitlines()[0]}") from None


def _deepens(one: ModelConfig, other: ModelConfig) -> bool:
    """Return True if the models differ only in the number of layers, and `one` can be extended to `other`."""
    same = _agree(dataclasses.replace(one, layers=other.layers), other)
    return same and bool(ARCHITECTURES[one.architecture].deepen) and one.layers < other.layers


def _agree(one: ModelConfig, other: ModelConfig) -> bool:
    """Return True if encoder and decoder have the same shape."""
    shapes = (dataclasses.replace(each, classifier_hidden=(), heads=()) for each in (one, other))
    return next(shapes) == next(shapes)
