"""Background jobs: work that is too slow for the thread that handles messages, done on another thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from realtime.util.errors import ControlError, RealtimeError

MAX_JOBS = 64  # maximum number of waiting jobs
CLOSE_TIMEOUT_S = 0.3

Finish = Callable[[Any], Any]


class Jobs:
    """A queue of jobs. Call all methods from one thread; the jobs run on another thread."""

    def __init__(self) -> None:
        self._todo: queue.Queue[tuple[Callable[[], Any], Finish] | None] = queue.Queue(MAX_JOBS)
        self._done: queue.SimpleQueue[tuple[Finish, Any]] = queue.SimpleQueue()
        self._open = 0
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Return True if jobs are waiting, running, or finished but not collected."""
        return self._open > 0

    def require_room(self) -> None:
        """Check that a job can be queued. Call this before changing the state that the job will save.

        Raises:
            ControlError: too many jobs are waiting.
        """
        if self._todo.full():
            raise ControlError("too many background jobs are waiting")

    def submit(self, work: Callable[[], Any], finish: Finish) -> None:
        """Queue `work`; call `require_room` first.

        Once `work` is done, the method `finished` yields `finish` and the result of `work`, or a
        RealtimeError if `work` raised an error.
        """
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="jobs", daemon=True)
            thread.start()
            self._thread = thread
        self._todo.put_nowait((work, finish))
        self._open += 1

    def finished(self) -> Iterator[tuple[Finish, Any]]:
        """Yield (finish, result) for each job that has finished since the last call."""
        while True:
            try:
                finish, result = self._done.get_nowait()
            except queue.Empty:
                return
            self._open -= 1
            yield finish, result

    def close(self) -> bool:
        """Drop waiting jobs; return True if no job is still running after `CLOSE_TIMEOUT_S`."""
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
            except Exception as error:  # a bug here or in a library must not end the server
                logging.getLogger(__name__).exception("in a background job")
                result = RealtimeError(f"{type(error).__name__}: {error}")
            self._done.put((finish, result))
