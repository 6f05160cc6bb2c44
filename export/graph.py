"""Builds ONNX graphs by hand: nodes, constants, and the common parts of decoders.

The decoders are not traced from PyTorch: the duration of a call depends on how caches are moved and products
are fused, and a tracer gives no control over either. `export.parity` compares the graphs with the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from realtime.model import schema

OPSET, IR_VERSION = 18, 9
"""Versions that ONNX Runtime 1.16 and later can read."""
END = 2**62
"""End of a slice that reaches to the end of its axis."""


class Graph:
    """A graph under construction. Its methods refer to values by their names in the graph."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, kind: type, *shape: int | str) -> str:
        """Declare an input. A size in `shape` that is a name may differ between calls of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, _type(kind), shape))
        return name

    def output(self, value: str, name: str, kind: type, *shape: int | str) -> None:
        """Declare `value` as an output called `name`."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _type(kind), shape))

    def constant(self, array: npt.ArrayLike | Tensor, real: type = np.float32) -> str:
        """Add a constant. Floats are stored as `real`, integers as int64, and equal constants only once."""
        value = array.detach().numpy() if isinstance(array, Tensor) else np.asarray(array)
        value = np.array(
            value, real if real is np.float64 or value.dtype.kind == "f" else np.int64, order="C"
        )
        key = (str(value.dtype), value.shape, value.tobytes())
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._initializers.append(numpy_helper.from_array(value, self._constants[key]))
        return self._constants[key]

    def weight(self, tensor: Tensor) -> str:
        """Add a weight, stored in float16 if that is exact, as it is after `halve`."""
        if not torch.equal(tensor.half().float(), tensor):
            return self.constant(tensor)
        return self.node("Cast", self.constant(tensor, np.float16), to=TensorProto.FLOAT)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self.nodes(operator, 1, *inputs, **attributes)[0]

    def nodes(self, operator: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs."""
        names = [f"{operator.lower()}_{len(self._nodes)}_{k}" for k in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def slice(self, value: str, start: str | int, end: str | int, axis: int) -> str:
        """Add value[start:end] along an axis; start and end are numbers or values of shape [1]."""
        ends = [self.constant([end]) if isinstance(end, int) else end for end in (start, end)]
        return self.node("Slice", value, *ends, self.constant([axis]))

    def concat(self, values: Sequence[str], axis: int) -> str:
        """Concatenate values along an axis."""
        return self.node("Concat", *values, axis=axis)

    def reshape(self, value: str, *sizes: int | str) -> str:
        """Reshape a value.

        Args:
            sizes: a number, or the name of a value of shape [1], for each axis. The size -1 is computed from
                the sizes of the other axes, and 0 keeps the size of the axis.
        """
        if all(isinstance(size, int) for size in sizes):
            return self.node("Reshape", value, self.constant(list(sizes)))
        parts = [self.constant([size]) if isinstance(size, int) else size for size in sizes]
        return self.node("Reshape", value, self.concat(parts, 0))

    def latent_sequence(self, weight: Tensor, bias: Tensor) -> str:
        """Declare the inputs, and apply a dense layer that has a row for each frame: [voices, frames].

        The inputs are z, the position in latent space, for each frame, and `frame`, the index of each voice's
        first frame.
        """
        z = self.input(schema.Z, np.float32, "voices", "frames", weight.shape[1])
        frame = self.input(schema.FRAME, np.int64, "voices")
        frames = self.node("Squeeze", self.node("Shape", z, start=1, end=2))
        steps = self.node("Range", self.constant(0), frames, self.constant(1))
        rows = self.node("Add", self.node("Unsqueeze", frame, self.constant([1])), steps)
        products = self.node("Mul", z, self.node("Gather", self.constant(weight), rows, axis=0))
        sums = self.node("ReduceSum", products, self.constant([2]), keepdims=0)
        return self.node("Add", sums, self.node("Gather", self.constant(bias), rows, axis=0))

    def model(self, name: str = "decoder") -> onnx.ModelProto:
        """Return the finished graph.

        The number of inputs should be odd. ONNX Runtime looks up its memory plan for a shape by the XOR
        of all sizes of all inputs. With an even number of inputs, the number of voices cancels out. All
        numbers of voices then share the plan that was made for the first of them. A shared plan is 6 to 10 %
        slower (measured with two and four voices).
        """
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._initializers)
        imports = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="soundmorph"
        )


def halve(weights: Iterable[nn.Parameter]) -> None:
    """Round weights to float16, in place."""
    with torch.no_grad():
        for weight in weights:
            weight.copy_(weight.half())


def _type(kind: type) -> int:
    return int(TensorProto.INT64 if kind is np.int64 else TensorProto.FLOAT)
