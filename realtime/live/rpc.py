"""Calls from one process to another: by name, in order, over a connection of `multiprocessing`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from realtime.util.errors import RealtimeError

Calls = Mapping[str, Callable[..., Any]]

GONE, STUCK = "the process that plays has ended", "the process that plays does not answer"


class RpcError(RealtimeError):
    """The other process has ended, or does not answer."""


class RpcClient:
    """The end that calls; for any thread.

    Args:
        connection: to the other end.
        limit_s: how long an answer is waited for; then the other end counts as gone. None is for ever.
    """

    def __init__(self, connection: Connection, limit_s: float | None = None) -> None:
        self._connection = connection
        self._limit_s = limit_s
        self._turn = threading.Lock()
        self._stuck = False

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Another thread may have its turn for ever: what it sends is not taken."""
        if self._stuck or not self._turn.acquire(timeout=-1 if self._limit_s is None else self._limit_s):
            self._stuck = True
            raise RpcError(STUCK)
        try:
            yield
        finally:
            self._turn.release()

    def tell(self, name: str, *arguments: Any) -> None:
        """Call without waiting for anything.

        Raises:
            RpcError: nobody is there, or takes anything.
        """
        with self._my_turn():
            try:
                self._connection.send((False, name, arguments))
            except OSError as error:
                raise RpcError(GONE) from error

    def ask(self, name: str, *arguments: Any, limit_s: float | None = None) -> Any:
        """What the call returns.

        Args:
            limit_s: how long this answer is waited for; None is as long as for all others.

        Raises:
            RealtimeError: what it raised, or `RpcError` if nobody is there.
        """
        with self._my_turn():
            try:
                self._connection.send((True, name, arguments))
                if not self._connection.poll(self._limit_s if limit_s is None else limit_s):
                    self._stuck = True  # what comes now would answer another question
                    raise RpcError(STUCK)
                error, value = self._connection.recv()
            except (OSError, EOFError) as gone:
                raise RpcError(GONE) from gone
        if error:
            raise RealtimeError(error)
        return value

    @property
    def closed(self) -> bool:
        """Whether it has been given up here, as after an answer that did not come."""
        return self._stuck or self._connection.closed

    def close(self) -> None:
        """The other end is told that nothing will come any more."""
        self._connection.close()

    def reconnect(self, connection: Connection) -> None:
        """Call somebody else from now on."""
        with self._turn:
            self._connection.close()
            self._connection, self._stuck = connection, False


def answer(connection: Connection, calls: Calls) -> None:
    """The end that is called: carries out what comes in, until the other end is closed."""
    while True:
        try:
            wanted, name, arguments = connection.recv()
        except (OSError, EOFError):
            return
        reply: tuple[str, Any]
        try:
            reply = "", calls[name](*arguments)
        except RealtimeError as error:
            reply = str(error), None
        except Exception as error:  # a mistake of ours: told, and whoever has asked does not wait for ever
            logging.getLogger(__name__).exception("while asked for %s", name)
            reply = f"{type(error).__name__}: {error}", None
        if wanted:
            try:
                connection.send(reply)
            except OSError:
                return
