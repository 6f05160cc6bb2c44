"""Kits: folders of sounds that are dropped on the web page.

Another program trains a model on the sounds; the server plays each better version of the model.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import BodyPartReader, web

from realtime.surfaces.web import uploads
from realtime.surfaces.web.programs import OWN_SESSION
from realtime.surfaces.web.server import Services
from realtime.util import install

MODULE = "export.play"
MAX_BYTES = 512 * 2**20  # maximum size of a folder
MAX_FILES = 5000
MAX_DEPTH = 4  # maximum number of parts of a file's path: folders, and the file's name
SEND_S = 600.0
SAVE_S, CLOSE_S = 20.0, 0.3  # time for a stopped program to save: before the next kit, and at shutdown
FOLDER = "sounds"
KITS, MARK = "kits", ".kit"  # folder of the kits in the library, and the file that marks each kit
SUFFIXES = (*uploads.SUFFIXES, ".mp3")
PASSES = re.compile(r"epoch (\d+)/(\d+)")


@dataclass(frozen=True)
class Kit:
    """A kit in the library: a folder that contains sounds, and the training run on these sounds."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def claim(self) -> None:
        """Create the folder if the kit does not exist yet.

        Raises:
            HTTPConflict: the folder exists and is not a kit.
        """
        mark = self.folder / MARK
        if self.folder.exists() and not mark.exists():
            raise web.HTTPConflict(text=f"{KITS}/{self.name} in the library is not a kit from this page")
        self.folder.mkdir(parents=True, exist_ok=True)
        mark.touch()

    @property
    def sounds(self) -> Path:
        return self.folder / self.name

    @property
    def run(self) -> Path:
        return self.folder / "model"

    @property
    def model(self) -> Path:
        return self.run / f"{self.name}.onnx"


class Kits:
    """Trains a model on one folder at a time. A new folder ends the current training and keeps its model.

    Args:
        library: folder of models, whose subfolder `KITS` contains the kits; if None, all kits are refused.
        play: makes the server play a model file of the library.
    """

    def __init__(self, library: Path | None, play: Callable[[str], object]) -> None:
        self._library, self._play = library, play
        self._process: asyncio.subprocess.Process | None = None
        self._state: dict[str, Any] | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def state(self) -> dict[str, Any] | None:
        """The state of the current or latest training; None before the first kit.

        Keys: `name`: name of the kit; `line`: latest line of output; `part`: fraction of the training done,
        0..1; `learning`: True until the training ends.
        """
        return self._state

    def routes(self, services: Services) -> Sequence[web.AbstractRouteDef]:
        """Return the routes: POST takes a folder, DELETE stops the training."""
        self._services = services
        return [web.post("/page/kits", self._take), web.delete("/page/kits", self._stop)]

    async def run(self) -> None:
        """Do nothing: training starts on request only."""

    async def close(self) -> None:
        """Stop the training; keep its latest model. Sending the same folder again continues the training."""
        await self._end_within(CLOSE_S)

    async def _take(self, request: web.Request) -> web.Response:
        uploads.check_origin(request)
        if self._library is None:
            raise web.HTTPConflict(text="a folder needs a library: start the server with --library FOLDER")
        if not find_spec("torch"):
            text = f"training needs more packages: {install.command('soundmorph[cpu,learn]')}"
            raise web.HTTPConflict(text=text)
        kit = Kit(self._library.resolve() / KITS / _name(request.query.get("name", "")))
        kit.claim()
        with TemporaryDirectory(prefix=".", dir=kit.folder, ignore_cleanup_errors=True) as coming:
            try:
                await asyncio.wait_for(_receive(request, Path(coming)), SEND_S)
            except (TimeoutError, asyncio.TimeoutError):
                raise web.HTTPRequestTimeout(text=f"the folder did not arrive within {SEND_S:g} s") from None
            except (ValueError, AssertionError):  # raised by aiohttp for a body that is not valid multipart
                raise web.HTTPBadRequest(text="the request contains no folder of files") from None
            await self._end_within(SAVE_S)
            shutil.rmtree(kit.sounds, ignore_errors=True)
            (Path(coming) / FOLDER).rename(kit.sounds)
        await self._begin(kit)
        return web.Response(text=kit.name)

    async def _stop(self, request: web.Request) -> web.Response:
        uploads.check_origin(request)
        self._end()
        return web.Response()

    async def _begin(self, kit: Kit) -> None:
        words = [sys.executable, "-m", MODULE, str(kit.sounds), "--out", str(kit.run), "--learn-only"]
        self._process = await asyncio.create_subprocess_exec(
            *words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **OWN_SESSION,
        )
        self._set_state(kit, "is being read", 0.0, True)
        self._following = asyncio.create_task(self._follow(kit, self._process))

    def _set_state(self, kit: Kit, line: str, part: float, learning: bool) -> None:
        self._state = {"name": kit.name, "line": line, "part": round(part, 3), "learning": learning}

    async def _follow(self, kit: Kit, process: asyncio.subprocess.Process) -> None:
        """Report the progress and play each version of the model, until the training ends."""
        assert process.stdout is not None
        assert self._library is not None
        line, part, played = "", 0.0, _version(kit.model)
        async for output in process.stdout:
            line = output.decode(errors="replace").strip() or line
            if found := PASSES.match(line):
                part = int(found[1]) / int(found[2])
            else:
                self._set_state(kit, line, part, True)
            if (version := _version(kit.model)) != played:
                played = version
                name = kit.model.relative_to(self._library.resolve()).as_posix()
                await self._services.work.do(self._play, name)
            if self._state:
                self._state = {**self._state, "part": round(part, 3)}
        ended = await process.wait()
        self._set_state(kit, line if ended else "is learnt", part if ended else 1.0, False)

    async def _end_within(self, limit_s: float) -> None:
        """Stop the training and wait until its result is saved; after `limit_s`, kill the program."""
        self._end()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), limit_s)
        except (TimeoutError, asyncio.TimeoutError):
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()


def _version(model: Path) -> int:
    """Return a number that changes with each version of a file; 0 if there is no file."""
    try:
        return model.stat().st_mtime_ns
    except OSError:
        return 0


def _name(given: str) -> str:
    """Return the name of the kit for a folder with the given name.

    Raises:
        HTTPUnprocessableEntity: the name is not accepted.
    """
    name = given.strip()[:60].strip()
    if not name or not name.isprintable() or name.startswith(".") or set(name) & set('/\\:*?"<>|'):
        raise web.HTTPUnprocessableEntity(text=f"name is {given[:80]!r}, not an accepted folder name")
    return name


async def _receive(request: web.Request, folder: Path) -> None:
    """Write the sound files of a request into the subfolder `FOLDER` of `folder`.

    Raises:
        HTTPException: the number of files, a path or the size is not accepted; the message says why.
    """
    count = size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        count += 1
        if count > MAX_FILES:
            raise web.HTTPUnprocessableEntity(text=f"up to {MAX_FILES} files are accepted")
        path = folder / FOLDER / _path(part.name or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            while chunk := await part.read_chunk():
                size += len(chunk)
                if size > MAX_BYTES:
                    text = f"up to {MAX_BYTES // 2**20} MB are accepted"
                    raise web.HTTPRequestEntityTooLarge(MAX_BYTES, size, text=text)
                file.write(chunk)
    if not count:
        raise web.HTTPUnprocessableEntity(text=f"no sounds: only {', '.join(SUFFIXES)} files are accepted")


def _path(given: str) -> PurePosixPath:
    """Return the path of a file within its folder.

    Raises:
        HTTPUnprocessableEntity: the path leaves the folder, is hidden, too deep or too long, or does not
            name a sound file.
    """
    path = PurePosixPath(given)
    plain = all(part.isprintable() and not part.startswith(".") and "\\" not in part for part in path.parts)
    if path.is_absolute() or not plain or not 1 <= len(path.parts) <= MAX_DEPTH or len(given) > 400:
        text = f"file is {given[:80]!r}, not an accepted path (up to {MAX_DEPTH} parts, none hidden)"
        raise web.HTTPUnprocessableEntity(text=text)
    if path.suffix.lower() not in SUFFIXES:
        raise web.HTTPUnprocessableEntity(text=f"file is {given[:80]!r}, not a {', '.join(SUFFIXES)} file")
    return path
