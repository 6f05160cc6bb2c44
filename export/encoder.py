"""Common parts of the ONNX graphs of encoders.

An encoder maps a sound to the mean of z, the position of the sound in latent space. Because it takes the
entire sound in one call, its graph can translate PyTorch's layers one by one.
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
    """Make the graph of an encoder; `realtime.model.schema` defines the names and shapes.

    Args:
        front: a function that adds the layers before the dense layer to a graph. Its arguments are the graph
            and the name of the value that contains the sound [1, 1, T]; it returns the name of the result.
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
    """Add convolutions, and leaky ReLUs between them; the slope of the ReLUs below zero is `leak`."""
    for layer in layers:
        if isinstance(layer, nn.Conv1d):
            x = convolution(graph, x, layer, *(cast(int, layer.padding[0]),) * 2)
        else:
            assert isinstance(layer, nn.LeakyReLU)
            x = graph.node("LeakyRelu", x, alpha=leak)
    return x


def convolution(graph: Graph, x: str, layer: nn.Conv1d, before: int = 0, after: int = 0) -> str:
    """Add a convolution. Its input is padded with `before` zeros at the start and `after` at the end."""
    weight, bias = graph.weight(layer.weight), graph.constant(_bias(layer))
    return graph.node("Conv", x, weight, bias, strides=[layer.stride[0]], pads=[before, after])


def _bias(layer: nn.Conv1d | nn.Linear) -> Tensor:
    assert layer.bias is not None
    return layer.bias
