"""The ONNX graphs of DC-VAE, the model with dilated gated layers: the decoder and the encoder.

The decoder decodes a sound in chunks. Its arrays have the shape [time * voices, channels]: row t * voices + v
is sample t of voice v. A delay of d samples is then an offset of d * voices rows. Every gated layer consists
of four matrix products, into which the bias and the tanh are fused:

    a = tanh(x·W_now + (x delayed by d₁)·W_past + bias),  b likewise with d₂,  x ← x + a·b

Successive linear convolutions of the model are merged into one. The last merged convolution includes the mean
of a·b over the layers, (x_last - x_first) / layers.

The caches contain the past input of each layer, as far back as the layer's delays reach (`export.rings`).
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.encoder import convolution, convolutions, encoder_of
from export.graph import END, Graph
from export.rings import Rings
from realtime.model import schema
from trainer.architectures import HOP_LENGTH
from trainer.models.dc import FRONT_FILTERS, DCDecoder, DCEncoder
from trainer.models.layers import dilations


def decoder_graph(decoder: DCDecoder) -> onnx.ModelProto:
    """Make the graph of a decoder; `realtime.model.schema` defines the names and shapes."""
    graph, block = Graph(), decoder.block
    channels = block.now.shape[1]
    sequence = graph.latent_sequence(decoder.dense.weight, decoder.dense.bias)
    voices = graph.node("Shape", sequence, start=0, end=1)
    samples = graph.node("Mul", graph.node("Shape", sequence, start=1, end=2), graph.constant([HOP_LENGTH]))
    time = graph.node("Mul", schema.FRAME, graph.constant([HOP_LENGTH]))

    weights = [graph.constant(part) for part in _upsampling(decoder)]
    wide = graph.node("Gemm", graph.reshape(sequence, -1, 1), *weights)
    wide = graph.node("Transpose", graph.reshape(wide, voices, -1, channels), perm=[1, 0, 2])
    first = graph.reshape(wide, -1, channels)

    filters, bias = _output_filter(decoder)
    tail = filters.shape[-1] - 1
    pairs = dilations(block.now.shape[0])
    delays = [(i, delay) for i, pair in enumerate(pairs) for delay in sorted(set(pair))]
    rings = Rings(graph, delays, channels, time, samples, voices, shortest=HOP_LENGTH)

    x = first
    for i, pair in enumerate(pairs):
        late = {delay: rings.delayed(i, x, delay) for delay in sorted(set(pair))}
        gates = []
        for part, delay in enumerate(pair):
            columns = slice(part * channels, (part + 1) * channels)
            before, now = (graph.constant(w[i][:, columns]) for w in (block.past, block.now))
            gate = graph.node("Gemm", late[delay], before, graph.constant(block.bias[i, columns]))
            gates.append(graph.node("Tanh", graph.node("Gemm", x, now, gate)))
        x = graph.node("Add", x, graph.node("Mul", *gates))

    total = graph.node("Sub", x, first)
    before = graph.input(f"{schema.CACHE}sum", np.float32, "voices", channels, tail)
    total = graph.node("Transpose", graph.reshape(total, -1, voices, channels), perm=[1, 2, 0])
    history = graph.concat([before, total], 2)
    audio = graph.node("Conv", history, *map(graph.constant, (filters, bias)))
    audio = graph.node("Squeeze", audio, graph.constant([1]))
    graph.output(audio, schema.AUDIO, np.float32, "voices", f"frames*{HOP_LENGTH}")
    rings.write()
    ends = graph.slice(history, -tail, END, 2)
    graph.output(ends, f"{schema.NEW_CACHE}sum", np.float32, "voices", channels, tail)
    return graph.model()


def encoder_graph(encoder: DCEncoder, length: int) -> onnx.ModelProto:
    """Make the graph of an encoder for sounds of `length` samples."""
    return encoder_of(lambda graph, sound: _encoded(graph, sound, encoder), encoder.bottleneck.mean, length)


def _encoded(graph: Graph, sound: str, encoder: DCEncoder) -> str:
    """Add the layers before the bottleneck: [1, 1, T] -> the latent sequence [1, 1, T / 32]."""
    block = encoder.block
    channels = block.now.shape[1]
    x = convolution(graph, sound, encoder.front, encoder.front.kernel_size[0] - 1, 0)
    first = x = convolution(graph, x, encoder.widen)
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
    return convolutions(graph, x, encoder.down)


def _upsampling(decoder: DCDecoder) -> tuple[Tensor, Tensor]:
    """Merge the layers that upsample a latent frame into a weight [1, hop_length * channels] and a bias."""
    with torch.no_grad():
        silence, sound = (decoder.widen(decoder.up(torch.full((1, 1, 1), v)))[0].T for v in (0.0, 1.0))
    return (sound - silence).reshape(1, -1), silence.reshape(-1)


def _output_filter(decoder: DCDecoder) -> tuple[Tensor, Tensor]:
    """Merge the mean over the layers and the last two layers into a filter and a bias.

    The filter is [1, channels, kernel], and the bias is [1].
    """
    with torch.no_grad():
        delta = torch.zeros(1, FRONT_FILTERS, 1)
        delta[0] = decoder.out.weight[0]
        filters = nn.functional.conv_transpose1d(delta, decoder.back.weight)
        silence = torch.zeros(1, decoder.back.in_channels, 1)
        return filters / decoder.block.now.shape[0], decoder.out(decoder.back(silence)).flatten()
