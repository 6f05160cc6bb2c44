"""Forwards datagrams between clients and the server, in both directions, and keeps the clients' messages."""

from __future__ import annotations

import select
import socket
import threading
import time
from types import TracebackType

from realtime.control.osc import parse
from realtime.control.protocol import Message
from tests.system.rig import TIMEOUT_S


class Tap:
    """A UDP port that forwards the datagrams of clients to the server, each client's from a separate socket.

    Attributes:
        port: the port to which clients send.
        received: the messages of the clients in the order of their arrival.
    """

    def __init__(self, server_port: int) -> None:
        self.received: list[Message] = []
        self._server = ("127.0.0.1", server_port)
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self.port: int = self._front.getsockname()[1]
        self._clients: dict[tuple[str, int], socket.socket] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def commands(self) -> list[Message]:
        """Return the received messages except queries, which clients send periodically."""
        return [m for m in self.received if m.address != "/ping" and not m.address.startswith("/morph/get/")]

    def wait_for(self, count: int) -> list[Message]:
        """Wait until there are `count` messages that are not queries; return them."""
        end = time.monotonic() + TIMEOUT_S
        while len(self.commands()) < count:
            assert time.monotonic() < end, self.commands()
            time.sleep(0.02)
        return self.commands()

    def _run(self) -> None:
        while not self._closing:
            ready, _, _ = select.select([self._front, *self._clients.values()], [], [], 0.05)
            for one in ready:
                try:
                    datagram, sender = one.recvfrom(65_536)
                except OSError:  # the server is not running
                    continue
                if one is self._front:
                    self.received += [message for packet in parse(datagram) for message in packet.messages]
                    self._towards_server(sender).send(datagram)
                else:
                    client = next(who for who, theirs in self._clients.items() if theirs is one)
                    self._front.sendto(datagram, client)

    def _towards_server(self, client: tuple[str, int]) -> socket.socket:
        if client not in self._clients:
            self._clients[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._clients[client].connect(self._server)
        return self._clients[client]

    def __enter__(self) -> Tap:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._thread.join()
        for one in (self._front, *self._clients.values()):
            one.close()
