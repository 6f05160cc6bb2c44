"""Tests for `trainer fetch`, which downloads sounds, with a local server that breaks transfers on demand."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from trainer.__main__ import main
from trainer.config import ModelConfig, read
from trainer.data import download, fetch
from trainer.data.download import DownloadError
from trainer.data.sounds import prepare


def _archive() -> bytes:
    """Return a zip file that contains three takes of each of two digits, and other files.

    The path of one of the other files leads out of the folder.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for digit in "01":
            for take in range(3):
                sound, signal = io.BytesIO(), np.random.default_rng(take).standard_normal(900) / 10
                soundfile.write(sound, signal * (1 + int(digit)) ** np.arange(900), 8000, format="WAV")
                file.writestr(f"data-1.0/recordings/{digit}_jackson_{take}.wav", sound.getvalue())
        file.writestr("data-1.0/README.md", "not a sound")
        file.writestr("data-1.0/recordings/../../../evil.wav", "not one either")
    return content.getvalue()


ARCHIVE = _archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@dataclass
class Server:
    """The server's planned answers, and the requests that it received.

    Attributes:
        url: address of the archive.
        breaks: for each request in turn, the number of bytes after which the transfer breaks.
        ranges: whether the server accepts requests for a part of a file.
        asked: the Range header of each request, or None.
    """

    url: str = ""
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    plan = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            plan.asked.append(asked)
            if self.path != "/data.zip":
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and plan.ranges else 0
            if start >= len(ARCHIVE):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(ARCHIVE)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            rest = ARCHIVE[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(ARCHIVE) - 1}/{len(ARCHIVE)}")
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: plan.breaks.pop(0)] if plan.breaks else rest)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None: ...

    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    plan.url = f"http://127.0.0.1:{httpd.server_port}/data.zip"
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield plan
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_fetched_sounds_are_in_one_folder_with_a_manifest(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "digits"
    words = ["fetch", "fsdd", "--out", str(out), "--url", server.url, "--sha256", SHA256]
    assert main(words) == 0
    assert capsys.readouterr().out == (
        f"6 sounds in {out}; next: trainer fit --config digits --data {out} --out RUN\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]  # the archive and its part file are gone
    assert len(list(out.iterdir())) == 7
    config = read("digits")
    sounds = prepare(out, ModelConfig(sample_rate=8000, length=1024), config.data)
    assert sounds.classes == ("0", "1")
    assert (
        len(set(sounds.groups)) == 6
    )  # each take forms a separate group; takes are not treated as near-duplicates
    assert sounds.licence == "CC-BY-SA-4.0"
    assert sounds.credits == (
        "Free Spoken Digit Dataset v1.0.10: CC-BY-SA-4.0 (Zohar Jackson and the speakers)",
    )


def test_broken_transfer_is_resumed(server: Server, tmp_path: Path) -> None:
    server.breaks = [1000, 0, 500]
    assert fetch.fetch("fsdd", tmp_path / "d", url=server.url, sha256=SHA256) == 6
    assert server.asked == [None, "bytes=1000-", "bytes=1000-", "bytes=1500-"]


def test_next_call_resumes_an_abandoned_transfer(server: Server, tmp_path: Path) -> None:
    server.breaks = [1000, *[0] * download.ATTEMPTS]
    with pytest.raises(DownloadError, match=r"1000 bytes are kept, and the same command resumes"):
        fetch.fetch("fsdd", tmp_path / "d", url=server.url, sha256=SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["d.zip.part"]
    server.asked.clear()
    server.breaks.clear()
    assert fetch.fetch("fsdd", tmp_path / "d", url=server.url, sha256=SHA256) == 6
    assert server.asked == ["bytes=1000-"]


def test_server_without_ranges_sends_the_entire_file_again(server: Server, tmp_path: Path) -> None:
    server.breaks, server.ranges = [1000], False
    download.download(server.url, tmp_path / "a.zip", SHA256)
    assert (tmp_path / "a.zip").read_bytes() == ARCHIVE
    assert len(server.asked) == 2


@pytest.mark.parametrize("excess", [0, 10])
def test_complete_partial_file_is_kept_and_too_long_one_is_replaced(
    server: Server, tmp_path: Path, excess: int
) -> None:
    (tmp_path / "a.zip.part").write_bytes(ARCHIVE + b"x" * excess)
    download.download(server.url, tmp_path / "a.zip", SHA256)
    assert (tmp_path / "a.zip").read_bytes() == ARCHIVE
    assert len(server.asked) == (2 if excess else 1)


def test_wrong_checksum_deletes_the_download(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fetch", "fsdd", "--out", str(tmp_path / "d"), "--url", server.url, "--sha256", "0" * 64]
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        f"trainer fetch: error: d.zip.part: its SHA-256 is {SHA256}, not {'0' * 64}; the download"
    )
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_archive_without_the_expected_sounds_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"not the Free Spoken Digit Dataset v1\.0\.10: its 6 sounds"):
        fetch.fetch("fsdd", tmp_path / "d", url=server.url)
    assert not list(tmp_path.iterdir())


def test_archive_may_be_a_local_copy(tmp_path: Path) -> None:
    copy = tmp_path / "copy.zip"
    copy.write_bytes(ARCHIVE)
    assert fetch.fetch("fsdd", tmp_path / "d", url=str(copy), sha256=SHA256) == 6
    with pytest.raises(DownloadError, match="its SHA-256 is"):
        fetch.fetch("fsdd", tmp_path / "e", url=str(copy), sha256="1" * 64)
    copy.write_bytes(ARCHIVE[:-100])
    with pytest.raises(DownloadError, match="not a zip archive, or damaged"):
        fetch.fetch("fsdd", tmp_path / "e", url=str(copy))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.zip", "d"]


def test_failed_downloads_are_reported_with_the_reason(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"other\.zip: the server answers 404"):
        fetch.fetch("fsdd", tmp_path / "d", url=server.url.replace("data", "other"))
    with pytest.raises(DownloadError, match=r"no\.zip: no such file, and not a URL"):
        fetch.fetch("fsdd", tmp_path / "d", url="no.zip")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(DownloadError, match="full: not empty"):
        fetch.fetch("fsdd", tmp_path / "full", url=server.url)


def test_checksum_of_the_sounds_equals_the_output_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(b"2")
    (tmp_path / "B.wav").write_bytes(b"1")
    lines = f"{hashlib.sha256(b'1').hexdigest()}  B.wav\n{hashlib.sha256(b'2').hexdigest()}  b.wav\n"
    assert fetch.checksum(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
