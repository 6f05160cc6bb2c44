"""Tests for the queue of finished blocks of sound, and for the signals between the threads that use it."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np

from realtime.live.ring import Ring, Signal


def test_ring_returns_blocks_in_order() -> None:
    ring = Ring(3, 4, 2)
    out = np.empty((4, 2), np.float32)
    for value in range(10):
        ring.slot()[:] = value
        ring.commit()
        if ring.full:
            while not ring.empty:
                expected = ring.read
                ring.take(out)
                np.testing.assert_array_equal(out, expected)
    assert (ring.written, ring.read) == (10, 9)


def test_signals_set_before_a_wait_end_only_one_wait() -> None:
    signal = Signal()
    assert not signal.wait(0.0)
    signal.set()
    signal.set()
    assert signal.wait(0.0)
    assert not signal.wait(0.0)


def test_signal_wakes_a_waiting_thread() -> None:
    signal, rounds = Signal(), []
    thread = threading.Thread(target=lambda: rounds.append(signal.wait(30.0)))
    thread.start()
    signal.set()
    thread.join()
    assert rounds == [True]


def test_ring_copies_a_block_without_allocating_another() -> None:
    ring, out = Ring(2, 4096, 2), np.zeros((4096, 2), np.float32)
    ring.commit()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    ring.take(out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < out.nbytes / 8
