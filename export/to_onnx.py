"""Exports a trained model to two checked .onnx files with metadata: a decoder and an encoder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import onnx

from export import velocity
from export.architectures import decoder_graph, encoder_graph
from export.describe import CANDIDATES, describe, describe_encoder
from export.errors import ExportError
from export.graph import halve
from export.parity import MAX_DIFFERENCE, Parity, compare, encoder_difference
from realtime.model import schema
from realtime.model.encoder import encoder_path
from realtime.model.schema import EncoderInfo, ModelInfo
from trainer.models.modal import ModalDecoder
from trainer.models.vae import VAE, build
from trainer.run import checkpoint
from trainer.run.checkpoint import Checkpoint


def export(
    source: Path | str | Checkpoint,
    target: Path,
    *,
    name: str | None = None,
    velocities: Path | None = None,
    force: bool = False,
    candidates: int = CANDIDATES,
) -> Parity:
    """Export the decoder of a training run, and the encoder to a second file in the same folder.

    Args:
        source: a run folder, a checkpoint file, or a checkpoint in memory.
        target: the decoder file to write, *.onnx; it appears once it is complete and checked.
        name: name of the model; None uses the name of the file without its suffix.
        velocities: folder of drums that were recorded at several velocities (`export.velocity`), or None.
        force: True to replace existing files.
        candidates: number of training sounds of a class that are decoded to find the class centre, the
            position in latent space that represents the class.

    Returns:
        The difference between the sounds of the exported decoder and those of the PyTorch model.

    Raises:
        ExportError: an output file exists already, the folder does not exist, a class has no training
            sounds, or an exported file differs from the model.
        trainer.errors.TrainerError: the source cannot be used.
    """
    beside = encoder_path(target)
    for path in (target, beside):
        if path.exists() and not force:
            raise ExportError(f"{path} exists: choose another name, or replace it with --force")
    if not target.parent.is_dir():
        raise ExportError(f"{target.parent} is not a folder")
    saved = source if isinstance(source, Checkpoint) else checkpoint.load(source)
    model = build(saved.config.model, len(saved.classes))
    checkpoint.fill(model, saved)
    model.eval()
    halve(model.encoder.parameters())
    if isinstance(model.decoder, ModalDecoder):
        halve([model.decoder.knot_values])  # otherwise a third of the file
    directions = None if velocities is None else velocity.learn(saved, model, velocities)
    info = describe(saved, model, name or target.stem, directions, candidates)
    with in_place(beside) as part:
        _write_encoder(model, describe_encoder(saved.config, info), part)
        return write(model, info, target)


def write(model: VAE, info: ModelInfo, target: Path) -> Parity:
    """Write the decoder of `model` with the metadata `info`, and check it.

    Raises:
        ExportError: the sounds of the file differ from those of the model by more than `MAX_DIFFERENCE`.
    """
    with in_place(target) as part:
        save(decoder_graph(model), info.to_metadata(), part)
        parity = compare(model, part)
        if parity.worst > MAX_DIFFERENCE:
            raise ExportError(
                f"the exported decoder differs from the model by {parity.worst:.1e} of full scale, more than "
                f"{MAX_DIFFERENCE:.0e}"
            )
    return parity


def _write_encoder(model: VAE, info: EncoderInfo, target: Path) -> None:
    """Write the encoder of `model`, and check that it returns the model's z."""
    save(encoder_graph(model), info.to_metadata(), target)
    difference = encoder_difference(model, target)
    if difference > MAX_DIFFERENCE:
        raise ExportError(
            f"the exported encoder differs from the model by {difference:.1e} of the largest z, "
            f"more than {MAX_DIFFERENCE:.0e}"
        )


def save(graph: onnx.ModelProto, metadata: dict[str, str], path: Path) -> None:
    """Write a graph with metadata and a checksum to a file."""
    onnx.helper.set_model_props(graph, metadata)
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(schema.add_checksum(graph.SerializeToString()))


@contextlib.contextmanager
def in_place(target: Path) -> Iterator[Path]:
    """Yield a temporary path; then move the file from this path to `target`, or remove it after an error."""
    part = target.with_name(target.name + ".part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
