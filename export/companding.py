"""Adds companding to the graphs of models that work on compressed waveforms (`trainer.models.companding`)."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from realtime.model import schema

COMPRESSED = "compressed"
"""Name of the compressed waveform in a graph."""


def with_expansion(decoder: onnx.ModelProto, exponent: float) -> onnx.ModelProto:
    """Return a decoder that expands its output, given one that outputs compressed waveforms."""
    if exponent != 1.0:
        (last,) = (node for node in decoder.graph.node if schema.AUDIO in node.output)
        last.output[:] = [COMPRESSED]
        decoder.graph.node.extend(_powers(decoder, COMPRESSED, schema.AUDIO, 1.0 / exponent))
    return decoder


def with_compression(encoder: onnx.ModelProto, exponent: float) -> onnx.ModelProto:
    """Return an encoder that compresses its input, given one that takes compressed waveforms."""
    if exponent != 1.0:
        nodes = list(encoder.graph.node)
        for node in nodes:
            node.input[:] = [COMPRESSED if name == schema.SOUND else name for name in node.input]
        del encoder.graph.node[:]
        encoder.graph.node.extend([*_powers(encoder, schema.SOUND, COMPRESSED, exponent), *nodes])
    return encoder


def _powers(model: onnx.ModelProto, source: str, target: str, exponent: float) -> list[onnx.NodeProto]:
    """Return nodes that compute sign(x)·|x|^exponent, and add the constant they need."""
    constant = numpy_helper.from_array(np.array(exponent, np.float32), "companding_exponent")
    model.graph.initializer.append(constant)
    sign, size, power = "companding_sign", "companding_size", "companding_power"
    return [
        helper.make_node("Sign", [source], [sign]),
        helper.make_node("Abs", [source], [size]),
        helper.make_node("Pow", [size, constant.name], [power]),
        helper.make_node("Mul", [sign, power], [target]),
    ]
