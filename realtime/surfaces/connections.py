"""TCP connections of a server: admitted by address and number, each with a thread, all ended on time."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from realtime.control.access import Access

MAX_EACH = 16  # connections of one address
MAX_ALL = 64
MAX_THREADS = 96  # with those that are ending
KEPT_SHARE = 0.75  # of either limit: those that may stay for good, so that a question always gets through
STALL_S = 2.0  # a client that stays and reads nothing for so long is let go
LOOK_S = 0.1  # between two looks for stalled clients
AGAIN_S = 0.1  # until the next try where the system has no descriptor or thread to give

_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


@dataclass(eq=False)
class _Client:
    host: str
    socket: socket.socket
    thread: threading.Thread | None = None
    kept: bool = False  # until it goes by itself
    ending: bool = False
    wrote_s: float = 0.0  # when its socket last took data


class Connections:
    """Accepts connections and has `converse` talk to each client, in a thread of its own.

    Where an address has `MAX_EACH` connections, or all have `MAX_ALL`, a new one takes the place of the
    oldest that is not kept. Where the system has no descriptor or thread left, clients wait until it has.

    Args:
        listener: a TCP socket that listens; closed by `stop`.
        converse: is given a socket and the address of its other end, and closes the socket.
        gate: decides which addresses may connect, and how often; used by no other thread.
    """

    def __init__(
        self,
        listener: socket.socket,
        converse: Callable[[socket.socket, tuple[str, int]], None],
        gate: Access,
    ) -> None:
        self._listener, self._converse, self._gate = listener, converse, gate
        self._clients: list[_Client] = []  # the oldest first
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="connections", daemon=True)
        listener.setblocking(False)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self, limit_s: float) -> None:
        """Accept no more, end all connections, and wait at most `limit_s` for their threads."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()
        with self._turn:
            clients = list(self._clients)
        for client in clients:
            _end(client)
        end_s = time.monotonic() + limit_s
        for client in clients:
            if client.thread is not None:
                client.thread.join(max(0.0, end_s - time.monotonic()))

    def keep(self, connection: socket.socket) -> bool:
        """Let a connection stay until its client goes; return False where too many stay already."""
        with self._turn:
            client = next((each for each in self._clients if each.socket is connection), None)
            if client is None or client.ending:
                return False
            kept = [each.host for each in self._clients if each.kept and not each.ending]
            if kept.count(client.host) >= MAX_EACH * KEPT_SHARE or len(kept) >= MAX_ALL * KEPT_SHARE:
                return False
            client.kept, client.wrote_s = True, time.monotonic()
            return True

    def _accept(self) -> None:
        with _Selector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._closing.is_set():
                if selector.select(LOOK_S):
                    self._admit()
                self._end_stalled()

    def _admit(self) -> None:
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionError):  # it has gone meanwhile
            return
        except OSError:  # no descriptor is left
            self._closing.wait(AGAIN_S)
            return
        connection.setblocking(True)
        if not self._gate.admits(address[0], 0) or not self._make_room(address[0]):
            connection.close()
            return
        client = _Client(address[0], connection)
        client.thread = threading.Thread(target=self._run, args=(client, address), name="client", daemon=True)
        with self._turn:
            self._clients.append(client)
        try:
            client.thread.start()
        except RuntimeError:  # no thread is left
            self._forget(client)
            connection.close()
            self._closing.wait(AGAIN_S)

    def _make_room(self, host: str) -> bool:
        """End connections until one more of this address fits; return False if none may be ended."""
        with self._turn:
            for address, limit in ((host, MAX_EACH), (None, MAX_ALL)):
                there = [c for c in self._clients if not c.ending and address in (None, c.host)]
                if len(there) >= limit:
                    oldest = next((client for client in there if not client.kept), None)
                    if oldest is None:
                        return False
                    _end(oldest)
            return len(self._clients) < MAX_THREADS

    def _run(self, client: _Client, address: tuple[str, int]) -> None:
        try:
            self._converse(client.socket, address)
        finally:
            self._forget(client)

    def _forget(self, client: _Client) -> None:
        with self._turn:
            self._clients.remove(client)

    def _end_stalled(self) -> None:
        """End the connections that stay although their clients read nothing."""
        with self._turn:
            kept = [client for client in self._clients if client.kept and not client.ending]
            takes = writable([client.socket for client in kept])
            now = time.monotonic()
            for client in kept:
                if client.socket in takes:
                    client.wrote_s = now
                elif now - client.wrote_s > STALL_S:
                    _end(client)


def writable(sockets: list[socket.socket]) -> set[socket.socket]:
    """Return those of the open sockets that take data without making anybody wait, at this moment."""
    with _Selector() as selector:
        for each in sockets:
            with contextlib.suppress(ValueError):  # closed meanwhile
                selector.register(each, selectors.EVENT_WRITE, each)
        return {key.data for key, _ in selector.select(0)}


def _end(client: _Client) -> None:
    """Shut the socket, which wakes each thread that waits for it; the one that owns it closes it."""
    client.ending = True
    with contextlib.suppress(OSError):  # the other end has gone already
        client.socket.shutdown(socket.SHUT_RDWR)
