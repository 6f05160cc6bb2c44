"""The ONNX graphs of CC-VAE, the model with plain convolutions: the decoder and the encoder.

The decoder decodes a sound in chunks. A transposed convolution of stride 2 becomes two convolutions, one for
even samples and one for odd samples:

    out[2m] = Σ_j w[2j]·x[m - j]        out[2m + 1] = Σ_j w[2j + 1]·x[m - j]

The graph computes both convolutions as one product of [x[m], x[m - 1], …] with a matrix. Because arrays have
the shape [voices, time, channels], the two halves of a row of the product are successive samples. The cache
of a layer contains the last rows of its input from the previous chunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.encoder import convolutions, encoder_of
from export.graph import END, Graph
from realtime.model import schema
from trainer.architectures import HOP_LENGTH
from trainer.models.cc import LEAK, CCDecoder, CCEncoder
from trainer.models.layers import CausalUpsample


def decoder_graph(decoder: CCDecoder) -> onnx.ModelProto:
    """Make the graph of a decoder; `realtime.model.schema` defines the names and shapes."""
    graph = Graph()
    with torch.no_grad():
        gain, offset = decoder.first.weight.squeeze(), _bias(decoder.first).squeeze()
        sequence = graph.latent_sequence(decoder.dense.weight * gain, decoder.dense.bias * gain + offset)
    voices = graph.node("Shape", sequence, start=0, end=1)
    x = graph.node("Unsqueeze", sequence, graph.constant([2]))
    caches = []
    for i, layer in enumerate(cast(Iterable[CausalUpsample], decoder.up)):
        matrix, taps = _phases(layer.weight.detach())
        width, both = layer.weight.shape[0], 2 * layer.weight.shape[1]
        cache = graph.input(f"{schema.CACHE}{i}", np.float32, "voices", taps - 1, width)
        history = graph.concat([cache, x], 1)
        caches.append((i, graph.slice(history, 1 - taps, END, 1), taps - 1, width))
        seen = [graph.slice(history, k, k + 1 - taps if k + 1 < taps else END, 1) for k in range(taps - 1)]
        rows = graph.reshape(graph.concat([*seen, x], 2), -1, taps * width)
        y = graph.node("Gemm", rows, graph.constant(matrix), graph.constant(_bias(layer).repeat(2)))
        y = graph.node("LeakyRelu", y, alpha=LEAK)
        x = graph.reshape(y, voices, -1, both // 2)
    out = graph.node("MatMul", x, graph.constant(decoder.out.weight[:, :, 0]))
    audio = graph.node(
        "Squeeze", graph.node("Add", out, graph.constant(_bias(decoder.out))), graph.constant([2])
    )
    graph.output(audio, schema.AUDIO, np.float32, "voices", f"frames*{HOP_LENGTH}")
    for i, cache, samples, width in caches:
        graph.output(cache, f"{schema.NEW_CACHE}{i}", np.float32, "voices", samples, width)
    return graph.model()


def encoder_graph(encoder: CCEncoder, length: int) -> onnx.ModelProto:
    """Make the graph of an encoder for sounds of `length` samples."""
    return encoder_of(
        lambda graph, sound: convolutions(graph, sound, encoder.down, LEAK), encoder.bottleneck.mean, length
    )


def _bias(layer: nn.ConvTranspose1d) -> Tensor:
    assert layer.bias is not None
    return layer.bias.detach()


def _phases(weight: Tensor) -> tuple[Tensor, int]:
    """Turn a transposed convolution [in, out, kernel] into a matrix [taps * in, 2 * out].

    Returns:
        The matrix, in which the rows of the oldest tap come first, and the number of taps.
    """
    taps = (weight.shape[2] + 1) // 2
    padded = torch.nn.functional.pad(weight, (0, 2 * taps - weight.shape[2]))
    by_tap = padded.unflatten(2, (taps, 2)).flip(2)  # [in, out, tap, even or odd]
    return by_tap.permute(2, 0, 3, 1).reshape(taps * weight.shape[0], -1), taps
