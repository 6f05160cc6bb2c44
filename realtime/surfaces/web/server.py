"""The web server: one thread with its own event loop, in which `aiohttp` serves HTTP and websockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from realtime.control.senders.access import Access
from realtime.surfaces.web.connections import Connections, Peer
from realtime.surfaces.web.guard import Guard, add_headers
from realtime.util.errors import RealtimeError

BACKLOG = 64
REST_S = 0.1  # pause after a connection could not be accepted, for example for lack of file descriptors
SWEEP_S = 1.0
CLOSE_S = 0.5  # time limit of each step of the shutdown
END_S = 2.0  # time limit for the thread's end, whatever clients do

T = TypeVar("T")


class WebError(RealtimeError):
    """The port cannot be opened."""


class Work:
    """One thread for calls that would block the event loop, such as those that wait for the OSC server."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="web-work")

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do `work` after all work submitted earlier, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def end(self) -> None:
        """Cancel work that has not begun; work in progress continues unattended."""
        self._thread.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Services:
    """Objects of the web server that its parts use: access guard, thread for blocking calls, connections."""

    guard: Guard
    work: Work
    connections: Connections

    def keep(self, request: web.Request) -> None:
        """Keep the connection of a request open for a websocket.

        Raises:
            HTTPServiceUnavailable: too many connections are kept open already.
        """
        if not self.connections.keep(peer_of(request)):
            raise web.HTTPServiceUnavailable(text="too many websockets are open\n")


def peer_of(request: web.Request) -> Peer:
    """Return the address and port of the client that sent a request."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return (str(peer[0]), int(peer[1])) if peer else ("", 0)


class Part(Protocol):
    """A group of pages or endpoints of the web server."""

    def routes(self, services: Services) -> Sequence[web.AbstractRouteDef]:
        """Return the routes that the part answers."""
        ...

    async def run(self) -> None:
        """Work in the background until cancelled."""
        ...

    async def close(self) -> None:
        """Close the part's connections and end its work when the server ends."""
        ...


class WebServer:
    """Answers HTTP on a port, from `start` to `stop`.

    Args:
        parts: parts of the site; the first route that matches a request answers it.
        host, port: address on which to listen; port 0 takes any free port.
        access: rules for hosts that may connect, and for their rate of requests; used by this server only.
        key: see `Guard`.

    Raises:
        WebError: the port cannot be opened.
    """

    def __init__(self, parts: Sequence[Part], *, host: str, port: int, access: Access, key: str = "") -> None:
        self._parts, self._access, self._key = parts, access, key
        self._connections = Connections()
        self._work = Work()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            self._socket.listen(BACKLOG)
        except OSError as error:
            self._socket.close()
            raise WebError(f"cannot serve page and OSCQuery on {host}:{port}: {error.strerror}") from None
        self._socket.setblocking(False)
        self.host, self.port = self._socket.getsockname()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect all clients; return within two seconds, whatever the clients do."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(END_S)
        self._socket.close()
        self._work.end()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        guard = Guard(self._key, self.port)
        services = Services(guard, self._work, self._connections)
        app = web.Application(middlewares=[self._count, guard.check], logger=_QUIET)
        app.on_response_prepare.append(add_headers)
        for part in self._parts:
            app.add_routes(part.routes(services))
        runner = web.AppRunner(
            app, handle_signals=False, access_log=None, logger=_QUIET, shutdown_timeout=CLOSE_S
        )
        await runner.setup()
        tasks = [
            asyncio.create_task(work)
            for work in (self._accept(runner), self._sweep(), *(part.run() for part in self._parts))
        ]
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CLOSE_S)
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(p.close() for p in self._parts)), CLOSE_S)
        self._connections.close()
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(runner.cleanup(), CLOSE_S)

    async def _accept(self, runner: web.AppRunner) -> None:
        """Accept connections; close those of refused hosts and those over the limit without reading them."""
        server = runner.server
        assert server is not None
        while True:
            try:
                connection, peer = await self._loop.sock_accept(self._socket)
            except OSError:
                await asyncio.sleep(REST_S)
                continue
            if not self._access.admits(peer[0], 0) or not self._connections.room_for(peer[0]):
                connection.close()
                continue
            try:
                transport, _ = await self._loop.connect_accepted_socket(server, connection)
            except OSError:
                connection.close()
                continue
            assert isinstance(transport, asyncio.Transport)
            self._connections.add(peer[:2], transport)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._connections.close_idle()

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a flood of requests; mark the connection as busy while a request is answered."""
        peer = peer_of(request)
        if not self._access.admits(peer[0], 0):
            return web.Response(status=429, text="too many requests\n")
        self._connections.begin(peer)
        try:
            return await handler(request)
        except RealtimeError as error:
            return web.Response(status=503, text=f"{error}\n")
        except OSError as error:  # such as a full disk
            return web.Response(status=503, text=f"{error.strerror or error}\n")
        finally:
            self._connections.end(peer)


_QUIET = logging.getLogger(__name__)
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
