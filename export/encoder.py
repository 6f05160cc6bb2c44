"""The encoders as graphs: a whole prepared sound in, the mean of z out, in one call.

Nothing streams here and a sound is encoded once, so these graphs are plain: PyTorch's own layers in ONNX's
words.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.graph import Graph
from realtime.model import schema
from trainer.models import mb
from trainer.models.layers import dilations
from trainer.models.mb import MBEncoder
from trainer.models.vae import LEAK, CCEncoder, DCEncoder


def encoder_graph(encoder: nn.Module, length: int) -> onnx.ModelProto:
    """The graph that computes the mean of z of one sound (names and shapes: realtime.model.schema)."""
    graph = Graph()
    sound = graph.input(schema.SOUND, np.float32, 1, length)
    if isinstance(encoder, DCEncoder):
        mean, dense = _dc(graph, sound, encoder), encoder.bottleneck.mean
    elif isinstance(encoder, CCEncoder):
        x = graph.node("Unsqueeze", sound, graph.constant([1]))
        mean, dense = _sequential(graph, x, encoder.down, LEAK), encoder.bottleneck.mean
    elif isinstance(encoder, MBEncoder):
        x = _levels(graph, sound, encoder)
        mean, dense = _sequential(graph, x, encoder.convs, mb.LEAK), encoder.mean
    else:
        raise TypeError(f"no graph of a {type(encoder).__name__}")
    flat = graph.reshape(mean, 1, -1)
    z = graph.node("Gemm", flat, graph.constant(dense.weight), graph.constant(_bias(dense)), transB=1)
    graph.output(z, schema.Z, np.float32, 1, dense.out_features)
    return graph.model("encoder")


def _dc(graph: Graph, sound: str, encoder: DCEncoder) -> str:
    """[1, T] -> the latent sequence [1, 1, T / 32]."""
    block = encoder.block
    channels = block.now.shape[1]
    x = graph.node("Unsqueeze", sound, graph.constant([1]))
    x = _conv(graph, x, encoder.front, encoder.front.kernel_size[0] - 1, 0)
    first = x = _conv(graph, x, encoder.widen)
    for i, pair in enumerate(dilations(len(block.now))):
        gates = []
        for part, delay in enumerate(pair):
            columns = slice(part * channels, (part + 1) * channels)
            weight = torch.stack((block.past[i][:, columns].T, block.now[i][:, columns].T), dim=-1)
            parts = map(graph.constant, (weight, block.bias[i, columns]))
            gate = graph.node("Conv", x, *parts, dilations=[delay], pads=[delay, 0])
            gates.append(graph.node("Tanh", gate))
        x = graph.node("Add", x, graph.node("Mul", *gates))
    x = graph.node("Mul", graph.node("Sub", x, first), graph.constant(1.0 / len(block.now)))
    return _sequential(graph, x, encoder.down, LEAK)


def _levels(graph: Graph, sound: str, encoder: MBEncoder) -> str:
    """[1, T] -> the log-mel levels [1, bands, steps]: a Fourier transform is a convolution too.

    The graph makes the waves of that convolution from one period, sample k·n mod N for wave k: stored, they
    would be larger than all weights together.
    """
    size, hop = encoder.window, encoder.hop
    period = torch.arange(size, dtype=torch.float64) * (2.0 * torch.pi / size)
    waves = graph.constant(np.arange(size // 2 + 1)[:, None])
    turns = graph.node(
        "Mod", graph.node("Mul", waves, graph.constant(np.arange(size))), graph.constant([size])
    )
    tables = [graph.constant(table.float()) for table in (period.cos(), period.sin())]
    kernel = graph.concat([graph.node("Gather", table, turns, axis=0) for table in tables], 0)
    kernel = graph.node("Mul", kernel, graph.constant(encoder.hann))
    kernel = graph.node("Unsqueeze", kernel, graph.constant([1]))
    x = graph.node("Unsqueeze", sound, graph.constant([1]))
    x = graph.node("Conv", x, kernel, strides=[hop], pads=[size // 2, size // 2])
    mel = torch.cat((encoder.mel, encoder.mel)).T[..., None]
    power = graph.node("Conv", graph.node("Mul", x, x), graph.constant(mel))
    level = graph.node("Log", graph.node("Add", power, graph.constant(mb.LOWEST_POWER)))
    return graph.node("Mul", graph.node("Add", level, graph.constant(5.0)), graph.constant(0.2))


def _sequential(graph: Graph, x: str, layers: nn.Sequential, leak: float) -> str:
    for layer in layers:
        if isinstance(layer, nn.Conv1d):
            x = _conv(graph, x, layer, *(cast(int, layer.padding[0]),) * 2)
        elif isinstance(layer, nn.LeakyReLU):
            x = graph.node("LeakyRelu", x, alpha=leak)
        else:
            raise TypeError(f"no graph of a {type(layer).__name__}")
    return x


def _conv(graph: Graph, x: str, layer: nn.Conv1d, before: int = 0, after: int = 0) -> str:
    parts = map(graph.constant, (layer.weight, _bias(layer)))
    return graph.node("Conv", x, *parts, strides=[layer.stride[0]], pads=[before, after])


def _bias(layer: nn.Conv1d | nn.Linear) -> Tensor:
    assert layer.bias is not None
    return layer.bias
