"""Runs the decoder on every usual tensor shape before playing, and measures how long decoding takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.live.load import AT_ONCE
from realtime.synth.mixer import Cost, Mixer, slots_for

RUNS = 3
BUDGET = 0.8  # maximum decoding time of a tick as a fraction of the tick's duration


def warm_up(mixer: Mixer) -> Cost:
    """Decode every usual shape once, because the first call is slow; set and return `mixer.cost`."""
    timing, voices = mixer.timing, mixer.voices
    longest = timing.first_frames + (AT_ONCE[-1] - 1) * timing.chunk_frames
    for frames in range(1, min(longest, mixer.max_frames, timing.frames) + 1):
        mixer.rehearse(1, frames)
    for at_once in AT_ONCE[1:]:
        together = min(at_once * timing.chunk_frames, timing.frames)
        for count in (*range(1, voices + 1), slots_for(voices)):  # the last count needs the most memory
            mixer.rehearse(count, together)
    first_s = _seconds(lambda: mixer.rehearse(1, timing.first_frames))
    tick_s = timing.tick_start(1) / mixer.sample_rate
    costs = [
        _seconds(lambda count=count: mixer.rehearse(count, timing.chunk_frames))  # type: ignore[misc]
        for count in range(1, voices + 1)
    ]
    for frames in range(1, mixer.stride + timing.chunk_frames):
        mixer.rehearse_resume(frames)
    moved_s = _seconds(lambda: mixer.rehearse_resume(mixer.stride // 2 + timing.chunk_frames))
    moved = max(1, round(moved_s / first_s))
    sustained = sum(seconds < BUDGET * tick_s for seconds in costs)
    mixer.cost = cost = Cost(first_s, sustained, tuple(costs), tick_s, moved)
    return cost


def _seconds(work: Callable[[], None]) -> float:
    """Return the median time of `RUNS` runs, in seconds."""
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2]
