"""Finds the time of each sample and the new events in the cycles of a JACK client, without JACK or a clock.

JACK skips cycles when a client is late, and then runs the late client several times in the latest cycle,
each time with the events of that cycle. After an interruption of the audio (an xrun), JACK's own time of a
sample (`jack_frame_time`) is wrong by at least the length of the xrun, and takes five seconds to settle.
"""

from __future__ import annotations

from realtime.util import clocks

FRAMES = 2**32  # JACK's count of frames wraps around here

Event = tuple[int, bytes]
"""Position in the cycle, in samples, and MIDI message."""


class Cycles:
    """Follows the cycles of a client.

    The time of an event is the time of its sample, counted from the monotonic time of the first cycle. Evenly
    spaced events therefore have evenly spaced times, regardless of when the cycles run. `monotonic` converts
    such a time to monotonic time.

    Args:
        rate_hz: sample rate of the JACK server.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._frame: int | None = None  # index of the first sample of the latest cycle
        self._begin_s = 0.0
        self._behind_s = 0.0  # monotonic time minus time counted in samples, smoothed
        self._events: list[Event] = []

    def run(self, frame: int, begun_s: float, events: list[Event]) -> list[tuple[bytes, float]]:
        """Begin a cycle, or repeat the latest cycle; return its new messages, each with its time in seconds.

        Args:
            frame: index of the first sample of the cycle, modulo `FRAMES`.
            begun_s: monotonic time at which the cycle began.
            events: all events of the cycle.
        """
        if self._frame is None:
            self._begin_s = begun_s
        elif frame != self._frame:
            self._begin_s += (frame - self._frame) % FRAMES / self._rate_hz
        old = self._events.copy() if frame == self._frame else []
        self._frame, self._events = frame, events
        self._behind_s = clocks.corrected(self._behind_s, begun_s - self._begin_s)
        new = []
        for event in events:
            if event in old:
                old.remove(event)
            else:
                new.append((event[1], self._begin_s + event[0] / self._rate_hz))
        return new

    def monotonic(self, time_s: float) -> float:
        """Convert a recent time, counted in samples, to monotonic time; both are in seconds."""
        return time_s + self._behind_s
