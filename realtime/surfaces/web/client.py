"""A websocket client with a short queue of messages, so that a slow client does not delay others."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSCloseCode, web

MAX_MESSAGE = 65_536  # bytes that a client may send at once
MAX_WAITING = 256  # messages for one client
STALL_S = 2.0  # time without reading after which a client is disconnected
HEARTBEAT_S = 15.0


class Client:
    """One websocket, from the request that asks for it to its end."""

    def __init__(self) -> None:
        self.socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=HEARTBEAT_S, compress=False)
        self._waiting: asyncio.Queue[str | bytes] = asyncio.Queue(MAX_WAITING)
        self._sender: asyncio.Task[None] | None = None
        self._transport: asyncio.BaseTransport | None = None

    async def begin(self, request: web.Request) -> None:
        """Answer the request."""
        self._transport = request.transport
        await self.socket.prepare(request)
        self._sender = asyncio.create_task(self._send())

    async def end(self) -> None:
        """Note that the client has gone."""
        if self._sender:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender

    @property
    def behind(self) -> bool:
        """Return True if messages are still waiting to be sent."""
        return not self._waiting.empty()

    def tell(self, what: str | bytes) -> None:
        """Send a message as soon as the network takes it; disconnect a client that takes none."""
        try:
            self._waiting.put_nowait(what)
        except asyncio.QueueFull:
            self._let_go()

    async def goodbye(self) -> None:
        """Tell the client that the server ends."""
        await self.socket.close(code=WSCloseCode.GOING_AWAY)

    async def _send(self) -> None:
        try:
            while True:
                what = await self._waiting.get()
                send = self.socket.send_str(what) if isinstance(what, str) else self.socket.send_bytes(what)
                await asyncio.wait_for(send, STALL_S)
        except (ConnectionError, TimeoutError, asyncio.TimeoutError):
            self._let_go()

    def _let_go(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()
