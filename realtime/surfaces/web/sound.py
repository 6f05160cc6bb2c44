"""The sound that the server plays, as a stream for scopes and spectrograms."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence

from aiohttp import web

from realtime.surfaces.web.client import Client
from realtime.surfaces.web.server import Services
from realtime.util.errors import RealtimeError

PERIOD_S = 0.05


class Sound:
    """Sends the output to the websockets at `/page/sound`.

    Each websocket frame contains the index of its first sample (counted by the audio device) as a
    little-endian float64, followed by the mean of left and right as little-endian int16.

    Args:
        output_since: returns the output that begins at a sample, as `Monitor.since` does.
    """

    def __init__(self, output_since: Callable[[int], tuple[int, bytes]]) -> None:
        self._output_since = output_since
        self._clients: set[Client] = set()

    def routes(self, services: Services) -> Sequence[web.AbstractRouteDef]:
        """Return the route of the websocket."""
        self._services = services
        return [web.get("/page/sound", self._stream)]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._services.keep(request)
        client = Client()
        await client.begin(request)
        self._clients.add(client)
        try:
            async for _ in client.socket:
                pass
        finally:
            self._clients.discard(client)
            await client.end()
        return client.socket

    async def run(self) -> None:
        """Send the output to the listeners, until cancelled."""
        sample = 0
        while True:
            await asyncio.sleep(PERIOD_S)
            if not self._clients:
                continue
            try:
                first, sound = await self._services.work.do(self._output_since, sample)
            except RealtimeError:  # no engine is running at the moment
                sample = 0
                continue
            sample = first + len(sound) // 2
            for client in list(self._clients):
                if sound and not client.behind:
                    client.send(struct.pack("<d", first) + sound)

    async def close(self) -> None:
        """Close all websockets."""
        await asyncio.gather(*(client.close() for client in self._clients))
