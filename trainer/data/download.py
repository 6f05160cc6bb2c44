"""Download a file: a broken transfer is resumed, and the file appears only when it is complete."""

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
"""Called with (bytes received, total bytes); the total is 0 if the server does not give it."""
ATTEMPTS = 5
"""The download fails after this number of consecutive transfers that break before any data arrives."""
PAUSE_S = 2.0
TIMEOUT_S = 30.0
BLOCK = 1 << 16


class DownloadError(TrainerError):
    """A file that could not be downloaded or has the wrong checksum."""


def download(url: str, target: Path, sha256: str = "", progress: Progress = lambda done, total: None) -> None:
    """Download a file over HTTP into `target` + ".part" and rename it when it is complete.

    Args:
        sha256: checksum of the file, in hex; "" accepts any file.

    Raises:
        DownloadError: if the server has no such file; if the transfer keeps breaking (the received part is
            kept, and the next call resumes the download); or if the checksum is wrong (the received part is
            deleted).
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
                f"{url}: {reason}; {_size(part)} bytes are kept, and the same command resumes the download"
            )
        time.sleep(PAUSE_S)
    try:
        check(part, sha256)
    except DownloadError as error:
        part.unlink()
        raise DownloadError(f"{error}; the download from {url} was deleted") from None
    os.replace(part, target)


def check(path: Path, sha256: str) -> None:
    """Check the SHA-256 of a file; "" accepts any file.

    Raises:
        DownloadError: if the checksum differs.
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
    """Request the missing rest of the file; return True if the file is then complete."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        whole = error.headers.get("Content-Range", "").rpartition("/")[2]
        error.close()
        if whole == str(have):  # the received part was complete already
            return True
        part.unlink()  # the received part belongs to a different file
        return False
    with answer:
        start = answer.headers.get("Content-Range", "").partition("-")[0].rpartition(" ")[2]
        if answer.status != 206 or start != str(have):  # the server is sending the complete file
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
