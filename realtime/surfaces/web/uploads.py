"""Encodes sound files that are dropped on the web page, each in a process of its own.

The position in the latent space (the point) that is found for a sound becomes a preset.
"""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from aiohttp import web

from realtime.surfaces.web.programs import run_module
from realtime.synth.commands import Z
from realtime.util.errors import RealtimeError

SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".ogg")
MAX_BYTES = 32 * 2**20
SEND_S = 60.0  # time limit for sending the file
ENCODE_S = 60.0


def check_origin(request: web.Request) -> None:
    """Refuse a request without an Origin header, because a form on a foreign page may have sent it.

    `Guard` has already refused foreign origins.

    Raises:
        HTTPForbidden: the header is missing.
    """
    if request.headers.get("Origin") is None:
        raise web.HTTPForbidden(text="only the page may send sounds")


async def receive(request: web.Request, folder: Path) -> tuple[Path, str]:
    """Write the body of a request to a file in `folder`; return the file and the name for its preset.

    Raises:
        HTTPException: the name or the size is not accepted, or time is up; the text states the limit.
    """
    name = PurePosixPath(request.query.get("name", "").replace("\\", "/")).name
    label, suffix = PurePosixPath(name).stem[:60], PurePosixPath(name).suffix.lower()
    if suffix not in SUFFIXES or not label.isprintable() or not label:
        raise web.HTTPUnsupportedMediaType(text=f"only {', '.join(SUFFIXES)} files are accepted")
    path = folder / f"sound{suffix}"
    try:
        await asyncio.wait_for(_write(request, path), SEND_S)
    except (TimeoutError, asyncio.TimeoutError):
        raise web.HTTPRequestTimeout(text=f"the file did not arrive within {SEND_S:g} s") from None
    return path, label


async def _write(request: web.Request, path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        async for part in request.content.iter_any():
            size += len(part)
            if size > MAX_BYTES:
                raise web.HTTPRequestEntityTooLarge(
                    MAX_BYTES, size, text=f"up to {MAX_BYTES // 2**20} MB are accepted"
                )
            file.write(part)


async def encode(request: web.Request, model: Path) -> tuple[str, Z]:
    """Encode the sound file in a request; return the name for its preset, and the point z [D] found.

    Raises:
        HTTPException: as for `receive`.
        RealtimeError: the file cannot be encoded.
    """
    try:
        with TemporaryDirectory(prefix="soundmorph-") as folder:
            path, label = await receive(request, Path(folder))
            words = str(path), "--model", str(model), "--search"
            z = await run_module("realtime", "encode", *words, limit_s=ENCODE_S)
    except OSError as error:  # such as a full disk
        raise RealtimeError(f"the sound cannot be stored: {error.strerror or error}") from None
    return label, tuple(float(x) for x in z)
