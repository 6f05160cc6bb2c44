"""Refuses HTTP requests that name another host, come from another web page, or lack the access key."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import socket
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

KEY = "key"  # name of the query parameter and prefix of the cookie's name
COOKIE_S = 30 * 24 * 3600
KEY_BYTES = 12
KEY_FILE = "page-key"
PRIVATE = "/page/"  # prefix of the paths that need the key, if a key is set
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def host_is_ours(host: str) -> bool:
    """Return True if a Host header names this machine by an address or by its own name.

    A request that uses another name for this machine may come from a foreign page (DNS rebinding).
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    ours = socket.gethostname().lower()
    if name in ("localhost", ours, f"{ours}.local"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def origin_is_ours(origin: str | None, host: str) -> bool:
    """Return True if the Origin header, which only browsers send, names this server or is missing."""
    return origin is None or origin in (f"http://{host}", f"https://{host}")


class Guard:
    """Refuses foreign requests.

    Args:
        key: access key that the page's address must contain; if empty, no key is needed.
        port: port of the server. It is part of the cookie's name, because all ports of a host share cookies.
    """

    def __init__(self, key: str, port: int) -> None:
        self._key = key
        self._cookie = f"{KEY}-{port}"

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 421 to a foreign Host, 403 to a foreign Origin, and 401 without the key."""
        if not host_is_ours(request.host):
            return web.Response(status=421, text="this server does not have that name\n")
        if not origin_is_ours(request.headers.get("Origin"), request.host):
            return web.Response(status=403, text="requests from other pages are refused\n")
        if request.path.startswith(PRIVATE) and not self.knows_key(request):
            return web.Response(status=401, text="open the address that the server has printed\n")
        return await handler(request)

    def knows_key(self, request: web.Request) -> bool:
        """Return True if the cookie or the query of a request contains the key."""
        if not self._key:
            return True
        given = request.cookies.get(self._cookie, ""), request.query.get(KEY, "")
        return any(secrets.compare_digest(each.encode(), self._key.encode()) for each in given)

    def remember(self, response: web.StreamResponse) -> None:
        """Set a cookie, to make the browser send the key from now on."""
        if self._key:
            response.set_cookie(
                self._cookie, self._key, max_age=COOKIE_S, httponly=True, samesite="Strict", path="/"
            )


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add `HEADERS`, the server's name, and a cache policy if the response has no cache policy."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "soundmorph"
    response.headers.setdefault("Cache-Control", "no-cache")


def page_key(folder: Path | None = None) -> str:
    """Return the key stored in `folder`; if there is none, store a new one.

    With a stored key, an open page reconnects by itself after the server has been restarted. The default of
    `folder` is the user's data folder. If the key cannot be stored, every start makes a new key.
    """
    if folder is None:
        import platformdirs

        folder = Path(platformdirs.user_data_dir("soundmorph", appauthor=False))
    path = folder / KEY_FILE
    with contextlib.suppress(OSError, ValueError):
        if len(kept := path.read_text("ascii").strip()) >= KEY_BYTES and kept.isalnum():
            return kept
    key = secrets.token_hex(KEY_BYTES)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(key)
    return key
