"""OSCQuery over HTTP and websocket (https://github.com/Vidvox/OSCQueryProposal)."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from realtime.control import osc
from realtime.control.protocol import Message
from realtime.model.schema import ModelInfo
from realtime.surfaces import oscquery
from realtime.surfaces.web.client import Client
from realtime.surfaces.web.server import Services, Work
from realtime.util import outside
from realtime.util.errors import RealtimeError
from realtime.util.outside import OutsideError

CHECK_S = 0.05  # interval between checks for changes, while there are listeners
MAX_LISTENED = 1024  # maximum number of addresses to which one client may listen
MAX_PATH = 256  # maximum number of characters in an address to which a client may listen
TRIES = 4  # number of attempts to read the values of a model while models change
PATH_CHANGED = json.dumps({"COMMAND": "PATH_CHANGED", "DATA": "/morph"})


class OscQuery:
    """Answers questions about the table of addresses, and sends changed values to listeners.

    Args:
        info: returns the current model.
        ask: carries out messages and returns the replies.
        osc_address: host and port of the OSC server.
        name: unique name of the server.
    """

    def __init__(
        self, info: Callable[[], ModelInfo], ask: oscquery.Ask, osc_address: tuple[str, int], name: str
    ) -> None:
        self._info, self._ask, self._osc, self._name = info, ask, osc_address, name
        self._listeners: dict[Client, set[str]] = {}

    def routes(self, services: Services) -> Sequence[web.AbstractRouteDef]:
        """Return a route for all paths that no other part has taken."""
        self._services = services
        return [web.get("/{path:.*}", self.answer)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET, or serve a websocket until it closes."""
        if "websocket" in request.headers.get("Upgrade", "").lower():
            return await self._serve_websocket(request)
        return await self._services.work.do(self._respond, request.path, request.query_string, _here(request))

    def _respond(self, path: str, query: str, here: tuple[str, int]) -> web.Response:
        attribute = query.partition("=")[0]
        if attribute == "HOST_INFO":
            anywhere = ipaddress.ip_address(self._osc[0]).is_unspecified
            osc_host = here[0] if anywhere else self._osc[0]
            return _json(oscquery.host_info(self._name, (osc_host, self._osc[1]), here))
        node = oscquery.find(self._tree(), path)
        if node is None:
            return _empty(404)
        if not query:
            return _json(node)
        if attribute not in oscquery.ATTRIBUTES:
            return _empty(400)
        if attribute not in node:
            return web.Response(status=204)
        return _json({attribute: node[attribute]})

    def _tree(self) -> oscquery.Node:
        for _ in range(TRIES):
            info = self._info()
            known = oscquery.learn(self._ask, plugins=True)
            if self._info() is info:
                return oscquery.tree(info, known)
        raise RealtimeError("the model is changing; ask again")

    # ---- websocket

    async def _serve_websocket(self, request: web.Request) -> web.StreamResponse:
        self._services.keep(request)
        client = Client()
        await client.begin(request)
        mine: set[str] = set()
        self._listeners[client] = mine
        try:
            async for received in client.socket:
                if received.type is WSMsgType.TEXT:
                    _carry_out(received.data, mine)
        finally:
            del self._listeners[client]
            await client.end()
        return client.socket

    async def run(self) -> None:
        """Send changes to listeners, until cancelled."""
        before: oscquery.Knowledge | None = None
        sent: dict[tuple[Client, str], tuple[Any, ...]] = {}
        stale: set[Client] = set()  # clients that have not been told yet of a change to the tree
        info = self._info()
        while True:
            await asyncio.sleep(CHECK_S)
            if not self._listeners:
                before, sent = None, {}
                continue
            known = await self._learn(self._services.work)
            if known is None or not known.values:  # no engine is running, or the server is ending
                continue
            if before and (self._info() is not info or known.presets != before.presets):
                stale = set(self._listeners)
            before, info = known, self._info()
            for client in [client for client in stale & set(self._listeners) if not client.behind]:
                client.send(PATH_CHANGED)
                stale.discard(client)
            now = {
                (client, path): known.values[path]
                for client, paths in self._listeners.items()
                for path in paths
                if path in known.values
            }
            sent = {key: value for key, value in sent.items() if key in now}
            busy = {client for client in self._listeners if client.behind}
            for (client, path), value in now.items():
                if client not in busy and sent.get((client, path)) != value:
                    client.send(osc.encode(Message(path, value)))
                    sent[client, path] = value

    async def _learn(self, work: Work) -> oscquery.Knowledge | None:
        try:
            return await work.do(oscquery.learn, self._ask)
        except RealtimeError:
            return None

    async def close(self) -> None:
        """Close all websockets."""
        await asyncio.gather(*(client.close() for client in self._listeners))


def _carry_out(received: str, mine: set[str]) -> None:
    """Carry out LISTEN and IGNORE; ignore other commands, as the proposal requires."""
    try:
        asked = outside.from_json(received)
    except OutsideError:
        return
    if not isinstance(asked, dict) or not isinstance(path := asked.get("DATA"), str):
        return
    if asked.get("COMMAND") == "LISTEN" and len(mine) < MAX_LISTENED and len(path) <= MAX_PATH:
        mine.add(path)
    elif asked.get("COMMAND") == "IGNORE":
        mine.discard(path)


def _here(request: web.Request) -> tuple[str, int]:
    """Return the address and port of our end of a connection."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return (str(name[0]), int(name[1])) if name else ("127.0.0.1", 0)


def _json(node: oscquery.Node) -> web.Response:
    return web.Response(body=json.dumps(node).encode(), content_type="application/json")


def _empty(status: int) -> web.Response:
    return web.Response(status=status, content_type="application/json")
