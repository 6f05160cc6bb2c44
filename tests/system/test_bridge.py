"""Tests for bridges: shared memory through which a plugin host and a server exchange blocks and events.

A project is the state of the server that the host stores.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.system.host import Host
from tests.system.rig import TIMEOUT_S, Process, Server, onset

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bridge needs Linux")

RATE = 48_000


@pytest.fixture
def runtime(tmp_path: Path) -> dict[str, str]:
    """Return an environment with a private folder for bridges."""
    (tmp_path / "run").mkdir(mode=0o700)
    return {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "XDG_DATA_HOME": str(tmp_path / "data")}


def folder(runtime: dict[str, str]) -> Path:
    return Path(runtime["XDG_RUNTIME_DIR"]) / "soundmorph"


@contextmanager
def serving(model: Path, runtime: dict[str, str], *arguments: str) -> Iterator[tuple[Server, Host]]:
    """Start a server with the bridge `live`, and a host at its other end."""
    options = ["--device", "bridge:live", "--oscquery", "off", "--block", "64", *arguments]
    with Server(model, *options, env=runtime) as server:
        host = Host(folder(runtime), "live")
        try:
            yield server, host
        finally:
            host.close()


def rendered(log: Path) -> NDArray[np.float32]:
    """Render a log to a sound file; return the sound: float32 [T, C]."""
    to = log.with_suffix(".wav")
    with Process([sys.executable, "-m", "realtime", "render", str(log), "-o", str(to)]) as render:
        assert render.finish() == 0, render.output
    sound: NDArray[np.float32] = soundfile.read(to, dtype="float32", always_2d=True)[0]
    return sound


def assert_equal(sound: NDArray[np.float32], exact: NDArray[np.float32]) -> None:
    """Assert that a sound equals the rendered sound, from the first sample onwards, to within -120 dBFS."""
    length = min(len(sound), len(exact))
    assert np.abs(exact[:length]).max() > 0.1
    assert np.abs(sound[:length] - exact[:length]).max() < 1e-6
    assert np.abs(sound[length:]).max(initial=0.0) < 1e-6


def test_sound_that_the_host_receives_equals_the_sound_rendered_from_the_log(
    tiny_model: Path, runtime: dict[str, str], tmp_path: Path
) -> None:
    log, heard = tmp_path / "log.jsonl", []
    with serving(tiny_model, runtime, "--log", str(log)) as (_, host):
        for number, samples in enumerate([256, 100, 1, 255, 64, 256, 13, 199, 4096, 256]):
            host.hit(samples // 3, velocity=0.5)
            if number == 4:
                host.midi(7, 0x90, 38, 100)
                host.turn(9, 2, 0.7)
            heard.append(host.process(samples))
        first = 256 // 3
        assert onset(heard[0][:, 0]) in (first, first + 1)  # the first sample of the sound may be 0
        heard += [host.process(256) for _ in range(40)]
    sound = np.concatenate(heard)
    assert_equal(sound, rendered(log))


def test_servers_time_stands_still_while_no_host_requests_blocks(
    tiny_model: Path, runtime: dict[str, str]
) -> None:
    with serving(tiny_model, runtime) as (server, host):
        before = server.status()["seconds"]
        host.process(480)
        assert float(server.status()["seconds"]) == pytest.approx(float(before) + 0.01)
        server.send("/morph/trigger")
        server.status()  # after this reply, the hit waits for the next block
        assert onset(host.process(480)[:, 0]) <= 1


def test_restarted_worker_keeps_its_settings_and_plays_for_the_host_again(
    tiny_model: Path, runtime: dict[str, str]
) -> None:
    with serving(tiny_model, runtime) as (server, host):
        host.send(0, "/morph/gain", -6.0)
        host.process(256)
        os.kill(server.worker_pid, signal.SIGKILL)
        host.wait_for_epoch(2)
        host.process(4096)
        server.wait_until(gain_db=-6.0)
        host.hit(100)
        assert onset(host.process(4096)[:, 0]) in (100, 101)


def test_server_adopts_the_rate_of_the_host(
    tiny_model: Path, runtime: dict[str, str], tmp_path: Path
) -> None:
    with serving(tiny_model, runtime, "--log", str(tmp_path / "log.jsonl")) as (server, host):
        host.process(256)
        host.memory["host_rate"] = 44_100
        host.wait_for_epoch(2)
        host.hit(10)
        sound = np.concatenate([host.process(512) for _ in range(20)])
        assert server.status()["sample_rate"] == 44_100
    assert_equal(sound, rendered(tmp_path / "log-2.jsonl"))


def test_project_restores_point_presets_and_settings(tiny_model: Path, runtime: dict[str, str]) -> None:
    with serving(tiny_model, runtime) as (server, host):
        server.send("/morph/xy", 0.2, 0.9)
        host.process(256)
        server.ask("/morph/preset/store", "mine")
        for address, value in (("/morph/pan", -0.5), ("/morph/gain", -3.0), ("/morph/seq/add", "")):
            server.send(address, *([] if value == "" else [value]))
        server.status()  # after this reply, the messages have been carried out
        host.process(4096)
        end = time.monotonic() + TIMEOUT_S
        while "mine" not in (kept := host.state())["presets"] or kept["settings"]["pan"] != -0.5:
            assert time.monotonic() < end, kept
    (presets,) = Path(runtime["XDG_DATA_HOME"]).rglob("presets.json")
    presets.unlink()
    text = json.dumps(kept)
    with serving(tiny_model, runtime) as (server, host):
        host.memory.write_project(text)
        host.state(project=1)
        host.process(4096)
        server.wait_until(gain_db=-3.0)
        end = time.monotonic() + TIMEOUT_S
        while (now := host.state(project=1))["z"] != kept["z"]:
            assert time.monotonic() < end, now
            host.process(256)
        for key in ("model", "z", "gain_db", "mode", "settings", "presets", "sequencer"):
            assert now[key] == kept[key], key
        assert now["faults"] == []


def test_project_whose_model_is_missing_is_reported(
    tiny_model: Path, other_model: Path, runtime: dict[str, str]
) -> None:
    with serving(tiny_model, runtime) as (_, host):
        text = host.memory.read_state() or json.dumps(host.state())
    with serving(other_model, runtime) as (_, host):
        host.memory.write_project(text)
        faults = host.state(project=1)["faults"]
        assert len(faults) == host.memory["faults"] == 1
        assert "is missing here" in faults[0]


def test_model_that_a_project_contains_is_checked_and_stored_in_the_library(
    tiny_model: Path, other_model: Path, runtime: dict[str, str], tmp_path: Path
) -> None:
    with serving(tiny_model, runtime) as (_, host):
        text = json.dumps(host.state())
        assert (folder(runtime) / "live.model").read_bytes() == tiny_model.read_bytes()
    library = tmp_path / "data" / "soundmorph" / "models"
    with serving(other_model, runtime) as (_, host):
        offer = folder(runtime) / "live.offer"
        for content, told in (
            (b"damaged", "the model in the project cannot be used: not a"),
            (other_model.read_bytes(), "not "),
        ):
            offer.write_bytes(content)
            number = host.memory["project_writes"] + 1
            host.memory.write_project(text)
            refused, missing = host.state(project=number)["faults"]
            assert told in refused
            assert "is missing here" in missing
        assert list(library.iterdir()) == []
        offer.write_bytes(tiny_model.read_bytes())
        host.memory.write_project(text)
        now = host.state(project=3)
        assert (now["faults"], now["model"]["name"]) == ([], json.loads(text)["model"]["name"])
    (stored,) = library.iterdir()
    assert stored.read_bytes() == tiny_model.read_bytes()
    with serving(other_model, runtime) as (
        _,
        host,
    ):  # the model is found in the library by its name and checksum
        host.memory.write_project(text)
        assert host.state(project=1)["faults"] == []
    name = stored.rename(library / f"{json.loads(text)['model']['name']}.onnx")
    with serving(other_model, runtime) as (_, host):  # this file equals the model in the project
        (folder(runtime) / "live.offer").write_bytes(tiny_model.read_bytes())
        host.memory.write_project(text)
        assert host.state(project=1)["faults"] == []
    assert list(library.iterdir()) == [name]


def test_server_with_the_option_with_host_ends_when_the_host_leaves(
    tiny_model: Path, runtime: dict[str, str]
) -> None:
    with serving(tiny_model, runtime, "--with-host") as (server, host):
        host.process(256)
        host.close()
        assert server.finish() == 0
    assert list(folder(runtime).glob("*.*")) == []


def test_second_server_of_a_bridge_is_refused(tiny_model: Path, runtime: dict[str, str]) -> None:
    with serving(tiny_model, runtime):
        command = [sys.executable, "-m", "realtime", "serve", "--model", str(tiny_model), "--port", "0"]
        with Process([*command, "--device", "bridge:live"], runtime) as second:
            assert second.finish() == 2
            assert "another server is using the bridge 'live'" in second.output
        with Process([*command, "--device", "bridge:no name"], runtime) as third:
            assert third.finish() == 2
            assert "is not a name of up to 64" in third.output


def test_option_with_host_is_refused_without_a_bridge(tiny_model: Path) -> None:
    command = [sys.executable, "-m", "realtime", "serve", "--model", str(tiny_model), "--with-host"]
    with Process([*command, "--null", "--port", "0"]) as server:
        assert server.finish() == 2
        assert "--with-host needs --device bridge:NAME" in server.output
