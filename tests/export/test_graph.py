"""Tests for the graphs that hold the weights of a model."""

from __future__ import annotations

import numpy as np
import torch
from onnx import TensorProto
from torch import nn

from export.graph import Graph, halve


def test_only_rounded_weights_are_stored_in_float16() -> None:
    weight = nn.Parameter(torch.tensor([1.0 / 3.0, 0.1]))
    assert _kind(weight) == TensorProto.FLOAT
    halve([weight])
    assert _kind(weight) == TensorProto.FLOAT16


def _kind(weight: nn.Parameter) -> int:
    graph = Graph()
    graph.output(graph.weight(weight), "weight", np.float32, 2)
    (stored,) = graph.model().graph.initializer
    return int(stored.data_type)
