"""The graph of the modal encoder, with its three branches: mel levels over time, tones, and zones."""

from __future__ import annotations

import math

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from export.encoder import convolutions, encoding
from export.graph import Graph
from export.mb import mel_levels
from trainer.models.mb import LEAK
from trainer.models.modal_encoder import LEAST_POWER, OFFSET, SCALE, ModalEncoder


def encoder_graph(encoder: ModalEncoder, length: int) -> onnx.ModelProto:
    """Make the graph of the encoder for sounds of `length` samples."""
    return encoding(lambda graph, sound: _features(graph, sound, encoder), encoder.mean, length)


def _features(graph: Graph, sound: str, encoder: ModalEncoder) -> str:
    """Add the three branches: sound [1, 1, T] -> features [1, F]."""
    course = convolutions(graph, mel_levels(graph, sound, encoder), encoder.convs, LEAK)
    tones = [
        _level(graph, graph.node("MatMul", *_shared(graph, _power(graph, sound, *window), *triangles)))
        for window, triangles in zip(encoder.tone_windows, encoder.triangles, strict=True)
    ]
    zones = []
    for window, (first, last) in zip(encoder.zone_windows, encoder.spans, strict=True):
        bins = graph.node(
            "Add", graph.constant(first[:, None]), graph.constant(np.arange(int((last - first).max()) + 1))
        )
        bins = graph.node("Min", bins, graph.constant(last[:, None]))
        inside = graph.node("Gather", _power(graph, sound, *window), bins, axis=1)
        zones += [
            _level(graph, graph.node(mean, inside, graph.constant([2]), keepdims=0))
            for mean in ("ReduceMax", "ReduceMean")
        ]
    branches = [graph.reshape(course, 1, -1)]
    for levels, layers in ((tones, encoder.tones), (zones, encoder.zones)):
        branches.append(_dense(graph, graph.concat(levels, 1), layers))
    return graph.concat(branches, 1)


def _power(graph: Graph, sound: str, begin: int, length: int) -> str:
    """Add the power spectrum [1, bins] of a Hann window of a sound [1, 1, T]."""
    part = graph.reshape(graph.slice(sound, begin, begin + length, 2), 1, length)
    part = graph.reshape(graph.node("Mul", part, _hann(graph, length)), 1, length, 1)
    spectrum = graph.node("DFT", part, axis=1, onesided=1)
    return graph.node("ReduceSum", graph.node("Mul", spectrum, spectrum), graph.constant([2]), keepdims=0)


def _hann(graph: Graph, length: int) -> str:
    """Add a Hann window [length], times 4 / length; computed, since a constant would be large."""
    row = 1 << length.bit_length() // 2
    turn = 2.0 * math.pi / length
    angle = graph.node(
        "Add",
        graph.constant(np.arange(0, length, row)[:, None] * turn),
        graph.constant(np.arange(row) * turn),
    )
    angle = graph.slice(graph.reshape(angle, -1), 0, length, 0)
    wave = graph.node("Mul", graph.node("Cos", angle), graph.constant(-2.0 / length))
    return graph.node("Add", wave, graph.constant(2.0 / length))


def _shared(
    graph: Graph, power: str, middles: NDArray[np.float64], widths: NDArray[np.float64]
) -> tuple[str, str]:
    """Add the part of the power spectrum with tones, and the share [bins, tones] of each bin in each tone.

    The shares are computed in the graph, since a constant would be large.
    """
    count = int(np.ceil((middles + widths).max()))
    bins = graph.constant(np.arange(float(count))[:, None])
    off = graph.node("Mul", graph.node("Sub", bins, graph.constant(middles)), graph.constant(1.0 / widths))
    share = graph.node("Relu", graph.node("Sub", graph.constant(1.0), graph.node("Abs", off)))
    return graph.slice(power, 0, count, 1), share


def _level(graph: Graph, power: str) -> str:
    level = graph.node("Log", graph.node("Add", power, graph.constant(LEAST_POWER)))
    return graph.node("Mul", graph.node("Add", level, graph.constant(OFFSET)), graph.constant(1.0 / SCALE))


def _dense(graph: Graph, x: str, layers: nn.Sequential) -> str:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            x = graph.node("Gemm", x, graph.weight(layer.weight), graph.constant(layer.bias), transB=1)
        else:
            x = graph.node("LeakyRelu", x, alpha=LEAK)
    return x
