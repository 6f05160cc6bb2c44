"""Offers takes (recordings of parts of a performance) for download."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from realtime.surfaces.web.server import Services
from realtime.util.errors import ControlError
from realtime.util.library import Library

SUFFIXES = (".wav", ".jsonl")
MAX_NAMES = 200


class Downloads:
    """Offers the files of takes under `/page/takes`, the latest first.

    Args:
        folder: folder of the takes, which may not exist yet; None means that there are no takes.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def routes(self, services: Services) -> Sequence[web.AbstractRouteDef]:
        """Return the routes of the list and of each file."""
        return [web.get("/page/takes", self._list), web.get("/page/takes/{name}", self._send)]

    async def run(self) -> None:
        """Do nothing: files are sent on request only."""

    async def close(self) -> None:
        """Do nothing: no connection stays open."""

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(self._names))

    def _names(self) -> list[str]:
        if self._folder is None or not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if path.suffix in SUFFIXES and path.is_file()]
        shown = [path for path in found if not path.name.startswith(".")]
        shown.sort(key=lambda path: (path.stat().st_mtime, path.name), reverse=True)
        return [path.name for path in shown[:MAX_NAMES]]

    async def _send(self, request: web.Request) -> web.StreamResponse:
        try:
            path = await asyncio.to_thread(self._find, request.match_info["name"])
        except ControlError:
            raise web.HTTPNotFound(text="there is no such take\n") from None
        return web.FileResponse(path, headers={"Content-Disposition": "attachment"})

    def _find(self, name: str) -> Path:
        """Return a file of the folder.

        Raises:
            ControlError: there is no such file, or it is outside the folder.
        """
        if self._folder is None or name.startswith(".") or not self._folder.is_dir():
            raise ControlError("no such take")
        return Library(self._folder).file(name, SUFFIXES)
