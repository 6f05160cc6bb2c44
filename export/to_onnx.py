"""From a checkpoint to the files for the stage: write the graphs, describe, check, put them in place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import onnx

from export.architectures import decoder_graph, encoder_graph
from export.describe import describe, describe_encoder
from export.errors import ExportError
from export.parity import MAX_DIFFERENCE, Parity, compare, encoder_difference
from realtime.model import schema
from realtime.model.encoder import encoder_path
from realtime.model.schema import EncoderInfo, ModelInfo
from trainer.models.vae import VAE, build
from trainer.run import checkpoint


def export(source: Path | str, target: Path, *, name: str | None = None, force: bool = False) -> Parity:
    """Export a run's decoder, and its encoder beside it.

    Args:
        source: a run folder or a checkpoint file.
        target: the .onnx file to make; it appears only when it is whole and checked.
        name: what the model shall be called; the file's stem where None.
        force: replace a file that is there.

    Returns:
        How far the file's sound is from PyTorch's.

    Raises:
        ExportError: where a target exists, or a file does not do as the model does.
        trainer.errors.TrainerError: where the source cannot be used.
    """
    beside = encoder_path(target)
    for path in (target, beside):
        if path.exists() and not force:
            raise ExportError(f"{path} exists: choose another name, or replace it with --force")
    if not target.parent.is_dir():
        raise ExportError(f"{target.parent} is not a folder")
    saved = checkpoint.load(source)
    model = build(saved.config.model, len(saved.classes))
    model.load_state_dict(saved.model)
    model.eval()
    info = describe(saved, model, name or target.stem)
    with _in_place(beside) as part:
        _write_encoder(model, describe_encoder(saved.config, info), part)
        return write(model, info, target)


def write(model: VAE, info: ModelInfo, target: Path) -> Parity:
    """Write the decoder of `model`, described by `info`, and check that it sounds like the model."""
    with _in_place(target) as part:
        save(decoder_graph(model), info.to_metadata(), part)
        parity = compare(model, part)
        if parity.worst > MAX_DIFFERENCE:
            raise ExportError(
                f"the exported decoder is {parity.worst:.1e} off the model, more than {MAX_DIFFERENCE:.0e}"
            )
    return parity


def _write_encoder(model: VAE, info: EncoderInfo, target: Path) -> None:
    """Write the encoder of `model` and check that it gives the model's z."""
    save(encoder_graph(model), info.to_metadata(), target)
    difference = encoder_difference(model, target)
    if difference > MAX_DIFFERENCE:
        raise ExportError(
            f"the exported encoder is {difference:.1e} of the largest z off the model, "
            f"more than {MAX_DIFFERENCE:.0e}"
        )


def save(graph: onnx.ModelProto, metadata: dict[str, str], path: Path) -> None:
    """Write a graph with its metadata and checksum."""
    onnx.helper.set_model_props(graph, metadata)
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(schema.add_checksum(graph.SerializeToString()))


@contextlib.contextmanager
def _in_place(target: Path) -> Iterator[Path]:
    """A path to write to, beside the target; it is moved there where all went well, else removed."""
    part = target.with_name(target.name + ".part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
