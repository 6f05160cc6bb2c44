"""Asking and ending what may not answer: a sound card's driver, a JACK server, a network."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NoReturn, TypeVar

Answer = TypeVar("Answer")

_busy: list[threading.Thread] = []  # that nobody waits for any more


def exit_with(code: int) -> NoReturn:
    """End the program: at once if something has still not answered, for an exit in order pulls the libraries
    away from under it, or waits for it.
    """
    if any(thread.is_alive() for thread in _busy):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def abandon(thread: threading.Thread) -> None:
    """Wait for it no more; the end of the program does not, either."""
    _busy.append(thread)


def call_within(limit_s: float, close: Callable[[], object]) -> None:
    """Call `close` in a thread of its own, and wait for it `limit_s` seconds at most."""
    closing = threading.Thread(target=close, name="close", daemon=True)
    closing.start()
    closing.join(limit_s)
    if closing.is_alive():
        abandon(closing)


class TimedCaller:
    """Asks one question at a time, each in a thread of its own, and waits so many seconds for the answer."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._asking: threading.Thread | None = None

    def ask(
        self, question: Callable[[], Answer], late: Callable[[Answer], object] = lambda answer: None
    ) -> Answer:
        """What `question` returns or raises.

        Args:
            late: is given an answer that came when nobody waited for it any more.

        Raises:
            TimeoutError: no answer in time, or none yet to what was asked before.
        """
        if self._asking is not None and self._asking.is_alive():
            raise TimeoutError
        answer: Future[Answer] = Future()

        def run() -> None:
            try:
                got = question()
            except Exception as error:
                if answer.set_running_or_notify_cancel():
                    answer.set_exception(error)
                return
            if answer.set_running_or_notify_cancel():
                answer.set_result(got)
            else:
                late(got)

        self._asking = threading.Thread(target=run, name="ask", daemon=True)
        self._asking.start()
        try:
            return answer.result(self._limit_s)
        except concurrent.futures.TimeoutError:  # another class than the builtin on Python 3.10
            if answer.cancel():
                abandon(self._asking)
                raise TimeoutError from None
            return answer.result()  # it has come just now
