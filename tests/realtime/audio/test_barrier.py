"""Tests for memory barriers between the two processes that share a bridge's memory."""

from __future__ import annotations

import platform
import sys

import pytest

from realtime.audio import barrier
from realtime.util.errors import RealtimeError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bridge needs Linux")


def test_system_call_for_the_barrier_works_on_this_machine() -> None:
    barrier.membarrier(platform.machine())()


def test_unknown_machine_is_refused() -> None:
    with pytest.raises(RealtimeError, match="no memory barrier for m68k, only for aarch64"):
        barrier.of("m68k")


def test_failing_system_call_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barrier, "_GLOBAL_EXPEDITED", 1 << 30)
    with pytest.raises(RealtimeError, match="membarrier fails: Invalid argument"):
        barrier.membarrier(platform.machine())
