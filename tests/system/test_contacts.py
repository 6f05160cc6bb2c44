"""The server contacts no other machine, and its libraries leave no files in the user's folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.rig import Process, preloadable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD (Linux)")

SECONDS = "12"  # ONNX Runtime 1.32 looks up the host of its telemetry 9 s after the import


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """An environment with private folders; programs in it write each of their contacts to $CONTACTS."""
    library = preloadable("contacts.c", tmp_path)
    folders = {"HOME": "home", "TMPDIR": "tmp", "XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "data"}
    for name in folders.values():
        (tmp_path / name).mkdir()
    found = {key: str(tmp_path / name) for key, name in folders.items()}
    return {**found, "LD_PRELOAD": str(library), "CONTACTS": str(tmp_path / "contacts")}


def contacts(watched: dict[str, str]) -> list[str]:
    path = Path(watched["CONTACTS"])
    return path.read_text().splitlines() if path.exists() else []


def test_lookups_of_and_datagrams_to_other_machines_are_noted(watched: dict[str, str]) -> None:
    code = (
        "import contextlib, socket\n"
        "with contextlib.suppress(OSError): socket.getaddrinfo('soundmorph.invalid', 80)\n"
        "with contextlib.suppress(OSError): socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 9))\n"
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **watched}, check=True)
    assert contacts(watched) == ["soundmorph.invalid", "192.0.2.1"]


def test_server_contacts_no_machine_and_leaves_only_its_preset_file(
    watched: dict[str, str], tmp_path: Path, tiny_model: Path
) -> None:
    serve = ["serve", "--model", str(tiny_model), "--null", "--port", "0", "--seconds", SECONDS]
    environment = {**watched, "ORT_DISABLE_TELEMETRY": "0"}  # the server itself must turn telemetry off
    with Process([sys.executable, "-m", "realtime", *serve], environment) as server:
        server.wait_for("^osc ")
        assert server.finish() == 0, server.output
    assert contacts(watched) == []
    left = [path for name in ("home", "tmp", "cache", "data") for path in (tmp_path / name).rglob("*")]
    files = {path.name for path in left if path.is_file()}
    assert files == {"presets.json", ".presets.json.lock"}
