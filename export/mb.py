"""The ONNX graphs of MB-VAE, the model that generates bands of a filter bank: the decoder and the encoder.

The decoder decodes a sound in chunks of frames. Each gated layer needs its past input, which the graph copies
from chunk to chunk. The delays are short (134 samples in total for ten layers). Copying is therefore faster
than the ring buffers of `export.dc`. The past input is divided between two caches, to make the number of
inputs odd (see `Graph.model`). A third cache holds the last samples of the bands; the filter bank is a
convolution over these samples and the new samples. A dense layer, which has one row of weights for each of
the first frames, adds the onset of the sound. In the graph, this layer also has a row of zeros for all later
frames.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.encoder import convolutions, encoder_of
from export.graph import END, Graph
from realtime.model import schema
from trainer.models.mb import LEAK, LOWEST_POWER, MBDecoder, MBEncoder, delays
from trainer.models.pqmf import OVERLAP


def decoder_graph(decoder: MBDecoder) -> onnx.ModelProto:
    """Make the graph of a decoder; `realtime.model.schema` defines the names and shapes."""
    graph, stack = Graph(), decoder.stack
    hop, bands, width = decoder.hop_length, decoder.bands, stack.now.shape[1]
    steps = hop // bands
    first, second = cast(nn.Linear, decoder.mlp[0]), cast(nn.Linear, decoder.mlp[2])
    z = graph.input(schema.Z, np.float32, "voices", "frames", first.in_features)
    frame = graph.input(schema.FRAME, np.int64, "voices")
    voices = graph.node("Shape", z, start=0, end=1)
    frames = graph.node("Shape", z, start=1, end=2)
    counted = graph.node("Range", graph.constant(0), graph.node("Squeeze", frames), graph.constant(1))
    index = graph.node("Add", graph.node("Unsqueeze", frame, graph.constant([1])), counted)

    hidden = graph.reshape(z, -1, first.in_features)
    for layer in (first, second):
        hidden = graph.node(
            "Gemm", hidden, graph.constant(layer.weight), graph.constant(layer.bias), transB=1
        )
        hidden = graph.node("LeakyRelu", hidden, alpha=LEAK)
    hidden = graph.reshape(hidden, voices, -1, first.out_features, 1)

    values = graph.reshape(
        _rows(graph, hidden, index, decoder.rows.weight, decoder.rows.bias), -1, decoder.up.in_features
    )
    x = graph.node(
        "Gemm", values, graph.constant(decoder.up.weight), graph.constant(decoder.up.bias), transB=1
    )
    x = graph.reshape(x, voices, -1, width)

    samples = graph.node("Mul", frames, graph.constant([steps]))
    late_by = delays(len(stack.now))
    half = len(late_by) // 2
    caches = {name: part for name, part in (("early", late_by[:half]), ("late", late_by[half:])) if part}
    pasts = []
    for name, part in caches.items():
        cache = graph.input(f"{schema.CACHE}{name}", np.float32, "voices", sum(part), width)
        pasts += graph.nodes("Split", len(part), cache, graph.constant(part), axis=1)
    ends = []
    for i, delay in enumerate(late_by):
        history = graph.concat([pasts[i], x], 1)
        ends.append(graph.slice(history, -delay, END, 1))
        both = graph.concat([x, graph.slice(history, 0, samples, 1)], 2)
        product = graph.node("MatMul", both, graph.constant(torch.cat((stack.now[i], stack.past[i]))))
        gate = graph.node("Add", product, graph.constant(stack.bias[i]))
        a, b = graph.nodes("Split", 2, gate, graph.constant([width, width]), axis=2)
        x = graph.node("Add", x, graph.node("Mul", graph.node("Tanh", a), graph.node("Sigmoid", b)))

    level = graph.node("MatMul", x, graph.constant(decoder.out.weight.T))
    before = graph.input(f"{schema.CACHE}bands", np.float32, "voices", OVERLAP - 1, bands)
    history = graph.concat([before, level], 1)
    audio = graph.node(
        "Conv", graph.node("Transpose", history, perm=[0, 2, 1]), graph.constant(decoder.kernel)
    )
    audio = graph.reshape(graph.node("Transpose", audio, perm=[0, 2, 1]), voices, -1)

    with torch.no_grad():
        count = len(decoder.onset.weight)
        weight = torch.cat((decoder.onset.weight, torch.zeros_like(decoder.onset.weight[:1])))
        bias = torch.cat((decoder.onset.bias, torch.zeros_like(decoder.onset.bias[:1])))
    onset = _rows(graph, hidden, graph.node("Min", index, graph.constant([count])), weight, bias)
    audio = graph.node("Add", audio, graph.reshape(onset, voices, -1))

    graph.output(audio, schema.AUDIO, np.float32, "voices", f"frames*{hop}")
    for name, part in caches.items():
        after = graph.concat([ends.pop(0) for _ in part], 1)
        graph.output(after, f"{schema.NEW_CACHE}{name}", np.float32, "voices", sum(part), width)
    after = graph.slice(history, 1 - OVERLAP, END, 1)
    graph.output(after, f"{schema.NEW_CACHE}bands", np.float32, "voices", OVERLAP - 1, bands)
    return graph.model()


def encoder_graph(encoder: MBEncoder, length: int) -> onnx.ModelProto:
    """Make the graph of an encoder for sounds of `length` samples."""
    return encoder_of(
        lambda graph, sound: convolutions(graph, mel_levels(graph, sound, encoder), encoder.convs, LEAK),
        encoder.mean,
        length,
    )


def mel_levels(graph: Graph, sound: str, encoder: MBEncoder) -> str:
    """Add the log-mel levels of a sound: [1, 1, T] -> [1, bands, steps].

    The Fourier transform is a convolution with sines. The graph computes these sines from one period of N
    samples: sample n of sine k is sample k·n mod N of the period. If the file stored the sines, they would
    be larger than all weights together.
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
    x = graph.node("Conv", sound, kernel, strides=[hop], pads=[size // 2, size // 2])
    mel = torch.cat((encoder.mel, encoder.mel)).T[..., None]
    power = graph.node("Conv", graph.node("Mul", x, x), graph.constant(mel))
    level = graph.node("Log", graph.node("Add", power, graph.constant(LOWEST_POWER)))
    return graph.node("Mul", graph.node("Add", level, graph.constant(5.0)), graph.constant(0.2))


def _rows(graph: Graph, hidden: str, index: str, weight: Tensor, bias: Tensor) -> str:
    """Apply a dense layer with different weights for each frame.

    The input `hidden` is [voices, frames, hidden, 1], and the result is [voices, frames, values].
    """
    weights = graph.node("Gather", graph.constant(weight), index, axis=0)
    products = graph.node("Squeeze", graph.node("MatMul", weights, hidden), graph.constant([3]))
    return graph.node("Add", products, graph.node("Gather", graph.constant(bias), index, axis=0))
