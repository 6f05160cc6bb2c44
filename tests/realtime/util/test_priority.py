"""Tests for the priorities of a server's processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from realtime.util import priority

SHOW = """
import os
from realtime.util import priority
priority.before_ordinary(priority.CONTROL)
if os.sched_getscheduler(0) != os.SCHED_RR:
    print("not allowed")
elif os.fork() == 0:
    priority.last()
    print(os.sched_getscheduler(0) == os.SCHED_OTHER, os.nice(0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="real-time priorities are set only on Linux")
def test_child_of_a_real_time_process_can_take_the_lowest_priority() -> None:
    said = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() in ("True 19", "not allowed")


@pytest.mark.skipif(sys.platform != "linux", reason="real-time priorities are set only on Linux")
@pytest.mark.parametrize("test", ["first", "second"])
def test_priority_set_by_a_test_is_restored_after_it(test: str) -> None:
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    priority.before_ordinary(priority.CONTROL)
