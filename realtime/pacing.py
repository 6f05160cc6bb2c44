"""When to render the next block: as late as it is safe, so that what comes in meanwhile is in it.

A block is begun `lead` seconds before the device takes it. The lead is what decoding may take in the worst
case, as measured at the start (`mixer.Cost`), and a margin for the machine, which grows when a block comes
late. It is never more than the queue holds; a queue that is kept full is the limit of a long lead.
"""

from __future__ import annotations

from realtime.mixer import Cost

MARGIN_S = 0.8e-3
SLOWER = 1.5  # than the median that was measured at the start
#: streams that every block leaves time to begin, where that is cheap: a hit or a moved voice
READY = 1
CHEAP_S = 0.5e-3
RELIEF_S = 20.0  # after which the margin has lost half of what lateness has added


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
        self._late_s = 0.0

    def late(self, blocks: int, now: float) -> None:
        """Take note that so many blocks came late."""
        self._added_s = min(self.margin_s(now) - MARGIN_S + blocks * self._block_s / 2, self._most_s)
        self._late_s = now

    def margin_s(self, now: float) -> float:
        """For what the machine does besides."""
        return MARGIN_S + self._added_s * float(0.5 ** ((now - self._late_s) / RELIEF_S))

    def ready(self, cost: Cost | None) -> int:
        """Streams that may begin in a block without being reckoned with before."""
        cheap = cost is not None and SLOWER * READY * cost.first_chunk_s <= CHEAP_S
        return READY if cheap else 0

    def lead_s(self, cost: Cost | None, streaming: int, begun: int, now: float) -> float:
        """Seconds before its time that a block is to be begun.

        Args:
            cost: of decoding; None where it has not been measured, then the queue is kept full.
            streaming: voices that are being decoded.
            begun: streams that begin in this block.
            now: monotonic time in seconds.
        """
        if cost is None:
            return self._most_s
        begun = max(begun, self.ready(cost))
        voices = min(streaming + begun, len(cost.chunk_s))
        decoding_s = begun * cost.first_chunk_s + (cost.chunk_s[voices - 1] if voices else 0.0)
        return min(self.margin_s(now) + SLOWER * decoding_s, self._most_s)
