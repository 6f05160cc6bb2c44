"""Fixtures for the tests with real programs."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.plugin import FRAMEWORK
from tests.system.rig import ROOT, Jack, Server, program, wait_until


@pytest.fixture
def jack_server() -> Iterator[Jack]:
    """A running synchronous JACK server."""
    with Jack() as server:
        server.wait()
        yield server


@pytest.fixture
def server(tiny_model: Path, tmp_path: Path) -> Iterator[Server]:
    """A running server without an audio device; it uses a new preset file."""
    with Server(tiny_model, "--null", "--presets", str(tmp_path / "presets.json")) as running:
        yield running


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the plugins, which are built from source in all formats."""
    program("g++")
    if not FRAMEWORK.is_dir():
        pytest.skip("dpf-source is not installed")
    made = subprocess.run(
        ["make", "plugin"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280, text=True
    )
    assert made.returncode == 0, made.stdout
    return ROOT / "build" / "plugin"


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private folder for bridges (shared memory between a plugin and a server).

    Each plugin that this process loads starts a server with a bridge in this folder.
    """
    place = tmp_path / "run" / "soundmorph"
    place.mkdir(parents=True, mode=0o700)
    serve = f"{sys.executable} -m realtime serve --model {tiny_model} --headroom 0 --block 64"
    monkeypatch.setenv("SOUNDMORPH_SERVER", f"cd {ROOT}; {serve} --log {tmp_path}/log-$$.jsonl")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield place
    gc.collect()
    wait_until(lambda: not list(place.glob("*.bridge")))
