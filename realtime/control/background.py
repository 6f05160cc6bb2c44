"""Work that takes longer than a message may: done one by one on a thread of its own, answered when it is."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from realtime.util.errors import RealtimeError

MAX_JOBS = 64  # waiting
CLOSE_TIMEOUT_S = 0.3

Finish = Callable[[Any], Any]


class Jobs:
    """A queue of work. `submit`, `finished` and `close` are for one thread; the work runs on another."""

    def __init__(self) -> None:
        self._todo: queue.Queue[tuple[Callable[[], Any], Finish] | None] = queue.Queue(MAX_JOBS)
        self._done: queue.SimpleQueue[tuple[Finish, Any]] = queue.SimpleQueue()
        self._open = 0
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether work is being done, or done and not taken notice of."""
        return self._open > 0

    def submit(self, work: Callable[[], Any], finish: Finish) -> bool:
        """Have `work` done; `finished` will then give `finish` and its result, or the error it raised.

        Returns:
            False if too much is waiting.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
            self._thread.start()
        try:
            self._todo.put_nowait((work, finish))
        except queue.Full:
            return False
        self._open += 1
        return True

    def finished(self) -> Iterator[tuple[Finish, Any]]:
        """What has been done since the last call."""
        while True:
            try:
                finish, result = self._done.get_nowait()
            except queue.Empty:
                return
            self._open -= 1
            yield finish, result

    def close(self) -> bool:
        """Take up nothing new; whether all that was begun has ended in time."""
        if self._thread is None:
            return True
        try:
            while True:
                self._todo.get_nowait()
        except queue.Empty:
            self._todo.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._todo.get()) is not None:
            work, finish = job
            try:
                result = work()
            except RealtimeError as error:
                result = error
            except Exception as error:  # a mistake of ours, or of a library: told, and the server goes on
                logging.getLogger(__name__).exception("while working")
                result = RealtimeError(f"{type(error).__name__}: {error}")
            self._done.put((finish, result))
