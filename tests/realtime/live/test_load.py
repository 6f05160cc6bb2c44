"""Tests for the render thread's load: the time that it takes for a block, relative to the block's duration.

A decoder call decodes one tick (a fixed number of frames) of all voices, and more ticks under high load.
"""

from __future__ import annotations

import pytest

from realtime.live.load import CALM_S, CAREFUL, HIGH, LOW, OUTLIER, SETTLE_S, Load

BLOCK_S = 0.0025


def feed(load: Load, share: float, seconds: float, now: float, decoding: bool = True) -> float:
    """Report blocks for `seconds`, each rendered in `share` of its duration; return the time at the end."""
    for _ in range(round(seconds / BLOCK_S)):
        load.took(share * BLOCK_S, decoding, now)
        now += BLOCK_S
    return now


def test_ticks_per_call_rise_under_high_load_and_fall_after_a_calm_time() -> None:
    load = Load(BLOCK_S)
    now = feed(load, HIGH - 0.05, 5.0, 100.0)
    assert load.at_once == 1
    now = feed(load, HIGH + 0.3, SETTLE_S, now)
    assert load.at_once == 2
    now = feed(load, HIGH + 0.3, 2 * SETTLE_S, now)
    assert load.at_once == 4
    now = feed(load, HIGH + 0.3, 5.0, now)
    assert load.at_once == 4  # this is the maximum
    now = feed(load, 0.5 * (LOW + HIGH), 3 * CALM_S, now)
    assert load.at_once == 4  # the load is neither high nor low
    now = feed(load, 0.0, 1.2 * CALM_S, now)
    assert load.at_once == 2
    feed(load, 0.0, 1.2 * CALM_S, now)
    assert load.at_once == 1


def test_pause_of_the_machine_does_not_count_as_load() -> None:
    load = Load(BLOCK_S)
    now = feed(load, 0.3, 1.0, 100.0)
    load.took(1.0, True, now)
    assert load.mean < HIGH
    feed(load, 0.3, SETTLE_S, now)
    assert load.at_once == 1


def test_peak_load_decays_and_is_that_of_blocks_with_decoding() -> None:
    load = Load(BLOCK_S)
    assert load.peak_s == CAREFUL * BLOCK_S
    now = feed(load, 0.1, 10.0, 0.0)
    assert load.peak_s == pytest.approx(0.1 * BLOCK_S)
    load.took(2.5 * BLOCK_S, False, now)
    assert load.peak_s == pytest.approx(0.1 * BLOCK_S)
    load.took(2.5 * BLOCK_S, True, now)
    assert load.peak_s == 2.5 * BLOCK_S
    load.took(1.0, True, now)  # as if the machine had paused
    assert load.peak_s == OUTLIER * BLOCK_S
    feed(load, HIGH + 0.3, 2 * SETTLE_S, now)
    load.took(1.0, True, now)
    assert load.peak_s == OUTLIER * load.at_once * BLOCK_S > OUTLIER * BLOCK_S


def test_load_is_too_high_before_the_queue_empties_but_not_after_one_pause() -> None:
    load = Load(BLOCK_S)
    now = feed(load, 0.3, 1.0, 0.0)
    load.took(1.0, True, now)
    assert not load.too_high(BLOCK_S)
    now = feed(load, 1.2, 1.0, now)
    soon_s = 1.2 * BLOCK_S + load.fading * 0.2 * BLOCK_S
    assert load.too_high(soon_s - 1e-5)
    assert not load.too_high(soon_s + 1e-5)
    feed(load, 0.9, 1.0, now)
    assert not load.too_high(0.0)
