"""Tests for calls that have a time limit because they may never return."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time

import pytest

from realtime.util.timeouts import TimedCaller

# This program starts a call that takes sys.argv[1] seconds, and exits while the call may still run.
EXIT = """
import atexit, sys, time
from realtime.util import timeouts
atexit.register(print, "in order")
timeouts.call_within(0.01, lambda: time.sleep(float(sys.argv[1])))
print("the end")
timeouts.exit_with(3)
"""


@pytest.mark.parametrize(("closing_s", "said"), [(0.0, "the end\nin order\n"), (600.0, "the end\n")])
def test_exit_handlers_are_skipped_while_a_call_still_runs(closing_s: float, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", EXIT, str(closing_s)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, said, "")


def test_result_and_exception_are_passed_on() -> None:
    caller = TimedCaller(10.0)
    assert caller.call(lambda: 7) == 7
    with pytest.raises(OSError, match="no such card"):
        caller.call(lambda: _fail(OSError("no such card")))
    assert caller.call(lambda: 8) == 8


def answer_of(caller: TimedCaller, answer: int) -> int:
    """Try to call a function that returns `answer` until an earlier call has ended; return its result."""
    end = time.monotonic() + 30.0
    while True:
        with contextlib.suppress(TimeoutError):
            return caller.call(lambda: answer)
        assert time.monotonic() < end


def _fail(error: Exception) -> int:
    raise error


def test_call_that_times_out_blocks_further_calls_until_it_returns() -> None:
    caller, answered = TimedCaller(0.05), threading.Event()
    late: queue.Queue[int] = queue.Queue()

    def question() -> int:
        answered.wait()
        return 7

    with pytest.raises(TimeoutError):
        caller.call(question, late.put)
    with pytest.raises(TimeoutError):
        caller.call(lambda: 8)
    answered.set()
    assert late.get(timeout=30) == 7
    assert answer_of(caller, 9) == 9
    assert late.empty()


def test_late_exception_is_dropped() -> None:
    caller, answered = TimedCaller(0.05), threading.Event()

    def question() -> int:
        answered.wait()
        raise OSError("no such card")

    with pytest.raises(TimeoutError):
        caller.call(question)
    answered.set()
    assert answer_of(caller, 9) == 9
