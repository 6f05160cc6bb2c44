"""The ONNX graph of the encoder of "modal" models.

It has three branches: the mel levels over time; the body, spectra around the strongest low partial; and the
zones, the levels in ranges of frequency that each contain one mode (a decaying partial) of the decoder.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from torch import nn

from export.encoder import convolutions, encoder_of
from export.graph import Graph
from export.mb import mel_levels
from trainer.components.layout import MIDDLE_HZ
from trainer.models.mb import LEAK
from trainer.models.modal_encoder import LEAST_BEND, LEAST_POWER, OFFSET, SCALE, ModalEncoder


def encoder_graph(encoder: ModalEncoder, length: int) -> onnx.ModelProto:
    """Make the graph of the encoder for sounds of `length` samples."""
    return encoder_of(lambda graph, sound: _features(graph, sound, encoder), encoder.mean, length)


def _features(graph: Graph, sound: str, encoder: ModalEncoder) -> str:
    """Add the three branches: sound [1, 1, T] -> features [1, F]."""
    course = convolutions(graph, mel_levels(graph, sound, encoder), encoder.convs, LEAK)
    origin, peaks = _peaks(graph, sound, encoder)
    body = [peaks, *(_around(graph, sound, origin, window, encoder) for window in encoder.body_windows)]
    zones: list[str] = []
    for window, (low, high) in zip(encoder.zone_windows, encoder.spans, strict=True):
        steps = np.arange(int((high - low).max()) + 1)
        bins = graph.node("Add", graph.constant(low[:, None]), graph.constant(steps))
        bins = graph.node("Min", bins, graph.constant(high[:, None]))
        inside = graph.node("Gather", _power(graph, sound, *window), bins, axis=1)
        zones += [
            _level(graph, graph.node(mean, inside, graph.constant([2]), keepdims=0))
            for mean in ("ReduceMax", "ReduceMean")
        ]
    zoned = _dense(graph, graph.concat(zones, 1), encoder.zones)
    return graph.concat(
        [graph.reshape(course, 1, -1), zoned, peaks, _dense(graph, graph.concat(body, 1), encoder.body)], 1
    )


def _peaks(graph: Graph, sound: str, encoder: ModalEncoder) -> tuple[str, str]:
    """Add the strongest low partial in each of W windows.

    Returns:
        ln(Hz) of the partial in the first window, [1, 1]; and, for all windows, the pitches and then the
        levels, [1, 2 W].
    """
    logs, levels = [], []
    for (begin, length), (first, last) in zip(encoder.peak_windows, encoder.ranges, strict=True):
        level = _level(graph, _power(graph, sound, begin, length))
        top = graph.node("ArgMax", graph.slice(level, first, last + 1, 1), axis=1)
        top = graph.node("Add", top, graph.constant(first))
        below, at, above = (
            graph.node("GatherElements", level, graph.node("Add", top, graph.constant(step)), axis=1)
            for step in (-1, 0, 1)
        )
        bend = graph.node("Sub", graph.node("Add", below, above), graph.node("Add", at, at))
        bend = graph.node("Min", bend, graph.constant(-LEAST_BEND))
        off = graph.node("Mul", graph.node("Sub", below, above), graph.constant(0.5))
        off = graph.node("Clip", graph.node("Div", off, bend), graph.constant(-0.5), graph.constant(0.5))
        place = graph.node("Add", graph.node("Cast", top, to=onnx.TensorProto.FLOAT), off)
        hz = graph.node("Mul", place, graph.constant(encoder.rate / length))
        logs.append(graph.node("Log", hz))
        levels.append(at)
    pitches = graph.node("Sub", graph.concat(logs, 1), graph.constant(math.log(MIDDLE_HZ)))
    return logs[0], graph.concat([pitches, *levels], 1)


def _around(graph: Graph, sound: str, origin: str, window: tuple[int, int], encoder: ModalEncoder) -> str:
    """Add the levels of a window at fixed intervals from the frequency `origin`, ln(Hz): [1, intervals]."""
    begin, length = window
    level = _level(graph, _power(graph, sound, begin, length))
    hz = graph.node("Exp", graph.node("Add", origin, graph.constant(encoder.intervals[None])))
    place = graph.node("Mul", hz, graph.constant(length / encoder.rate))
    place = graph.node("Min", place, graph.constant(length // 2 - 1.0))
    low = graph.node("Floor", place)
    bin_ = graph.node("Cast", low, to=onnx.TensorProto.INT64)
    next_ = graph.node("Add", bin_, graph.constant(1))
    first, second = (graph.node("GatherElements", level, each, axis=1) for each in (bin_, next_))
    share = graph.node("Mul", graph.node("Sub", second, first), graph.node("Sub", place, low))
    return graph.node("Add", first, share)


def _power(graph: Graph, sound: str, begin: int, length: int) -> str:
    """Add the power spectrum [1, bins] of a Hann window of a sound [1, 1, T]."""
    part = graph.reshape(graph.slice(sound, begin, begin + length, 2), 1, length)
    part = graph.reshape(graph.node("Mul", part, _hann(graph, length)), 1, length, 1)
    spectrum = graph.node("DFT", part, axis=1, onesided=1)
    return graph.node("ReduceSum", graph.node("Mul", spectrum, spectrum), graph.constant([2]), keepdims=0)


def _hann(graph: Graph, length: int) -> str:
    """Add a Hann window [length], times 4 / length, as nodes, because a constant would be large."""
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


def _level(graph: Graph, power: str) -> str:
    level = graph.node("Log", graph.node("Add", power, graph.constant(LEAST_POWER)))
    return graph.node("Mul", graph.node("Add", level, graph.constant(OFFSET)), graph.constant(1.0 / SCALE))


def _dense(graph: Graph, x: str, layers: nn.Sequential) -> str:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            x = graph.node("Gemm", x, graph.weight(layer.weight), graph.constant(layer.bias), transB=1)
        elif isinstance(layer, nn.LeakyReLU):  # dropout does nothing outside of training
            x = graph.node("LeakyRelu", x, alpha=LEAK)
    return x
