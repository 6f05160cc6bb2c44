"""Decides when to render the next block: as late as is safe, to include the latest commands.

The rendering of a block begins `lead` seconds before its deadline, when the device takes the block. The lead
is the sum of:

- the worst-case decoding time: the longer of the time predicted by measurements at the start (`mixer.Cost`)
  and the longest recent render time plus the time to begin the decoding of new voices;
- a margin for other work of the machine, which grows when an audible block is finished too close to its
  deadline;
- a reserve of blocks if the load is high (`load`), as long as anything is sounding.

New commands may lengthen the lead; then the next block is begun sooner. If it is too late for that, the
render thread first renders up to `engine.PATIENCE` blocks without these commands. The lead never exceeds the
length of the queue; at that limit the queue is kept full.
"""

from __future__ import annotations

from math import ceil

from realtime.live.load import Load
from realtime.synth.mixer import Cost

MARGIN_S = 0.8e-3
TARDY_S = 0.4e-3  # part of the margin: wake-up time of the render thread
CAREFUL_S = 1.0e-3  # extra margin at the start, because the first blocks take long
SPARE_S = 0.2e-3  # minimum time between the end of rendering and the deadline
MORE_S = 0.5e-3  # largest single increase of the margin, which covers frequent delays, not a rare long pause
RESERVE = 1.5  # reserve in blocks for each tick decoded per call; none if a call decodes one tick
SLOWER = 1.5  # worst-case decoding time relative to the median measured at the start
RELIEF_S = 20.0  # half-life of the added margin


class Pacing:
    """Computes the lead: the time from the start of a block's rendering to the block's deadline.

    Args:
        block_s: block duration in seconds.
        blocks: queue length in blocks.
    """

    def __init__(self, block_s: float, blocks: int) -> None:
        self._block_s = block_s
        self._most_s = blocks * block_s
        self._added_s = 0.0
        self._since_s = 0.0

    def finished(self, spare_s: float, now: float) -> None:
        """Record that a block was finished `spare_s` before the deadline; a negative value means late."""
        if spare_s < SPARE_S:
            more_s = min(SPARE_S - spare_s, MORE_S)
            self._added_s = min(self.margin_s(now) - MARGIN_S + more_s, self._most_s)
            self._since_s = now

    def margin_s(self, now: float) -> float:
        """Return the current margin, in s, for other work of the machine."""
        return MARGIN_S + self._added_s * float(0.5 ** ((now - self._since_s) / RELIEF_S))

    def lead_s(
        self, cost: Cost | None, streaming: int, begun: int, load: Load, now: float, sounds: bool
    ) -> float:
        """Return the lead of the next block, in s.

        Args:
            cost: decoding cost. If the cost was not measured (None), the queue is kept full.
            streaming: number of voices whose decoding continues.
            begun: number of voices whose decoding begins in this block.
            load: load of the render thread.
            now: monotonic time in seconds.
            sounds: True if there is sound before the block; a hit after silence needs no reserve.
        """
        if cost is None:
            return self._most_s
        voices = min(streaming + begun, len(cost.chunk_s))
        rendering_s = 0.0
        if voices:
            ticks = ceil(self._block_s / cost.tick_s)
            decoding_s = begun * cost.first_chunk_s
            decoding_s += (ticks if streaming else ticks - 1) * cost.chunk_s[voices - 1]
            peak_s = load.peak_s + (begun * cost.first_chunk_s if streaming else 0.0)
            rendering_s = max(SLOWER * decoding_s, peak_s)
        reserve_s = RESERVE * load.at_once * self._block_s if sounds and load.at_once > 1 else 0.0
        return min(self.margin_s(now) + rendering_s + reserve_s, self._most_s)
