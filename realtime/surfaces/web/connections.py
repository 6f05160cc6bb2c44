"""The open connections of the web server: limited in number for each host and in total, closed when idle."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

MAX_EACH = 32  # connections from one address; a browser opens seven for a page
MAX_ALL = 96  # connections from all addresses together
KEPT_SHARE = 0.75  # fraction of both maximum numbers that websockets may use; short requests use the rest
IDLE_S = 15.0  # time limit for a complete request head, after the connection opens or after a reply

Peer = tuple[str, int]


@dataclass
class Connection:
    """An open connection.

    Attributes:
        since_s: monotonic time at which the connection was opened or its latest request was answered.
        requests: number of requests being answered; a websocket counts as one until it ends.
        kept: True if the connection stays open until its client leaves, as for a websocket.
    """

    transport: asyncio.Transport
    since_s: float
    requests: int = 0
    kept: bool = False


class Connections:
    """Makes room for new connections by closing the one that has been idle longest. Not thread-safe."""

    def __init__(self) -> None:
        self._open: dict[Peer, Connection] = {}

    def room_for(self, host: str) -> bool:
        """Make room for a connection from `host`, closing an idle one if needed; return True on success."""
        self._forget_closed()
        of_host = [peer for peer in self._open if peer[0] == host]
        if len(of_host) >= MAX_EACH:
            return self._close_idle(of_host)
        return len(self._open) < MAX_ALL or self._close_idle(list(self._open))

    def add(self, peer: Peer, transport: asyncio.Transport) -> None:
        """Add a new connection."""
        self._open[peer] = Connection(transport, time.monotonic())

    def begin(self, peer: Peer) -> None:
        """Record the arrival of a request."""
        if found := self._open.get(peer):
            found.requests += 1

    def end(self, peer: Peer) -> None:
        """Record the end of the reply to a request."""
        if found := self._open.get(peer):
            found.requests -= 1
            found.since_s = time.monotonic()

    def keep(self, peer: Peer) -> bool:
        """Keep a connection open until its client leaves; return False if too many are kept already."""
        self._forget_closed()
        hosts = [host for (host, _), each in self._open.items() if each.kept]
        found = self._open.get(peer)
        if (
            found is None
            or hosts.count(peer[0]) >= MAX_EACH * KEPT_SHARE
            or len(hosts) >= MAX_ALL * KEPT_SHARE
        ):
            return False
        found.kept = True
        return True

    def close_idle(self) -> None:
        """Close the connections that have been idle too long."""
        self._forget_closed()
        for each in self._open.values():
            if not each.requests and time.monotonic() - each.since_s > IDLE_S:
                each.transport.abort()

    def close(self) -> None:
        """Close all connections."""
        for each in self._open.values():
            each.transport.abort()

    def _close_idle(self, peers: list[Peer]) -> bool:
        idle = [peer for peer in peers if not self._open[peer].requests]
        if not idle:
            return False
        oldest = min(idle, key=lambda peer: self._open[peer].since_s)
        self._open.pop(oldest).transport.abort()
        return True

    def _forget_closed(self) -> None:
        for peer in [peer for peer, each in self._open.items() if each.transport.is_closing()]:
            del self._open[peer]
