"""A websocket client with a short queue of messages, which keeps a slow client from delaying others."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSCloseCode, web

MAX_MESSAGE = 65_536  # maximum number of bytes in a message from a client
MAX_WAITING = 256  # maximum number of messages that wait for one client
STALL_S = 2.0  # time after which a client that does not read is disconnected
HEARTBEAT_S = 15.0


class Client:
    """One websocket connection."""

    def __init__(self) -> None:
        self.socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=HEARTBEAT_S, compress=False)
        self._waiting: asyncio.Queue[str | bytes] = asyncio.Queue(MAX_WAITING)
        self._sender: asyncio.Task[None] | None = None
        self._transport: asyncio.BaseTransport | None = None

    async def begin(self, request: web.Request) -> None:
        """Accept the connection."""
        self._transport = request.transport
        await self.socket.prepare(request)
        self._sender = asyncio.create_task(self._send())

    async def end(self) -> None:
        """Stop sending, after the client has closed the connection."""
        if self._sender:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender

    @property
    def behind(self) -> bool:
        """Return True if messages are still waiting to be sent."""
        return not self._waiting.empty()

    def send(self, message: str | bytes) -> None:
        """Queue a message; disconnect a client whose queue is full."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self._abort()

    async def close(self) -> None:
        """Close the connection because the server ends."""
        await self.socket.close(code=WSCloseCode.GOING_AWAY)

    async def _send(self) -> None:
        try:
            while True:
                message = await self._waiting.get()
                send = (
                    self.socket.send_str(message)
                    if isinstance(message, str)
                    else self.socket.send_bytes(message)
                )
                await asyncio.wait_for(send, STALL_S)
        except (ConnectionError, TimeoutError, asyncio.TimeoutError):
            self._abort()

    def _abort(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()
