"""Reading a decoder file that nobody vouches for: what is refused before ONNX Runtime sees a byte of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from realtime import contract
from realtime.contract import ModelInfo
from realtime.errors import ModelError

MAX_FILE_BYTES = 256 * 2**20
MAX_CACHE_BYTES = 64 * 2**20
"""A voice."""
OPERATORS = {
    *(
        "Add",
        "Concat",
        "Conv",
        "Expand",
        "Gather",
        "GatherND",
        "Gemm",
        "Identity",
        "LeakyRelu",
        "MatMul",
        "Min",
    ),
    *(
        "Mod",
        "Mul",
        "Pad",
        "Range",
        "ReduceSum",
        "Reshape",
        "ScatterND",
        "Shape",
        "Sigmoid",
        "Slice",
        "Split",
        "Squeeze",
    ),
    *("Sub", "Tanh", "Transpose", "Unsqueeze"),
}
"""Arithmetic and moving of data: no loops, no branches, no files, nobody's own code."""


@dataclass(frozen=True)
class ModelFile:
    """A decoder file that has passed all checks.

    Attributes:
        model: as ONNX Runtime takes it.
        info: what it says of itself.
        caches: name -> shape of its caches, a voice.
    """

    model: bytes
    info: ModelInfo
    caches: dict[str, tuple[int, ...]]


def read(path: Path) -> ModelFile:
    """Read and check a decoder file.

    Raises:
        ModelError: where there is no such file, it is damaged, it is not ours, or it asks for more than a
            decoder needs.
    """
    try:
        return _read(path)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def _read(path: Path) -> ModelFile:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"larger than {MAX_FILE_BYTES // 2**20} MB: not a sound decoder")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(error.strerror or str(error)) from error
    sealed = contract.check_seal(content)
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise ModelError("not a readable ONNX model") from error
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if not model.graph.node and not metadata:
        raise ModelError("not a readable ONNX model")
    info = ModelInfo.from_metadata(metadata)
    if not sealed:
        raise ModelError("damaged: the checksum at its end is missing; copy or export it again")
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise ModelError("has functions, training steps or sparse weights; a decoder has none")
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            raise ModelError(f"needs operators of {entry.domain!r}; only standard ones are accepted")
    for node in model.graph.node:
        _check_node(node)
    for tensor in model.graph.initializer:
        _check_tensor(tensor)
    return ModelFile(content, info, _caches(model.graph))


def _check_node(node: Any) -> None:
    from onnx import AttributeProto

    if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
        raise ModelError(f"uses the operator {node.op_type[:40]!r}, which no decoder needs")
    plain = (AttributeProto.INT, AttributeProto.INTS, AttributeProto.FLOAT, AttributeProto.FLOATS)
    if any(attribute.type not in (*plain, AttributeProto.STRING) for attribute in node.attribute):
        raise ModelError(f"a node {node.op_type} carries more than numbers")


def _check_tensor(tensor: Any) -> None:
    from onnx import TensorProto

    if tensor.data_location != TensorProto.DEFAULT or tensor.external_data:
        raise ModelError(f"keeps the weight {tensor.name[:40]!r} in another file; all must be inside")
    kind = {TensorProto.FLOAT: np.float32, TensorProto.INT64: np.int64}.get(tensor.data_type)
    if kind is None or any(size < 0 for size in tensor.dims):
        raise ModelError(f"the weight {tensor.name[:40]!r} is of no type that a decoder has")
    if math.prod(tensor.dims) * np.dtype(kind).itemsize != len(tensor.raw_data):
        raise ModelError(f"the weight {tensor.name[:40]!r} is not of the size that it says")
    if kind is np.float32 and not np.isfinite(np.frombuffer(tensor.raw_data, kind)).all():
        raise ModelError(f"the weight {tensor.name[:40]!r} holds NaN or infinity")


def _caches(graph: Any) -> dict[str, tuple[int, ...]]:
    """Name -> shape without voices of each cache, after a check that the graph keeps the contract."""
    inputs = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.input}
    outputs = {value.name for value in graph.output}
    caches = {name: tuple(sizes[1:]) for name, sizes in inputs.items() if name.startswith(contract.CACHE)}
    complete = set(inputs) == {contract.Z, contract.FRAME, *caches}
    if not complete or outputs != {contract.AUDIO, *(f"new_{name}" for name in caches)}:
        raise ModelError("inputs and outputs are not those of a streaming decoder")
    if any(size < 1 for shape in caches.values() for size in shape):
        raise ModelError("a cache has no fixed size")
    if 4 * sum(math.prod(shape) for shape in caches.values()) > MAX_CACHE_BYTES:
        raise ModelError(f"wants more than {MAX_CACHE_BYTES // 2**20} MB of memory a voice")
    return caches
