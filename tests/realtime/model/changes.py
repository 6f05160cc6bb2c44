"""Change model files as an attacker might."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import onnx

from realtime.model import schema

KEYS = (schema.INFO_KEY, schema.ENCODER_KEY)  # a model file has one of these entries
Change = Callable[[onnx.ModelProto], None]


def changed(source: Path, target: Path, change: Change, seal: bool = True) -> Path:
    """Write a changed copy of a model file to `target`, and return `target`.

    If `seal` is true, the copy gets a valid checksum.
    """
    model = onnx.load(str(source))
    kept = [entry for entry in model.metadata_props if entry.key != "soundmorph_sha256"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    change(model)
    content = model.SerializeToString()
    target.write_bytes(schema.add_checksum(content) if seal else content)
    return target


def metadata(**changes: object) -> Change:
    """Return a change that sets fields of the ModelInfo or EncoderInfo in the metadata."""

    def change(model: onnx.ModelProto) -> None:
        entry = next(entry for entry in model.metadata_props if entry.key in KEYS)
        entry.value = json.dumps(json.loads(entry.value) | changes)

    return change


def external(model: onnx.ModelProto) -> None:
    """Make the model refer to a different file for the data of a tensor."""
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
