"""The DC-VAE decoder as a streaming graph.

Rows are samples, time outermost: row t * voices + v, [time * voices, channels]. So a delay of d samples is an
offset of d * voices rows whatever the voices, and every gated layer is four products of two-dimensional
arrays, the bias and the tanh fused into them:

    a = tanh(x·W_now + (x delayed by d₁)·W_past + b),  likewise with d₂,  x ← x + a·b

The convolutions that follow each other linearly in training are one here, and so is the mean of the products,
(x_last - x_first) / layers.

What a layer heard before this chunk lies in a *ring* of as many rows as its longer delay D: the row of time t
is t mod D, so the rows that a chunk needs are the ones that it then overwrites. Layers of one delay share a
ring, side by side; all rings are one cache, [voices, rows, columns]. One gather reads it and one scatter
writes it, however long the chunk.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.graph import END, Graph
from realtime import contract
from trainer.config import HOP_LENGTH
from trainer.layers import dilations
from trainer.models import FRONT_FILTERS, DCDecoder


class _Rings:
    """The cache, and which of its rows a chunk reads and writes.

    Args:
        layers: length of a ring -> the layers that share it, side by side.
        channels: columns of a layer.
        time: [voices], the sample that the chunk begins with.
        samples: [1], of the chunk; never fewer than a frame has.
        voices: [1], how many.
    """

    def __init__(
        self, graph: Graph, layers: dict[int, list[int]], channels: int, time: str, samples: str, voices: str
    ) -> None:
        self.graph, self.layers, self.channels = graph, layers, channels
        self.time, self.samples, self.voices = time, samples, voices
        self.begin = dict(zip(layers, np.cumsum([0, *layers])[:-1].tolist(), strict=True))
        self.rows, self.columns = sum(layers), channels * max(len(shared) for shared in layers.values())
        self._counts = {
            length: graph.node("Min", samples, graph.constant([length]))
            for length in layers
            if not _few(length)
        }
        self._ends: dict[int, str] = {}

    def read(self, cache: str, delays: dict[int, list[int]]) -> dict[tuple[int, int], str]:
        """What the layers heard before the chunk.

        Args:
            cache: [voices, rows, columns].
            delays: length of a ring -> delays that its layers have.

        Returns:
            (layer, delay) -> rows from `delay` before the chunk on, as many as the chunk can use.
        """
        spans = [(ring, delay) for ring in self.layers for delay in delays[ring]]
        spans.sort(key=lambda span: not _few(span[1]))
        slots = self._slots(spans, self.time, dict.fromkeys(self._counts, self.time))
        rows = self.graph.node("GatherND", cache, self._indices(slots))
        counts = [self._counts.get(delay) or self.graph.constant([delay]) for _, delay in spans]
        sizes = self.graph.node("Mul", self.graph.concat(counts, 0), self.voices)
        past: dict[tuple[int, int], str] = {}
        for (ring, delay), value in zip(
            spans, self.graph.nodes("Split", len(spans), rows, sizes, axis=0), strict=True
        ):
            shared = self.layers[ring]
            widths = [self.channels] * len(shared)
            widths += [self.columns - sum(widths)] if self.columns > sum(widths) else []
            columns = self.graph.nodes("Split", len(widths), value, self.graph.constant(widths), axis=1)
            past |= {(layer, delay): part for layer, part in zip(shared, columns, strict=False)}
        return past

    def delayed(self, past: str, x: str, delay: int) -> str:
        """x [samples * voices, channels] later by `delay`, behind the past that read() found for it."""
        if delay not in self._ends:
            count = self._counts.get(delay) or self.graph.constant([delay])
            self._ends[delay] = self.graph.node(
                "Mul", self.graph.node("Sub", self.samples, count), self.voices
            )
        return self.graph.concat([past, self.graph.slice(x, 0, self._ends[delay], 0)], 0)

    def write(self, cache: str, heard: list[str]) -> str:
        """The cache with the end of what each layer heard, [samples * voices, channels], in its ring."""
        graph = self.graph
        after = graph.node("Add", self.time, self.samples)
        since = {ring: graph.node("Sub", after, count) for ring, count in self._counts.items()}
        rings = sorted(self.layers, key=lambda ring: not _few(ring))
        updates = []
        for ring in rings:
            values = [heard[layer] for layer in self.layers[ring]]
            if _few(ring):
                begin = graph.node("Mul", graph.constant([-ring]), self.voices)
                value = graph.concat([graph.slice(value, begin, END, 0) for value in values], 1)
            else:
                value = graph.slice(graph.concat(values, 1), self._ends[ring], END, 0)
            spare = self.columns - self.channels * len(values)
            updates.append(graph.node("Pad", value, graph.constant([0, 0, 0, spare])) if spare else value)
        slots = self._slots([(ring, ring) for ring in rings], after, since)
        return graph.node("ScatterND", cache, self._indices(slots), graph.concat(updates, 0))

    def _slots(self, spans: list[tuple[int, int]], now: str, since: dict[int, str]) -> str:
        """Rows of the cache for the times from `delay` before `now` on, by (ring, delay): [rows, voices].

        Args:
            spans: few rows first.
            now: [voices], a sample.
            since: delay -> [voices]: where the times begin if there are not few.
        """
        graph = self.graph
        few = [(ring, delay) for ring, delay in spans if _few(delay)]
        table = [(ring - delay + k, ring, self.begin[ring]) for ring, delay in few for k in range(delay)]
        steps, lengths, begins = (
            graph.constant(np.array(column)[:, None]) for column in zip(*table, strict=True)
        )
        slots = [graph.node("Add", graph.node("Mod", graph.node("Add", now, steps), lengths), begins)]
        for ring, delay in spans[len(few) :]:
            count = graph.node("Squeeze", self._counts[delay])
            times = graph.node("Range", graph.constant(0), count, graph.constant(1))
            times = graph.node("Add", graph.node("Unsqueeze", times, graph.constant([1])), since[delay])
            slot = graph.node("Mod", times, graph.constant([ring]))
            slots.append(graph.node("Add", slot, graph.constant([self.begin[ring]])))
        return graph.concat(slots, 0)

    def _indices(self, slots: str) -> str:
        """(voice, row) for each of the slots [rows, voices]: [rows * voices, 2]."""
        graph = self.graph
        count = graph.node("Squeeze", self.voices)
        voice = graph.node("Range", graph.constant(0), count, graph.constant(1))
        voice = graph.node("Expand", voice, graph.node("Shape", slots))
        pairs = [graph.node("Unsqueeze", part, graph.constant([2])) for part in (voice, slots)]
        return graph.reshape(graph.concat(pairs, 2), -1, 2)


def _few(delay: int) -> bool:
    """Whether every chunk is at least as long as the delay."""
    return delay <= HOP_LENGTH


def dc_graph(decoder: DCDecoder) -> onnx.ModelProto:
    """The graph that computes what `decoder` does (names and shapes: realtime.contract)."""
    graph, block = Graph(), decoder.block
    channels = block.now.shape[1]
    sequence = graph.latent_sequence(decoder.dense.weight, decoder.dense.bias)
    voices = graph.node("Shape", sequence, start=0, end=1)
    samples = graph.node("Mul", graph.node("Shape", sequence, start=1, end=2), graph.constant([HOP_LENGTH]))
    time = graph.node("Mul", contract.FRAME, graph.constant([HOP_LENGTH]))

    weights = [graph.constant(part) for part in _upsampling(decoder)]
    wide = graph.node("Gemm", graph.reshape(sequence, -1, 1), *weights)
    wide = graph.node("Transpose", graph.reshape(wide, voices, -1, channels), perm=[1, 0, 2])
    first = graph.reshape(wide, -1, channels)

    filters, bias = _output_filter(decoder)
    tail = filters.shape[-1] - 1
    delays = [(*pair,) for pair in dilations(block.now.shape[0])] + [(tail, tail)]
    layers: dict[int, list[int]] = {}
    for layer, pair in enumerate(delays):
        layers.setdefault(max(pair), []).append(layer)
    rings = _Rings(graph, layers, channels, time, samples, voices)
    cache = graph.input(f"{contract.CACHE}rings", np.float32, "voices", rings.rows, rings.columns)
    past = rings.read(cache, {ring: sorted(set(delays[shared[0]])) for ring, shared in layers.items()})

    x, heard = first, []
    for i, pair in enumerate(delays[:-1]):
        heard.append(x)
        by_delay = {delay: rings.delayed(past[i, delay], x, delay) for delay in set(pair)}
        gates = []
        for part, delay in enumerate(pair):
            columns = slice(part * channels, (part + 1) * channels)
            before, now = (graph.constant(w[i][:, columns]) for w in (block.past, block.now))
            gate = graph.node("Gemm", by_delay[delay], before, graph.constant(block.bias[i, columns]))
            gates.append(graph.node("Tanh", graph.node("Gemm", x, now, gate)))
        x = graph.node("Add", x, graph.node("Mul", *gates))

    total = graph.node("Sub", x, first)
    history = graph.reshape(graph.concat([past[len(heard), tail], total], 0), -1, voices, channels)
    audio = graph.node(
        "Conv", graph.node("Transpose", history, perm=[1, 2, 0]), *map(graph.constant, (filters, bias))
    )
    audio = graph.node("Squeeze", audio, graph.constant([1]))
    graph.output(audio, contract.AUDIO, np.float32, "voices", f"frames*{HOP_LENGTH}")
    written = rings.write(cache, [*heard, total])
    graph.output(written, f"{contract.NEW_CACHE}rings", np.float32, "voices", rings.rows, rings.columns)
    return graph.model()


def _upsampling(decoder: DCDecoder) -> tuple[Tensor, Tensor]:
    """What a latent frame of 1 adds to silence, [1, hop_length * channels], and silence, without the 1."""
    with torch.no_grad():
        silence, sound = (decoder.widen(decoder.up(torch.full((1, 1, 1), v)))[0].T for v in (0.0, 1.0))
    return (sound - silence).reshape(1, -1), silence.reshape(-1)


def _output_filter(decoder: DCDecoder) -> tuple[Tensor, Tensor]:
    """Mean of products, 32 -> 16 filters and 16 -> 1 as one filter [1, channels, kernel] and its bias [1]."""
    with torch.no_grad():
        delta = torch.zeros(1, FRONT_FILTERS, 1)
        delta[0] = decoder.out.weight[0]
        filters = nn.functional.conv_transpose1d(delta, decoder.back.weight)
        silence = torch.zeros(1, decoder.back.in_channels, 1)
        return filters / decoder.block.now.shape[0], decoder.out(decoder.back(silence)).flatten()
