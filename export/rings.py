"""What delayed layers heard before a chunk, as one cache of rings.

A *ring* has as many rows as a layer's longer delay D: the row of time t is t mod D, so the rows that a chunk
needs are the ones that it then overwrites. Layers of one delay share a ring, side by side; all rings are one
cache, [voices, rows, columns]. One gather reads it and one scatter writes it, however long the chunk.
"""

from __future__ import annotations

import numpy as np

from export.graph import END, Graph


class Rings:
    """The cache, and which of its rows a chunk reads and writes.

    Args:
        layers: length of a ring -> the layers that share it, side by side.
        channels: columns of a layer.
        time: [voices], the sample that the chunk begins with.
        samples: [1], of the chunk.
        voices: [1], how many.
        fewest: samples that every chunk has at least: those of a frame.
    """

    def __init__(
        self,
        graph: Graph,
        layers: dict[int, list[int]],
        channels: int,
        time: str,
        samples: str,
        voices: str,
        fewest: int,
    ) -> None:
        self.graph, self.layers, self.channels = graph, layers, channels
        self.time, self.samples, self.voices, self.fewest = time, samples, voices, fewest
        self.begin = dict(zip(layers, np.cumsum([0, *layers])[:-1].tolist(), strict=True))
        self.rows, self.columns = sum(layers), channels * max(len(shared) for shared in layers.values())
        self._counts = {
            length: graph.node("Min", samples, graph.constant([length]))
            for length in layers
            if not self._few(length)
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
        spans.sort(key=lambda span: not self._few(span[1]))
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
        rings = sorted(self.layers, key=lambda ring: not self._few(ring))
        updates = []
        for ring in rings:
            values = [heard[layer] for layer in self.layers[ring]]
            if self._few(ring):
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
        few = [(ring, delay) for ring, delay in spans if self._few(delay)]
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

    def _few(self, delay: int) -> bool:
        """Whether every chunk is at least as long as the delay."""
        return delay <= self.fewest
