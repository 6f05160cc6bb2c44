"""When to render the next block: as late as it is safe, so that what comes in meanwhile is in it.

A block is begun `lead` seconds before the device takes it. The lead is what decoding may take in the worst
case, as measured at the start (`mixer.Cost`), or as the longest block has taken lately, and what begins on
top of it; a margin for the machine, which grows while there is sound and a block is finished at the last
moment, or later; and where the load is high (`load`) a reserve of blocks as long as anything sounds. What
comes in may make it longer: the block is then begun sooner, or, if it is too late for that, the next one. It
is never more than the queue holds; a queue that is kept full is the limit of a long lead.
"""

from __future__ import annotations

from math import ceil

from realtime.live.load import Load
from realtime.synth.mixer import Cost

MARGIN_S = 0.8e-3
TARDY_S = 0.4e-3  # of that, for the render thread to wake up
CAREFUL_S = 1.0e-3  # more at the start, when much is done for the first time
SPARE_S = 0.2e-3  # before its time, at least, a block shall be finished
MORE_S = 0.5e-3  # is added at a time: a margin is for what happens often, a long pause goes beyond any
RESERVE = 1.5  # blocks for each tick that is decoded at a time, where these are several
SLOWER = 1.5  # than the median that was measured at the start
RELIEF_S = 20.0  # after which the margin has lost half of what was added


class Pacing:
    """How far ahead of the device to be.

    Args:
        block_s: duration of a block.
        blocks: that the queue holds.
    """

    def __init__(self, block_s: float, blocks: int) -> None:
        self._block_s = block_s
        self._most_s = blocks * block_s
        self._added_s = 0.0
        self._since_s = 0.0

    def finished(self, spare_s: float, now: float) -> None:
        """Take note that a block was finished so long before its time; less than 0 is late."""
        if spare_s < SPARE_S:
            more_s = min(SPARE_S - spare_s, MORE_S)
            self._added_s = min(self.margin_s(now) - MARGIN_S + more_s, self._most_s)
            self._since_s = now

    def margin_s(self, now: float) -> float:
        """For what the machine does besides."""
        return MARGIN_S + self._added_s * float(0.5 ** ((now - self._since_s) / RELIEF_S))

    def lead_s(
        self, cost: Cost | None, streaming: int, begun: int, load: Load, now: float, sounds: bool
    ) -> float:
        """Seconds before its time that a block is to be begun.

        Args:
            cost: of decoding; None where it has not been measured, then the queue is kept full.
            streaming: voices that are being decoded.
            begun: streams that begin in this block.
            load: of the render thread.
            now: monotonic time in seconds.
            sounds: whether anything does before the block; a hit after silence does not wait for a reserve.
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
