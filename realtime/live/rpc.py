"""Remote procedure calls to another process: by name, in order, over a `multiprocessing` connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any

from realtime.util.errors import RealtimeError, explained

GONE, STUCK = "the worker process has ended", "the worker process does not answer"


class RpcError(RealtimeError):
    """The other process has ended, or does not answer."""


class RpcClient:
    """The calling end of a connection. Thread-safe.

    Args:
        connection: connection to the other process.
        limit_s: time limit for a reply, after which the other process counts as gone; None means no limit.
    """

    def __init__(self, connection: Connection, limit_s: float | None = None) -> None:
        self._connection = connection
        self._limit_s = limit_s
        self._turn = threading.Lock()
        self._stuck = False

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Wait for the turn of this thread; another thread may block in `send` if its data is not read."""
        if self._stuck or not self._turn.acquire(timeout=-1 if self._limit_s is None else self._limit_s):
            self._stuck = True
            raise RpcError(STUCK)
        try:
            yield
        finally:
            self._turn.release()

    def tell(self, name: str, *arguments: Any) -> None:
        """Call without waiting for a reply.

        Raises:
            RpcError: the other process has ended, or does not read.
        """
        with self._my_turn():
            try:
                self._connection.send((False, name, arguments))
            except OSError as error:
                raise RpcError(GONE) from error

    def ask(self, name: str, *arguments: Any, limit_s: float | None = None) -> Any:
        """Call and return the result.

        Args:
            limit_s: time limit for this reply; None selects the limit for all replies.

        Raises:
            RealtimeError: the call failed.
            RpcError: the other process has ended, or does not answer.
        """
        with self._my_turn():
            try:
                self._connection.send((True, name, arguments))
                if not self._connection.poll(self._limit_s if limit_s is None else limit_s):
                    self._stuck = True  # a late reply would be taken for the reply to the next call
                    raise RpcError(STUCK)
                error, value = self._connection.recv()
            except (OSError, EOFError) as gone:
                raise RpcError(GONE) from gone
        if error:
            raise RealtimeError(error)
        return value

    @property
    def closed(self) -> bool:
        """Return True if this end is closed, by `close` or after a missing reply."""
        return self._stuck or self._connection.closed

    def close(self) -> None:
        """Close the connection; the other end sees the end of the stream."""
        self._connection.close()

    def reconnect(self, connection: Connection) -> None:
        """Use a different connection from now on."""
        with self._turn:
            self._connection.close()
            self._connection, self._stuck = connection, False


class Proxy:
    """Stands for an object in the other process: each method calls the method of the same name there.

    Subclasses define the methods that must do more than that.

    Args:
        client: connection to the other process.
        name: attribute of the target of `answer`, such as "engine".
    """

    def __init__(self, client: RpcClient, name: str) -> None:
        self._client, self._name = client, name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._client.ask, f"{self._name}.{method}")


def answer(connection: Connection, target: object) -> None:
    """Handle incoming calls until the other end is closed.

    Args:
        target: object whose methods are called by name, such as "start", or "engine.status" for a method of
            the attribute `engine`.
    """
    while True:
        try:
            wanted, name, arguments = connection.recv()
        except (OSError, EOFError):
            return
        reply: tuple[str, Any]
        try:
            reply = "", attrgetter(name)(target)(*arguments)
        except Exception as error:
            if not (line := explained(error)):  # a bug: report it, to end the caller's wait
                logging.getLogger(__name__).exception("error in call %s", name)
                line = f"{type(error).__name__}: {error}"
            reply = line, None
        if wanted:
            try:
                connection.send(reply)
            except OSError:
                return
