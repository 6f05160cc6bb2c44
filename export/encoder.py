"""Common parts of the ONNX graphs of encoders, which map a sound to the mean of z in one call.

A sound is encoded in one piece, not in chunks; these graphs therefore translate PyTorch's layers one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import onnx
from torch import Tensor, nn

from export.graph import Graph
from realtime.model import schema


def encoder_of(front: Callable[[Graph, str], str], dense: nn.Linear, length: int) -> onnx.ModelProto:
    """Make the graph of an encoder (names and shapes: realtime.model.schema).

    Args:
        front: adds the layers before the dense layer to a graph; takes the graph and the name of the value
            that holds the sound [1, 1, T], and returns the name of the result.
        dense: the layer that returns the mean.
        length: number of samples of a sound, T.
    """
    graph = Graph()
    sound = graph.node("Unsqueeze", graph.input(schema.SOUND, np.float32, 1, length), graph.constant([1]))
    flat = graph.reshape(front(graph, sound), 1, -1)
    z = graph.node("Gemm", flat, graph.weight(dense.weight), graph.constant(_bias(dense)), transB=1)
    graph.output(z, schema.Z, np.float32, 1, dense.out_features)
    return graph.model("encoder")


def convolutions(graph: Graph, x: str, layers: nn.Sequential, leak: float = 0.0) -> str:
    """Add convolutions and the leaky ReLUs between them, whose slope below zero is `leak`."""
    for layer in layers:
        if isinstance(layer, nn.Conv1d):
            x = convolution(graph, x, layer, *(cast(int, layer.padding[0]),) * 2)
        else:
            assert isinstance(layer, nn.LeakyReLU)
            x = graph.node("LeakyRelu", x, alpha=leak)
    return x


def convolution(graph: Graph, x: str, layer: nn.Conv1d, before: int = 0, after: int = 0) -> str:
    """Add a convolution, with `before` and `after` zeros around its input."""
    weight, bias = graph.weight(layer.weight), graph.constant(_bias(layer))
    return graph.node("Conv", x, weight, bias, strides=[layer.stride[0]], pads=[before, after])


def _bias(layer: nn.Conv1d | nn.Linear) -> Tensor:
    assert layer.bias is not None
    return layer.bias
