"""Tests for the server with hostile clients."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.realtime.surfaces.handshake import handshake
from tests.system.rig import Server


def query_port(server: Server) -> int:
    return int(server.wait_for(r"^page .*:(\d+)")[1])


def test_state_is_saved_before_clients_are_disconnected(tiny_model: Path, tmp_path: Path) -> None:
    """Eight of nine websockets stall; when the ninth is disconnected, the last z is already in the file."""
    presets = tmp_path / "presets.json"
    point = [0.25, -0.5, 0.75, 1.0]
    found: list[object] = []
    with ExitStack() as parts:
        server = parts.enter_context(Server(tiny_model, "--null", "--presets", str(presets)))
        port = query_port(server)
        for _ in range(8):
            stalled = parts.enter_context(socket.create_connection(("127.0.0.1", port)))
            stalled.sendall(handshake())
            assert stalled.recv(12) == b"HTTP/1.1 101"
        client = parts.enter_context(connect(f"ws://127.0.0.1:{port}/", compression=None))

        def listen() -> None:
            with pytest.raises(ConnectionClosed):
                client.recv()
            found.append(json.loads(presets.read_text()) if presets.exists() else None)

        listener = threading.Thread(target=listen)
        listener.start()
        server.send("/morph/z", *point)
        server.ask("/ping")
        assert server.stop() == 0
        listener.join()
    assert json.dumps(point) in json.dumps(found)


def test_five_hundred_idle_connections_do_not_block_new_clients(tiny_model: Path) -> None:
    limited = ("sh", "-c", 'ulimit -n 512; exec "$@"', "sh")
    with ExitStack() as parts:
        server = parts.enter_context(Server(tiny_model, "--null", prefix=limited))
        port = query_port(server)
        for _ in range(500):
            parts.enter_context(socket.create_connection(("127.0.0.1", port)))
        with socket.create_connection(("127.0.0.1", port), 30.0) as client:
            client.sendall(b"GET /?HOST_INFO HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        assert server.ask("/ping") == ("/pong", [])
        assert server.stop() == 0
