"""Tests for an audio device's clock, which estimates the times of samples; the first sample is the origin."""

from __future__ import annotations

import pytest

from realtime.util.clocks import DeviceClock

RATE, BLOCK = 48_000, 128


def test_clock_corrects_small_deviations_gradually_and_large_ones_at_once() -> None:
    clock = DeviceClock(RATE)
    clock.origin_s, origin_s = 100.005, 100.0
    clock.taken = origin_s + BLOCK / RATE, BLOCK
    clock.follow()
    assert origin_s + 0.004 < clock.origin_s < origin_s + 0.005
    for sample in range(2 * BLOCK, 400 * BLOCK, BLOCK):
        clock.taken = origin_s + sample / RATE, sample
        clock.follow()
    assert clock.origin_s == pytest.approx(origin_s, abs=1e-6)
    clock.taken = origin_s + 1.0 + BLOCK / RATE, BLOCK
    clock.follow()
    assert clock.origin_s == pytest.approx(origin_s + 1.0, abs=1e-6)


def test_time_left_is_counted_from_the_origin_or_from_the_latest_block() -> None:
    clock = DeviceClock(RATE)
    started_s = clock.restart()
    assert clock.left_s(RATE, started_s + 0.75) == pytest.approx(0.25)
    assert clock.left_since_taken_s(RATE, started_s) is None  # no block has been taken yet
    clock.taken = 200.0, BLOCK
    assert clock.left_since_taken_s(3 * BLOCK, 200.001) == pytest.approx(2 * BLOCK / RATE - 0.001)
    assert clock.left_since_taken_s(3 * BLOCK, 201.0) is None  # the latest block was taken too long ago


def test_sample_at_a_time_is_counted_from_the_origin() -> None:
    clock = DeviceClock(RATE)
    clock.origin_s = 100.0
    assert clock.sample_at(100.49) == pytest.approx(0.49 * RATE)
