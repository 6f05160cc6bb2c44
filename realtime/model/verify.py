"""Checks untrusted model files before ONNX Runtime reads them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from realtime.model import schema, sizes
from realtime.model.schema import EncoderInfo, ModelInfo
from realtime.util import outside
from realtime.util.errors import ModelError
from realtime.util.outside import OutsideError

Info = TypeVar("Info", ModelInfo, EncoderInfo)

MAX_FILE_BYTES = 256 * 2**20
MAX_CACHE_BYTES = 64 * 2**20
"""Maximum memory for the caches of a voice, the state that the decoder's layers keep between calls."""
OPERATORS = {
    *("Add", "Cast", "Clip", "Concat", "Conv", "CumSum", "Exp", "Expand", "Floor", "Gather", "GatherND"),
    *("Gemm", "Identity", "LeakyRelu", "MatMul", "Max", "Min", "Mod", "Mul", "Pad", "Range", "ReduceSum"),
    *("Reshape", "ScatterND", "Shape", "Sigmoid", "Sin", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Tanh"),
    *("Transpose", "Unsqueeze"),
}
"""Operators of a decoder: arithmetic and data movement; no loops, branches, files or custom code."""
ENCODER_OPERATORS = {
    *("Abs", "Add", "ArgMax", "Cast", "Clip", "Concat", "Conv", "Cos", "DFT", "Div", "Exp", "Floor"),
    *("Gather", "GatherElements", "Gemm", "Identity", "LeakyRelu", "Log", "MatMul", "Min", "Mod", "Mul"),
    *("ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Slice", "Sub", "Tanh", "Unsqueeze"),
}


@dataclass(frozen=True)
class ModelFile:
    """A decoder file that has passed all checks.

    Attributes:
        model: the file's bytes.
        info: its metadata.
        caches: name -> shape of each cache, for one voice.
    """

    model: bytes
    info: ModelInfo
    caches: dict[str, tuple[int, ...]]

    @property
    def sha256(self) -> str:
        """Checksum of the file as it was read."""
        return hashlib.sha256(self.model).hexdigest()


@dataclass(frozen=True)
class EncoderFile:
    """An encoder file that has passed all checks: its bytes and its metadata."""

    model: bytes
    info: EncoderInfo


def read(path: Path) -> ModelFile:
    """Read and check a decoder file.

    Raises:
        ModelError: the file is missing, damaged or not a soundmorph decoder, or its graph has operators,
            attributes or sizes that a decoder does not need.
    """
    try:
        return check(_content(path))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def check(content: bytes) -> ModelFile:
    """Check the bytes of a decoder file.

    Raises:
        ModelError: as for `read`.
    """
    model, info = _parse(content, ModelInfo.from_metadata, OPERATORS)
    caches = _caches(model.graph)
    sizes.check(model, info.hop_length)
    return ModelFile(content, info, caches)


def read_encoder(path: Path) -> EncoderFile:
    """Read and check an encoder file.

    Raises:
        ModelError: as for `read`.
    """
    try:
        content = _content(path)
        model, info = _parse(content, EncoderInfo.from_metadata, ENCODER_OPERATORS)
        _check_encoder(model, info)
        return EncoderFile(content, info)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def _content(path: Path) -> bytes:
    try:
        return outside.read(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ModelError(error.strerror or str(error)) from error
    except OutsideError as error:
        raise ModelError(f"{error}: not a soundmorph model") from error


def _parse(content: bytes, parse: Callable[[dict[str, str]], Info], operators: set[str]) -> tuple[Any, Info]:
    """Make the checks that decoders and encoders share; return the model and its metadata."""
    import onnx
    from google.protobuf.message import DecodeError

    has_checksum = schema.has_valid_checksum(content)
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise ModelError("not a readable ONNX model") from error
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if not model.graph.node and not metadata:
        raise ModelError("not a readable ONNX model")
    info = parse(metadata)
    if not has_checksum:
        raise ModelError("damaged: the checksum at its end is missing; copy or export the file again")
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise ModelError("has functions, training steps or sparse weights, which no soundmorph model has")
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            raise ModelError(f"needs operators of {entry.domain[:40]!r}; only standard ones are accepted")
    for node in model.graph.node:
        _check_node(node, operators)
    for tensor in model.graph.initializer:
        _check_tensor(tensor)
    _check_divisors(model.graph)
    return model, info


def _check_node(node: Any, operators: set[str]) -> None:
    from onnx import AttributeProto

    if node.op_type not in operators or node.domain not in ("", "ai.onnx"):
        raise ModelError(f"uses the operator {node.op_type[:40]!r}, which no soundmorph model needs")
    plain = (AttributeProto.INT, AttributeProto.INTS, AttributeProto.FLOAT, AttributeProto.FLOATS)
    if any(attribute.type not in (*plain, AttributeProto.STRING) for attribute in node.attribute):
        raise ModelError(f"a node of type {node.op_type} has an attribute that is not a number or text")


def _check_divisors(graph: Any) -> None:
    """Check that the divisors of `Mod` are constants of 1 or more.

    ONNX Runtime 1.32 refuses a division by 0; in a version that does not, the division would end the process.
    """
    from onnx import TensorProto

    whole = [tensor for tensor in graph.initializer if tensor.data_type == TensorProto.INT64]
    positive = {tensor.name for tensor in whole if (np.frombuffer(tensor.raw_data, np.int64) >= 1).all()}
    positive -= {value.name for value in graph.input}
    if any(node.op_type == "Mod" and node.input[1:] and node.input[1] not in positive for node in graph.node):
        raise ModelError("has a divisor that is not a constant of 1 or more")


def _check_tensor(tensor: Any) -> None:
    from onnx import TensorProto

    if tensor.data_location != TensorProto.DEFAULT or tensor.external_data:
        raise ModelError(
            f"keeps the weight {tensor.name[:40]!r} in another file; all weights must be in the model file"
        )
    kinds = {
        TensorProto.FLOAT16: np.float16,
        TensorProto.FLOAT: np.float32,
        TensorProto.DOUBLE: np.float64,
        TensorProto.INT64: np.int64,
    }
    kind = kinds.get(tensor.data_type)
    if kind is None or any(size < 0 for size in tensor.dims):
        raise ModelError(f"the weight {tensor.name[:40]!r} has a type that no soundmorph model uses")
    if math.prod(tensor.dims) * np.dtype(kind).itemsize != len(tensor.raw_data):
        raise ModelError(f"the weight {tensor.name[:40]!r} does not have the size that it declares")
    if kind is not np.int64 and not np.isfinite(np.frombuffer(tensor.raw_data, kind)).all():
        raise ModelError(f"the weight {tensor.name[:40]!r} holds NaN or infinity")


def _caches(graph: Any) -> dict[str, tuple[int, ...]]:
    """Check the inputs and outputs; return name -> shape of each cache, for one voice."""
    inputs = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.input}
    outputs = {value.name for value in graph.output}
    caches = {name: tuple(sizes[1:]) for name, sizes in inputs.items() if name.startswith(schema.CACHE)}
    complete = set(inputs) == {schema.Z, schema.FRAME, *caches}
    if not complete or outputs != {schema.AUDIO, *(f"new_{name}" for name in caches)}:
        raise ModelError("inputs and outputs are not those of a streaming decoder")
    if any(size < 1 for shape in caches.values() for size in shape):
        raise ModelError("a cache has no fixed size")
    if 4 * sum(math.prod(shape) for shape in caches.values()) > MAX_CACHE_BYTES:
        raise ModelError(f"needs more than {MAX_CACHE_BYTES // 2**20} MB of memory per voice")
    return caches


def _check_encoder(model: Any, info: EncoderInfo) -> None:
    """Check that an encoder maps one sound to one z, and that all its tensors have known, small sizes."""
    ends = {
        value.name: [each.dim_value for each in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    if ends != {schema.SOUND: [1, info.preparation.length], schema.Z: [1, info.latent_dim]}:
        raise ModelError("inputs and outputs are not those of an encoder")
    shapes = sizes.infer(model)
    made = {name for node in model.graph.node for name in node.output}
    if made - set(shapes):
        raise ModelError("the size of one of its tensors is not known")
    if any(math.prod(shapes[name]) > sizes.MAX_VALUES for name in made):
        raise ModelError(f"has a tensor of more than {sizes.MAX_VALUES} numbers: not a soundmorph encoder")
