"""From a checkpoint to one .onnx file: write the streaming graph, describe it, check it, put it in place."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
from torch import nn

from export.cc import cc_graph
from export.dc import dc_graph
from export.describe import describe
from export.errors import ExportError
from export.mb import mb_graph
from export.parity import MAX_DIFFERENCE, Parity, compare
from realtime import contract
from realtime.contract import ModelInfo
from trainer import checkpoint
from trainer.mb import MBDecoder
from trainer.models import VAE, CCDecoder, DCDecoder, build


def export(source: Path | str, target: Path, *, name: str | None = None, force: bool = False) -> Parity:
    """Export a run's decoder.

    Args:
        source: a run folder or a checkpoint file.
        target: the .onnx file to make; it appears only when it is whole and checked.
        name: what the model shall be called; the file's stem where None.
        force: replace a file that is there.

    Returns:
        How far the file's sound is from PyTorch's.

    Raises:
        ExportError: where the target exists, or the file does not sound as the model does.
        trainer.errors.TrainerError: where the source cannot be used.
    """
    if target.exists() and not force:
        raise ExportError(f"{target} exists: choose another name, or replace it with --force")
    if not target.parent.is_dir():
        raise ExportError(f"{target.parent} is not a folder")
    saved = checkpoint.load(source)
    model = build(saved.config.model, len(saved.classes))
    model.load_state_dict(saved.model)
    model.eval()
    return write(model, describe(saved, model, name or target.stem), target)


def write(model: VAE, info: ModelInfo, target: Path) -> Parity:
    """Write the decoder of `model`, described by `info`, and check that it sounds like the model."""
    graph = decoder_graph(model.decoder)
    onnx.helper.set_model_props(graph, info.to_metadata())
    onnx.checker.check_model(graph, full_check=True)
    beside = target.with_name(target.name + ".part")
    try:
        beside.write_bytes(contract.seal(graph.SerializeToString()))
        parity = compare(model, beside)
        if parity.worst > MAX_DIFFERENCE:
            raise ExportError(
                f"the exported decoder is {parity.worst:.1e} off the model, more than {MAX_DIFFERENCE:.0e}"
            )
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return parity


def decoder_graph(decoder: nn.Module) -> onnx.ModelProto:
    """The streaming graph of a decoder, voices and frames dynamic."""
    if isinstance(decoder, DCDecoder):
        return dc_graph(decoder)
    if isinstance(decoder, CCDecoder):
        return cc_graph(decoder)
    if isinstance(decoder, MBDecoder):
        return mb_graph(decoder)
    raise TypeError(f"no streaming graph of a {type(decoder).__name__}")
