"""JACK may repeat or skip cycles; each MIDI event is received once, at its exact time."""

from __future__ import annotations

import pytest

from realtime.surfaces.jack_cycles import FRAMES, Cycles

RATE_HZ, PERIOD = 48_000, 128
PERIOD_S = PERIOD / RATE_HZ
TICK, OTHER = (5, b"\xf8"), (7, b"\xfa")


def test_times_follow_samples_despite_late_and_skipped_cycles_and_an_overflowing_count() -> None:
    cycles, first = Cycles(RATE_HZ), FRAMES - 3 * PERIOD
    for cycle, late_s in ((0, 0.0), (1, 0.002), (4, 0.0), (5, 0.004), (9, 0.0)):
        frame = (first + cycle * PERIOD) % FRAMES
        [(message, at)] = cycles.run(frame, 10.0 + cycle * PERIOD_S + late_s, [TICK])
        assert message == TICK[1]
        assert at == pytest.approx(10.0 + cycle * PERIOD_S + TICK[0] / RATE_HZ, abs=1e-9)


def test_repeated_cycle_gives_only_its_new_events() -> None:
    cycles = Cycles(RATE_HZ)
    assert [message for message, _ in cycles.run(0, 0.0, [TICK])] == [TICK[1]]
    assert cycles.run(0, 0.0, [TICK]) == []
    assert [message for message, _ in cycles.run(0, 0.0, [TICK, TICK, OTHER])] == [TICK[1], OTHER[1]]
    assert [message for message, _ in cycles.run(PERIOD, PERIOD_S, [TICK])] == [TICK[1]]


@pytest.mark.parametrize("held_s", [0.012, 0.3])
def test_time_estimate_adapts_to_an_interruption_within_a_quarter_of_a_second(held_s: float) -> None:
    cycles, at = Cycles(RATE_HZ), 0.0
    for cycle in range(200):
        cycles.run(cycle * PERIOD, 10.0 + cycle * PERIOD_S + (held_s if cycle >= 100 else 0.0), [])
        if cycle == 99:
            assert cycles.monotonic(10.0) == pytest.approx(10.0, abs=1e-9)
        at = 10.0 + cycle * PERIOD_S
    assert cycles.monotonic(at) == pytest.approx(at + held_s, abs=1e-4)
