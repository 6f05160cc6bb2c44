"""Calculates the sizes of a decoder's tensors before the decoder runs.

The sizes may depend on the numbers of voices and frames in a call, but on no value that the decoder computes
from its inputs: z, the frame indices, and the caches (its state from earlier calls). Otherwise a size that is
harmless in the first and the last frame of a sound could be huge in a frame between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime.model import schema
from realtime.util.errors import ModelError

MAX_VALUES = 2**26
"""Maximum size of a tensor, in numbers."""
MAX_TOTAL = 2**32
"""Maximum size of all tensors together, in numbers."""
SHAPES = ((1, 1), (8, 64))
"""Voices and frames of the calls whose tensors are checked."""

_MAX_CONSTANT = 2**16  # maximum number of values in a tensor whose values are calculated here

Whole = npt.NDArray[np.int64]


def check(model: Any, hop_length: int) -> None:
    """Check the tensors of a decoder.

    Args:
        model: the ONNX model; its inputs and outputs are those of a decoder.
        hop_length: samples per latent frame.

    Raises:
        ModelError: the size of a tensor is unknown, too large, or inconsistent.
    """
    for voices, frames in SHAPES:
        sizes = _sizes(model, voices, frames, hop_length)
        made = {name for node in model.graph.node for name in node.output if name}
        if made - set(sizes):
            raise ModelError("the size of one of its tensors depends on more than the voices and frames")
        numbers = [math.prod(sizes[name]) for name in made]
        if max(numbers, default=0) > MAX_VALUES or sum(numbers) > MAX_TOTAL:
            raise ModelError(f"needs a tensor of more than {MAX_VALUES} numbers, or too many large tensors")


def _sizes(model: Any, voices: int, frames: int, hop_length: int) -> dict[str, list[int]]:
    """Return name -> shape of the tensors whose shapes are known."""
    light, constants = _without_weights(model, voices, frames, hop_length)
    sizes: dict[str, list[int]] = {name: list(value.shape) for name, value in constants.items()}
    while True:
        inferred = infer(light, data_prop=False)
        sizes |= inferred
        before = len(constants)
        _fold(light.graph, constants, sizes)
        if len(constants) == before:
            return sizes


def infer(model: Any, data_prop: bool = True) -> dict[str, list[int]]:
    """Return name -> shape of those tensors of a model whose shapes ONNX can infer as fixed.

    Args:
        model: the ONNX model.
        data_prop: also follow calculations with shapes; inference fails if such a calculation uses indices.

    Raises:
        ModelError: the sizes are inconsistent.
    """
    import onnx

    try:
        found = onnx.shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=data_prop
        )
    except Exception as error:  # onnx passes on exceptions of its C++ code
        raise ModelError("its tensor sizes are inconsistent") from error
    shapes = {
        value.name: [each.dim_value if each.HasField("dim_value") else -1 for each in shape.dim]
        for value in (*found.graph.input, *found.graph.value_info, *found.graph.output)
        for shape in (value.type.tensor_type.shape,)
        if value.type.tensor_type.HasField("shape")
    }
    return {name: shape for name, shape in shapes.items() if min(shape, default=1) >= 0}


def _without_weights(model: Any, voices: int, frames: int, hop_length: int) -> tuple[Any, dict[str, Whole]]:
    """Return the model with fixed numbers of voices and frames, and its small whole-number constants.

    The other weights become inputs, which have a shape but no values.
    """
    from onnx import ModelProto, TensorProto, helper

    light = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph, constants = light.graph, dict[str, Whole]()
    graph.name = "sizes"
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.INT64 and math.prod(tensor.dims) <= _MAX_CONSTANT:
            graph.initializer.append(tensor)
            constants[tensor.name] = np.frombuffer(tensor.raw_data, np.int64).reshape(tensor.dims)
        else:
            graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    fixed = {schema.Z: [voices, frames], schema.AUDIO: [voices, frames * hop_length]}
    for value in (*graph.input, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.name in fixed:
            for dim, size in zip(dims, fixed[value.name], strict=False):
                dim.dim_value = size
        elif value.name == schema.FRAME or value.name.startswith((schema.CACHE, schema.NEW_CACHE)):
            dims[0].dim_value = voices
    return light, constants


def _fold(graph: Any, constants: dict[str, Whole], sizes: dict[str, list[int]]) -> None:
    """Calculate values that depend on constants and shapes alone; replace their nodes by constants."""
    from onnx import numpy_helper

    kept = []
    for node in graph.node:
        values = _calculate(node, constants, sizes)
        if values is None:
            kept.append(node)
            continue
        for name, value in zip(node.output, values, strict=True):
            constants[name] = value
            sizes[name] = list(value.shape)
            graph.initializer.append(numpy_helper.from_array(value, name))
    del graph.node[:]
    graph.node.extend(kept)


def _calculate(node: Any, constants: dict[str, Whole], sizes: dict[str, list[int]]) -> list[Whole] | None:
    """Return the values of a node's outputs, or None if they are unknown or not needed for a size."""
    from onnx import helper

    options = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    if node.op_type == "Shape":
        shape = sizes.get(node.input[0])
        if shape is None:
            return None
        return [np.array(shape[options.get("start", 0) : options.get("end", len(shape))], np.int64)]
    if not node.input or any(name and name not in constants for name in node.input):
        return None
    given = [constants[name] if name else None for name in node.input]
    try:
        with np.errstate(over="ignore"):
            values = _arithmetic(node.op_type, given, options, len(node.output))
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise ModelError("its tensor sizes are inconsistent") from error
    if values is None or len(values) != len(node.output):
        return None
    if any(value.dtype != np.int64 or value.size > _MAX_CONSTANT for value in values):
        return None
    return values


def _arithmetic(
    operator: str, given: Sequence[Any], options: dict[str, Any], outputs: int
) -> list[Whole] | None:
    """Carry out an operator as ONNX defines it; return None for an operator that the sizes do not need."""
    first, *rest = given
    match operator:
        case "Identity":
            return [first]
        case "Add" | "Sub" | "Mul":
            function = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}[operator]
            if np.broadcast(first, rest[0]).size > _MAX_CONSTANT:
                return None
            return [np.asarray(function(first, rest[0]))]
        case "Min" | "Max":
            value = first
            for other in rest:
                if np.broadcast(value, other).size > _MAX_CONSTANT:
                    return None
                value = np.asarray((np.minimum if operator == "Min" else np.maximum)(value, other))
            return [value]
        case "Squeeze":
            return [np.squeeze(first, tuple(rest[0].tolist()) if rest else None)]
        case "Unsqueeze":
            return [np.expand_dims(first, tuple(rest[0].tolist()))]
        case "Concat":
            return [np.concatenate(given, options["axis"])]
        case "Gather":
            if first.size * rest[0].size > _MAX_CONSTANT:
                return None
            return [np.asarray(np.take(first, rest[0], options.get("axis", 0)))]
        case "Reshape":
            sizes = [first.shape[at] if size == 0 else size for at, size in enumerate(rest[0].tolist())]
            return [first.reshape(sizes)]
        case "Slice":
            return [_slice(first, *rest)]
        case "Split":
            ends = np.cumsum(rest[0]) if rest else np.arange(1, outputs + 1) * (len(first) // outputs)
            return list(np.split(first, ends[:-1], options.get("axis", 0)))
        case "Range":
            end, step = (int(each) for each in rest)
            count = max(0, -(-(end - int(first)) // step))
            return [int(first) + step * np.arange(count, dtype=np.int64)] if count <= _MAX_CONSTANT else None
    return None


def _slice(value: Whole, starts: Whole, ends: Whole, *more: Whole) -> Whole:
    axes = more[0].tolist() if more else range(len(starts))
    steps = more[1].tolist() if len(more) > 1 else [1] * len(starts)
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes, steps, strict=True):
        value = value[(slice(None),) * (axis % value.ndim) + (slice(start, end, step),)]
    return value
