"""Cuts a batch into parts: a share for each process, in pieces that fit into memory.

Some terms of the loss are means over class centres (mean positions of classes in latent space) or over pairs
of sounds, instead of means over single sounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainer.losses.terms import OF_PAIRS, OF_PROTOTYPES


@dataclass(frozen=True)
class Part:
    """Rows of a batch that one process holds in memory at once.

    Attributes:
        rows: rows of the batch; the first row is even if the loss has terms of class centres or pairs.
        size: number of rows of the complete batch.
        counts: False if the rows are computed only because every process must take part in the step.
    """

    rows: slice
    size: int
    counts: bool = True

    @property
    def prototypes(self) -> slice:
        """Slice of the batch's class centres that belong to these rows; every even row has a centre."""
        return slice((self.rows.start + 1) // 2, (self.rows.stop + 1) // 2)

    @property
    def pairs(self) -> slice:
        """Slice of the batch's pairs that belong to these rows; a pair is an even row and the next row."""
        return slice(self.rows.start // 2, self.rows.stop // 2)

    def share(self, term: str) -> float:
        """Return the weight of these rows in the batch's mean of a term, 0 to 1."""
        if not self.counts:
            return 0.0
        if term in OF_PROTOTYPES:
            return (self.prototypes.stop - self.prototypes.start) / ((self.size + 1) // 2)
        if term in OF_PAIRS:
            return (self.pairs.stop - self.pairs.start) / max(1, self.size // 2)
        return (self.rows.stop - self.rows.start) / self.size


def cut(size: int, at_once: int, paired: bool, rank: int = 0, processes: int = 1) -> Iterator[Part]:
    """Yield the parts of a batch for one process.

    A process for which the batch has no row computes the first row, but its results are ignored.

    Args:
        size: number of rows of the batch.
        at_once: number of rows in memory at once; rounded up to an even number if `paired`.
        paired: keep rows 0 and 1, 2 and 3, … together.
        rank: index of this process, from 0.
        processes: number of processes.
    """
    unit = 2 if paired else 1
    at_once, units = -(-at_once // unit) * unit, -(-size // unit)
    begin, end = (min(size, unit * (i * units // processes)) for i in (rank, rank + 1))
    if begin == end:
        yield Part(slice(0, 1), size, counts=False)
    for first in range(begin, end, at_once):
        yield Part(slice(first, min(first + at_once, end)), size)
