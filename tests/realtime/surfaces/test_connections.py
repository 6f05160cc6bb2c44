"""TCP connections: how many there may be, and that clients which read nothing are let go."""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable, Iterator

import pytest

from realtime.control.access import Access
from realtime.surfaces.connections import MAX_ALL, MAX_EACH, Connections

TIMEOUT_S = 30.0
Converse = Callable[[Connections, socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Converse], int]]:
    """Serve on a free port of this machine; return the port."""
    running: list[Connections] = []

    def start(converse: Converse) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)

        def talk(connection: socket.socket, address: tuple[str, int]) -> None:
            with connection:
                converse(running[0], connection)

        running.append(Connections(listener, talk, Access()))
        running[0].start()
        return int(listener.getsockname()[1])

    yield start
    running[0].stop(TIMEOUT_S)


def dial(port: int, source: int = 1) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), TIMEOUT_S, (f"127.0.0.{source}", 0))
    client.settimeout(TIMEOUT_S)
    return client


def wait(connections: Connections, connection: socket.socket) -> None:
    connection.sendall(b"!")
    connection.recv(1)


def test_the_oldest_of_all_gives_way_to_the_newest(serve: Callable[[Converse], int]) -> None:
    port = serve(wait)
    clients = [dial(port, 1 + number // MAX_EACH) for number in range(MAX_ALL + 3)]
    assert [client.recv(2) for client in clients[3:]] == [b"!"] * MAX_ALL
    for client in clients[:3]:
        assert (client.recv(2), client.recv(2)) == (b"!", b"")
    for client in clients[3:]:
        client.sendall(b"?")
        assert client.recv(2) == b""  # it was still there
        client.close()
    for client in clients[:3]:
        client.close()


def test_a_client_that_stays_and_reads_nothing_is_let_go(serve: Callable[[Converse], int]) -> None:
    told: queue.Queue[str] = queue.Queue()

    def flood(connections: Connections, connection: socket.socket) -> None:
        assert connections.keep(connection)
        try:
            while True:
                connection.sendall(bytes(1 << 20))
        except OSError:
            told.put("let go")

    with dial(serve(flood)):
        assert told.get(timeout=TIMEOUT_S) == "let go"
