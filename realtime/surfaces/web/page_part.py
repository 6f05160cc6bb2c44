"""The web page: its files, its data about the model, and its websocket."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from realtime.control.dispatcher import Control
from realtime.control.osc import Server
from realtime.control.protocol import Sender
from realtime.surfaces.models import Models
from realtime.surfaces.web import model_view, uploads
from realtime.surfaces.web.client import Client
from realtime.surfaces.web.portraits import Portraits
from realtime.surfaces.web.server import Services
from realtime.surfaces.web.snapshot import snapshot
from realtime.synth.commands import Z
from realtime.util.errors import RealtimeError

STATE_S = 0.05  # interval between the states sent to a page
MAX_PICTURES = 64  # maximum number of pictures in one request
FILES = Path(str(importlib.resources.files("realtime.surfaces") / "page"))

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """Serves the page and carries out its messages.

    The page's websocket carries OSC packets in both directions, one in each binary frame. It also carries
    states to the page, as JSON.

    Args:
        server: the OSC server.
        otherwise: answers requests for `/` that do not come from a browser.
        models: the current model, and the models that can be loaded.
        midi: the latest MIDI messages, each with its serial number; the page uses them for MIDI learn.
        learnt: returns the state of the latest training, as `Kits.state` does.
    """

    def __init__(
        self,
        server: Server,
        otherwise: Answer,
        models: Models,
        midi: Sequence[tuple[int, list[int]]] = (),
        learnt: Callable[[], dict[str, Any] | None] = lambda: None,
    ) -> None:
        self._server, self._otherwise, self._models, self._midi = server, otherwise, models, midi
        self._learnt = learnt
        self._portraits = Portraits()
        self._numbers = count(1)
        self._clients: dict[Client, Sender] = {}

    def routes(self, services: Services) -> Sequence[web.AbstractRouteDef]:
        """Return the routes of the page: `/`, and its files and data under `/page/`."""
        self._services = services
        return [
            web.get("/", self._root),
            web.get("/page/model", self._model),
            web.get("/page/regions", self._regions),
            web.get("/page/pictures", self._picture),
            web.get("/page/models", self._list_models),
            web.get("/page/{name:preview.(png|wav)}", self._preview),
            web.post("/page/sounds", self._keep_sound),
            web.get("/page/socket", self._serve_websocket),
            web.static("/page", FILES),
        ]

    async def _root(self, request: web.Request) -> web.StreamResponse:
        """Send the page to a browser; leave other clients to `otherwise`."""
        if not _wants_page(request):
            response = await self._otherwise(request)
            response.headers["Vary"] = "Accept"
            return response
        if not self._services.guard.knows_key(request):
            return web.Response(
                status=401, text="Open the address that the server has printed: it contains a key.\n"
            )
        response = web.FileResponse(FILES / "index.html", headers={"Vary": "Accept"})
        self._services.guard.remember(response)
        return response

    async def _model(self, _: web.Request) -> web.Response:
        return _json(await self._read(model_view.model))

    async def _regions(self, _: web.Request) -> web.Response:
        space = await self._read(lambda control: control.space)
        return _json(await asyncio.to_thread(model_view.regions, space))

    async def _picture(self, request: web.Request) -> web.Response:
        """Reply with a picture of each sound that the query names, by name."""

        def find(control: Control) -> tuple[str, dict[str, Z]]:
            return control.info.digest, {name: control.space.point(name) for name in names}

        names = request.query.getall("name", [])[:MAX_PICTURES]
        version, points = await self._read(find)
        drawn = await self._portraits.pictures(self._models.playing(), version, list(points.values()))
        return _json(dict(zip(points, drawn, strict=True)))

    async def _preview(self, request: web.Request) -> web.StreamResponse:
        """Reply with a preview picture or sound of the model, or without content if the file is missing."""
        path = self._models.playing().with_name(request.match_info["name"])
        if not await asyncio.to_thread(path.is_file):
            return web.Response(status=204)
        return web.FileResponse(path)

    async def _list_models(self, _: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(self._models.names))

    async def _keep_sound(self, request: web.Request) -> web.Response:
        """Make a preset from a sound file."""
        uploads.check_origin(request)
        label, z = await uploads.encode(request, self._models.playing())
        await self._read(lambda control: control.keep(label, z))
        return _json({"name": label})

    async def _read(self, read: Callable[[Control], Any]) -> Any:
        return await self._services.work.do(self._server.with_control, read)

    # ---- websocket

    async def _serve_websocket(self, request: web.Request) -> web.StreamResponse:
        self._services.keep(request)
        client, loop = Client(), asyncio.get_running_loop()
        await client.begin(request)
        sender: Sender = (request.remote or "", -next(self._numbers))

        def deliver(datagram: bytes) -> None:
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                loop.call_soon_threadsafe(client.send, datagram)

        self._server.attach(sender, deliver)
        self._clients[client] = sender
        try:
            async for received in client.socket:
                if received.type is WSMsgType.BINARY:
                    self._server.post(received.data, sender)
        finally:
            del self._clients[client]
            self._server.detach(sender)
            await client.end()
        return client.socket

    async def run(self) -> None:
        """Send the state to the open pages, until cancelled."""
        reported = played = 0
        while True:
            await asyncio.sleep(STATE_S)
            midi = [each for each in tuple(self._midi) if each[0] > played]
            played = midi[-1][0] if midi else played
            if not self._clients:
                reported = self._server.control.refusals.count
                continue
            try:
                state = await self._read(snapshot)
            except RealtimeError:  # the worker is being restarted
                continue
            refused = self._server.control.refusals.since(reported)
            reported = refused[-1].number if refused else reported
            state["refused"] = [[each.address, each.text] for each in refused]
            state["pages"] = len(self._clients)
            state["kit"] = self._learnt()
            state["midi"] = [message for _, message in midi]
            text = json.dumps(state)
            for client in self._clients:
                if refused or midi or not client.behind:
                    client.send(text)

    async def close(self) -> None:
        """Close all websockets, and stop drawing pictures."""
        self._portraits.end()
        await asyncio.gather(*(client.close() for client in self._clients))


def _wants_page(request: web.Request) -> bool:
    """Return True if a request for `/` comes from a browser, and not from an OSCQuery client."""
    upgrades = "websocket" in request.headers.get("Upgrade", "").lower()
    parameters = [name for name in request.query if name != "key"]
    return not upgrades and not parameters and "text/html" in request.headers.get("Accept", "")


def _json(content: Any) -> web.Response:
    return web.Response(body=json.dumps(content).encode(), content_type="application/json")
