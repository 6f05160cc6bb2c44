"""Time limits for calls that may never return: audio drivers, JACK servers, networks."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NoReturn, TypeVar

Answer = TypeVar("Answer")

_abandoned: list[threading.Thread] = []


def exit_with(code: int) -> NoReturn:
    """End the program, without cleanup if an abandoned thread is still running.

    A normal exit would unload libraries that the thread uses, or wait for the thread.
    """
    if any(thread.is_alive() for thread in _abandoned):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def abandon(thread: threading.Thread) -> None:
    """Stop waiting for a thread; `exit_with` does not wait for the thread either."""
    _abandoned.append(thread)


def call_within(limit_s: float, close: Callable[[], object]) -> None:
    """Call `close` on a new thread, and wait at most `limit_s` seconds for the end of the call."""
    closing = threading.Thread(target=close, name="close", daemon=True)
    closing.start()
    closing.join(limit_s)
    if closing.is_alive():
        abandon(closing)


class TimedCaller:
    """Makes one call at a time, each on a new thread, and waits at most `limit_s` seconds for its result."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._calling: threading.Thread | None = None

    def call(
        self, function: Callable[[], Answer], late: Callable[[Answer], object] = lambda answer: None
    ) -> Answer:
        """Call `function`; return its result or raise its exception.

        Args:
            function: function to call.
            late: receives a result that arrives after the time limit.

        Raises:
            TimeoutError: there is no result in time, or an earlier call has not returned yet.
        """
        if self._calling is not None and self._calling.is_alive():
            raise TimeoutError
        answer: Future[Answer] = Future()

        def run() -> None:
            try:
                got = function()
            except Exception as error:
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(error)
                return
            if answer.set_running_or_notify_cancel():
                answer.set_result(got)
            else:
                late(got)

        self._calling = threading.Thread(target=run, name="call", daemon=True)
        self._calling.start()
        try:
            return answer.result(self._limit_s)
        except concurrent.futures.TimeoutError:  # not the builtin TimeoutError on Python 3.10
            if answer.cancel():
                abandon(self._calling)
                raise TimeoutError from None
            return answer.result()  # the result arrived just now
