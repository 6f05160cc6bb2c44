"""The two caches in which the graph of a dilated decoder (`export.dc`) keeps the past input of its layers.

A decoder decodes a sound in chunks. A layer with a delay of d samples needs the d samples before the chunk.
If no chunk is shorter than d, these samples are the end of the previous chunk: a *tail*, which is read and
written in one piece. Longer delays use *rings* of d rows: time t is in row t mod d, so a chunk overwrites the
rows that it has just read. Layers with the same delay share a ring, in adjacent columns. One gather reads all
rings, and one scatter writes them.
"""

from __future__ import annotations

import numpy as np

from export.graph import END, Graph
from realtime.model import schema


class Rings:
    """The caches of tails and rings in a graph.

    Call `delayed` for every delay, then `write` once.

    Args:
        graph: the graph of the decoder; `time`, `samples` and `voices` are names of values in it.
        delays: (layer, delay) for each delayed input of a layer.
        channels: number of columns of a layer's input.
        time: [voices], index of the first sample of the chunk.
        samples: [1], length of the chunk.
        voices: [1], number of voices.
        shortest: length of the shortest chunk in samples: one latent frame.
    """

    def __init__(
        self,
        graph: Graph,
        delays: list[tuple[int, int]],
        channels: int,
        time: str,
        samples: str,
        voices: str,
        shortest: int,
    ) -> None:
        self.graph, self.channels, self.voices = graph, channels, voices
        self.short = [(layer, delay) for layer, delay in delays if delay <= shortest]
        self.long: dict[int, list[int]] = {}
        for layer, delay in delays:
            if delay > shortest:
                self.long.setdefault(delay, []).append(layer)
        self._ends: dict[tuple[int, int], str] = {}
        self._sizes(sorted({delay for _, delay in delays}), samples)
        self._past: dict[tuple[int, int], str] = {}
        self._read_tails()
        if self.long:
            self._read_rings(time, samples)

    def delayed(self, layer: int, x: str, delay: int) -> str:
        """Delay the input x [samples * voices, channels] of a layer."""
        head, end = self.graph.nodes("Split", 2, x, self._split[delay], axis=0)
        self._ends[layer, delay] = end
        return self.graph.concat([self._past[layer, delay], head], 0)

    def write(self) -> None:
        """Declare the caches that the graph outputs for the next chunk."""
        graph, rows = self.graph, sum(delay for _, delay in self.short)
        ends = graph.concat([self._ends[key] for key in self.short], 0)
        tails = graph.reshape(ends, rows, self.voices, self.channels)
        tails = graph.node("Transpose", tails, perm=[1, 0, 2])
        graph.output(tails, f"{schema.NEW_CACHE}tails", np.float32, "voices", rows, self.channels)
        if not self.long:
            return
        updates = []
        for delay, shared in self.long.items():
            value = graph.concat([self._ends[layer, delay] for layer in shared], 1)
            spare = self._columns - self.channels * len(shared)
            updates.append(graph.node("Pad", value, graph.constant([0, 0, 0, spare])) if spare else value)
        updated = graph.node("ScatterND", self._cache, self._indices("write"), graph.concat(updates, 0))
        size = (sum(self.long), self._columns)
        graph.output(updated, f"{schema.NEW_CACHE}rings", np.float32, "voices", *size)

    def _sizes(self, delays: list[int], samples: str) -> None:
        """Compute two numbers of rows for each delay: used only by this chunk, and kept for the next."""
        graph = self.graph
        counts = graph.node("Min", samples, graph.constant(delays))
        both = [graph.node("Sub", samples, counts), counts]
        both = [graph.node("Unsqueeze", part, graph.constant([1])) for part in both]
        rows = graph.node("Mul", graph.reshape(graph.concat(both, 1), -1), self.voices)
        sizes = graph.nodes("Split", len(delays), rows, graph.constant([2] * len(delays)), axis=0)
        self._split = dict(zip(delays, sizes, strict=True))
        parts = graph.nodes("Split", len(delays), counts, graph.constant([1] * len(delays)), axis=0)
        self._counts = dict(zip(delays, parts, strict=True))

    def _read_tails(self) -> None:
        graph, rows = self.graph, sum(delay for _, delay in self.short)
        cache = graph.input(f"{schema.CACHE}tails", np.float32, "voices", rows, self.channels)
        tails = graph.reshape(graph.node("Transpose", cache, perm=[1, 0, 2]), -1, self.channels)
        sizes = graph.node("Mul", graph.constant([delay for _, delay in self.short]), self.voices)
        parts = graph.nodes("Split", len(self.short), tails, sizes, axis=0)
        self._past |= dict(zip(self.short, parts, strict=True))

    def _read_rings(self, time: str, samples: str) -> None:
        graph = self.graph
        self._columns = self.channels * max(len(shared) for shared in self.long.values())
        size = (sum(self.long), self._columns)
        self._cache = graph.input(f"{schema.CACHE}rings", np.float32, "voices", *size)
        steps = graph.node("Range", graph.constant(0), graph.node("Squeeze", samples), graph.constant(1))
        self._times = graph.node("Add", graph.node("Unsqueeze", steps, graph.constant([1])), time)
        self._samples = samples
        count = graph.node("Squeeze", self.voices)
        self._voice = graph.node("Range", graph.constant(0), count, graph.constant(1))
        rows = graph.node("GatherND", self._cache, self._indices("read"))
        counts = graph.concat([self._counts[delay] for delay in self.long], 0)
        sizes = graph.node("Mul", counts, self.voices)
        parts = graph.nodes("Split", len(self.long), rows, sizes, axis=0)
        for (delay, shared), value in zip(self.long.items(), parts, strict=True):
            widths = [self.channels] * len(shared)
            widths += [self._columns - sum(widths)] if self._columns > sum(widths) else []
            columns = graph.nodes("Split", len(widths), value, graph.constant(widths), axis=1)
            self._past |= {(layer, delay): part for layer, part in zip(shared, columns, strict=False)}

    def _indices(self, what: str) -> str:
        """Return the pairs (voice, row) that a chunk reads or writes, ring after ring: [rows * voices, 2].

        Time is the outermost axis. If a chunk is longer than the ring, the rows of the chunk's first samples
        are read, and the rows of its last samples are written.

        Args:
            what: "read" or "write".
        """
        graph = self.graph
        parts, begin = [], 0
        for delay in self.long:
            count = self._counts[delay]
            if what == "read":
                times = graph.slice(self._times, 0, count, 0)
            else:
                times = graph.slice(self._times, graph.node("Sub", self._samples, count), END, 0)
            row = graph.node("Mod", times, graph.constant([delay]))
            parts.append(graph.node("Add", row, graph.constant([begin])))
            begin += delay
        rows = graph.concat(parts, 0)
        voice = graph.node("Expand", self._voice, graph.node("Shape", rows))
        pairs = [graph.node("Unsqueeze", part, graph.constant([2])) for part in (voice, rows)]
        return graph.reshape(graph.concat(pairs, 2), -1, 2)
