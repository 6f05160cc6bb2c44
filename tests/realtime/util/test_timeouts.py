"""Asking what may not answer."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading

import pytest

from realtime.util.timeouts import TimedCaller

# Ends while something is closed that takes so long.
EXIT = """
import atexit, sys, time
from realtime.util import timeouts
atexit.register(print, "in order")
timeouts.call_within(0.01, lambda: time.sleep(float(sys.argv[1])))
print("the end")
timeouts.exit_with(3)
"""


@pytest.mark.parametrize(("closing_s", "said"), [(0.0, "the end\nin order\n"), (600.0, "the end\n")])
def test_libraries_are_not_torn_down_under_what_is_still_busy(closing_s: float, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", EXIT, str(closing_s)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, said, "")


def test_an_answer_and_an_error_are_passed_on() -> None:
    patience = TimedCaller(10.0)
    assert patience.ask(lambda: 7) == 7
    with pytest.raises(OSError, match="no such card"):
        patience.ask(lambda: _fail(OSError("no such card")))
    assert patience.ask(lambda: 8) == 8


def _fail(error: Exception) -> int:
    raise error


def test_no_answer_is_an_error_and_nothing_is_asked_until_it_has_come() -> None:
    patience, known = TimedCaller(0.05), threading.Event()
    late: queue.Queue[int] = queue.Queue()

    def question() -> int:
        known.wait()
        return 7

    with pytest.raises(TimeoutError):
        patience.ask(question, late.put)
    with pytest.raises(TimeoutError):
        patience.ask(lambda: 8)
    known.set()
    assert late.get(timeout=30) == 7
    assert patience._asking is not None
    patience._asking.join()
    assert TimedCaller(10.0).ask(lambda: 9) == 9
    assert patience.ask(lambda: 9, late.put) == 9
    assert late.empty()


def test_an_error_that_comes_late_is_no_ones() -> None:
    patience, known = TimedCaller(0.05), threading.Event()

    def question() -> int:
        known.wait()
        raise OSError("no such card")

    with pytest.raises(TimeoutError):
        patience.ask(question)
    known.set()
    assert patience._asking is not None
    patience._asking.join()
