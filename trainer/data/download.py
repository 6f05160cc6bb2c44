"""A file from a URL: a transfer that broke goes on where it was, and the file appears when it is whole."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from trainer.errors import TrainerError

Progress = Callable[[int, int], None]
"""Called with (bytes there, bytes in all); 0 in all where the server does not say."""
ATTEMPTS = 5
"""Transfers in a row that may break without a single byte more."""
PAUSE_S = 2.0
TIMEOUT_S = 30.0
BLOCK = 1 << 16


class DownloadError(TrainerError):
    """A file that could not be fetched, or is not the one that was asked for."""


def download(url: str, target: Path, sha256: str = "", progress: Progress = lambda done, total: None) -> None:
    """Fetch a file over HTTP. What was fetched of it lies in `target` + ".part" until it is whole.

    Args:
        sha256: of the file, in hex; "" does not check.

    Raises:
        DownloadError: where the server has no such file, the transfer breaks time and again (the part stays,
            and the next call goes on with it), or the file has another checksum (the part is deleted).
    """
    part = target.with_name(target.name + ".part")
    failures = 0
    while True:
        before = _size(part)
        try:
            whole = _transfer(url, part, progress)
        except urllib.error.HTTPError as error:
            error.close()
            raise DownloadError(f"{url}: the server answers {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            whole, reason = False, str(getattr(error, "reason", "") or error or type(error).__name__)
        else:
            reason = "the transfer ended early"
        if whole:
            break
        failures = 1 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise DownloadError(
                f"{url}: {reason}; {_size(part)} bytes are there, the same command goes on from them"
            )
        time.sleep(PAUSE_S)
    try:
        check(part, sha256)
    except DownloadError as error:
        part.unlink()
        raise DownloadError(f"{error}; what came from {url} is deleted") from None
    os.replace(part, target)


def check(path: Path, sha256: str) -> None:
    """Compare a file with its SHA-256 in hex; "" is any.

    Raises:
        DownloadError: where it has another.
    """
    if not sha256:
        return
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    if found.hexdigest() != sha256.lower():
        raise DownloadError(f"{path.name}: its SHA-256 is {found.hexdigest()}, not {sha256.lower()}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _transfer(url: str, part: Path, progress: Progress) -> bool:
    """One request for what is missing of the file; True where nothing is any more."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        whole = error.headers.get("Content-Range", "").rpartition("/")[2]
        error.close()
        if whole == str(have):  # the part was whole already
            return True
        part.unlink()  # it is not a part of this file
        return False
    with answer:
        start = answer.headers.get("Content-Range", "").partition("-")[0].rpartition(" ")[2]
        if answer.status != 206 or start != str(have):  # the server sends all of it
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        with part.open("ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
                have += len(block)
                progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    return not total or have == total
