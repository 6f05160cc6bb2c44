"""The handshake of a websocket."""

from __future__ import annotations


def handshake(path: str = "/") -> bytes:
    """Return the HTTP request that opens a websocket at this path."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
