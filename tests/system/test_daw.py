"""In real hosts, the sound that the plugin delivers equals the sound rendered from the server's log.

The plugin plays the sound that a server sends it through a bridge (shared memory), and starts the server if
necessary.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio.bridge_memory import BridgeMemory
from realtime.model.decoder import Decoder
from tests.system.plugin import compiled, last_log, state
from tests.system.rig import Jack, Process, Server, program, wait_until
from tests.system.test_bridge import assert_equal, rendered

RUN_S = 0.5
OPENING_RATE = 44_100  # rate in Hz at which the host pedalboard opens plugins
NOTES = [(36, 0.1001), (38, 0.2003), (60, 0.2003)]  # note, time in seconds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bridge needs Linux")


def load(built: Path, **options: float) -> Any:
    pedalboard = pytest.importorskip("pedalboard")
    return pedalboard.VST3Plugin(str(built / "soundmorph.vst3"), **options)


def play(
    plugin: Any, rate: int, block: int, reset: bool = True, *, begin_s: float = 0.0, duration_s: float = RUN_S
) -> NDArray[np.float32]:
    """Play `duration_s` seconds of `NOTES` from `begin_s` onwards; return the sound [T, 2].

    If `reset` is true, pedalboard opens the plugin again, with the same state.
    """
    messages = [
        mido.Message("note_on", note=note, velocity=100, time=at - begin_s)
        for note, at in NOTES
        if begin_s <= at < begin_s + duration_s
    ]
    options = {"sample_rate": rate, "num_channels": 2, "buffer_size": block}
    sound: NDArray[np.float32] = plugin(messages, duration=duration_s, reset=reset, **options)
    return sound.T


@pytest.mark.parametrize(("rate", "block"), [(48_000, 256), (96_000, 100)])
def test_sound_of_the_vst3_equals_the_rendering_of_its_log(
    built: Path, folder: Path, rate: int, block: int
) -> None:
    plugin = load(built)
    sound = play(plugin, rate, block)
    del plugin
    assert_equal(sound[block:], rendered(last_log(folder))[: len(sound) - block])


def test_project_of_the_host_contains_and_restores_the_state_of_the_server(
    built: Path, folder: Path, tiny_model: Path
) -> None:
    start = list(Decoder(tiny_model, capacity=1).info.classes[0].centroid)
    plugin = load(built)
    plugin.gain_db = -6.0
    plugin.map_x = 0.9
    play(plugin, 48_000, 256)
    wait_until(lambda: state(folder).get("gain_db") == pytest.approx(-6.0, abs=0.1))
    wait_until(lambda: state(folder)["z"] != start)  # the host sends each parameter by itself
    kept = state(folder)
    project = plugin.raw_state
    del plugin
    last_log(folder)
    plugin = load(built)
    plugin.raw_state = project
    play(plugin, 48_000, 256)
    wait_until(lambda: state(folder).get("gain_db") == kept["gain_db"])
    wait_until(lambda: state(folder)["z"] == kept["z"])
    assert state(folder)["faults"] == []
    del plugin


def test_project_that_contains_its_model_plays_on_a_different_machine(
    built: Path, folder: Path, tiny_model: Path, other_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = load(built)
    play(plugin, 48_000, 256)
    project_alone = plugin.raw_state
    assert len(project_alone) < tiny_model.stat().st_size
    plugin.keep_the_model_in_the_project = True
    play(plugin, 48_000, 256)
    project = plugin.raw_state
    assert len(project) > tiny_model.stat().st_size
    del plugin
    sound = rendered(last_log(folder))
    other = os.environ["SOUNDMORPH_SERVER"].replace(str(tiny_model), str(other_model))
    monkeypatch.setenv("SOUNDMORPH_SERVER", other)
    monkeypatch.setenv("XDG_DATA_HOME", str(folder.parent / "another"))
    plugin = load(built)
    plugin.raw_state = project_alone
    play(plugin, 48_000, 256)
    (fault,) = state(folder)["faults"]
    assert "is missing here" in fault
    plugin.raw_state = project
    heard = play(plugin, 48_000, 256)
    assert state(folder)["faults"] == []
    assert_equal(heard[256:], sound[: len(heard) - 256])
    del plugin


def test_killed_server_is_started_again(built: Path, folder: Path) -> None:
    plugin = load(built)
    assert np.abs(play(plugin, 48_000, 256)).max() > 0.1
    (path,) = folder.glob("*.bridge")
    servers = subprocess.run(
        ["pgrep", "-f", f"bridge:{path.stem} "], capture_output=True, text=True, check=True
    )
    for pid in servers.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    assert np.abs(play(plugin, 48_000, 256, reset=False)).max() > 0.1
    del plugin


@contextmanager
def serving(model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Start a server for the plugins of this process; yield the path of its log.

    At the end, check that no process and no file of the bridge is left.
    """
    monkeypatch.setenv("SOUNDMORPH_BRIDGE", "live")
    log = folder.parent / "log.jsonl"
    options = ("--device", "bridge:live", "--rate", str(OPENING_RATE), "--block", "64", "--oscquery", "off")
    with Server(model, *options, "--log", str(log)) as server:
        yield log
        worker = server.worker_pid
        assert server.stop() == 0
    assert not Path(f"/proc/{worker}").exists()
    assert [*folder.iterdir()] == []


def test_hundred_instances_open_play_and_close(
    built: Path, folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instances use one server in turn; each continues at the sample where the previous one stopped."""
    pedalboard = pytest.importorskip("pedalboard")
    # otherwise, pedalboard reads a thousand value strings for each parameter, which takes too long
    monkeypatch.setattr(pedalboard.VST3Plugin, "__set_initial_parameter_values__", lambda *_: None)
    block, duration_s = 441, 0.04
    with serving(tiny_model, folder, monkeypatch) as log:
        heard = []
        for number in range(100):
            plugin = load(built, initialization_timeout=0.0)
            begin_s = NOTES[number % 2][1] - 0.0101
            heard.append(play(plugin, OPENING_RATE, block, False, begin_s=begin_s, duration_s=duration_s))
            del plugin
    exact = rendered(log)
    for sound, part in zip(heard, np.split(exact[: 100 * len(heard[0])], 100), strict=True):
        assert not sound[:block].any()  # the latency is silent
        assert_equal(sound[block:], part[:-block])


def test_sound_is_exact_after_the_host_changes_block_and_rate(
    built: Path, folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latency is the largest block since the rate changed: pedalboard reports no smaller block."""
    duration_s = 0.25  # the notes are still sounding at the end of each part
    changes = [(OPENING_RATE, 256, 256), (OPENING_RATE, 100, 256), (OPENING_RATE, 512, 512), (48_000, 64, 64)]
    with serving(tiny_model, folder, monkeypatch) as log:
        plugin = load(built, initialization_timeout=0.0)
        heard = [play(plugin, rate, block, False, duration_s=duration_s) for rate, block, _ in changes]
        del plugin
    logs = {OPENING_RATE: log, 48_000: log.with_name("log-2.jsonl")}
    exact = {rate: rendered(each) for rate, each in logs.items()}
    at = dict.fromkeys(logs, 0)
    for sound, (rate, _, latency) in zip(heard, changes, strict=True):
        end = at[rate] + len(sound)
        assert_equal(sound, np.pad(exact[rate], ((latency, 0), (0, 0)))[at[rate] : end])
        at[rate] = end


def test_offline_rendering_equals_a_pass_in_real_time(
    built: Path, folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pedalboard reports each pass as offline; test_plugin_formats tests a pass that is reported as live."""
    block = 441
    block_s = block / OPENING_RATE
    with serving(tiny_model, folder, monkeypatch) as log:
        plugin = load(built, initialization_timeout=0.0)
        bounce = play(plugin, OPENING_RATE, block, False)
        began, paced = time.monotonic(), []
        for number in range(len(bounce) // block):
            time.sleep(max(0.0, began + number * block_s - time.monotonic()))
            begin_s = number * block_s
            paced.append(play(plugin, OPENING_RATE, block, False, begin_s=begin_s, duration_s=block_s))
        del plugin
    exact = rendered(log)
    live = np.concatenate(paced)
    assert_equal(bounce[block:], exact[: len(bounce) - block])
    assert_equal(live, exact[len(bounce) - block :][: len(live)])
    assert len(live) == len(bounce)
    assert_equal(live, bounce)


def test_lv2_plugins_are_valid(built: Path) -> None:
    schemas = [path for path in Path("/usr/lib/lv2").rglob("*.ttl") if not path.parent.name.startswith("Za")]
    files = [*schemas, *built.glob("*.lv2/*.ttl")]
    command = [program("sord_validate"), *map(str, files)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    _, *errors = (checked.stdout + checked.stderr).split("error: ")
    # the plugin framework uses these vocabularies, whose schemas are in no package
    known = "http://moddevices.com/", "http://kxstudio.sf.net/"
    assert [error for error in errors if not any(each in error for each in known)] == []


def test_qtractor_finds_the_clap_plugins(built: Path) -> None:
    program("qtractor")
    (scan,) = Path("/usr/lib").glob("*/qtractor/qtractor_plugin_scan")
    for name in ("soundmorph", "soundmorph-outs"):
        file = built / f"{name}.clap"
        line = f"CLAP:{file}\n"
        told = subprocess.run([scan], input=line, check=True, capture_output=True, text=True, timeout=60)
        title, audio, midi, _, flags, path = told.stdout.split("|")[1:7]
        assert (title, audio, midi) == (name.replace("-", " "), "0:2", "1:0")  # channels of the main port
        assert "EXT" in flags  # the host can save the plugin's state
        assert path == str(file)


def test_jalv_plays_the_lv2_plugin(built: Path, folder: Path) -> None:
    with Jack(synchronous=False) as jack:
        jack.wait()
        environment = {**jack.env, "LV2_PATH": f"{built}:/usr/lib/lv2"}
        with Process([program("jalv"), "urn:soundmorph:plugin"], environment):
            wait_until(lambda: bool(list(folder.glob("*.bridge"))))
            wait_until(lambda: BridgeMemory(next(folder.glob("*.bridge")))["written"] > 48_000)
            assert state(folder)["faults"] == []


@pytest.fixture(scope="module")
def lv2_host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a host in C that reports calls, such as allocations, that the audio callback must not make."""
    return compiled(tmp_path_factory.mktemp("host"), "lv2_host.c", "audit.c")


def audit(
    host: Path, built: Path, out: Path, *, blocks: int, instances: int = 1, wait: int = 0, pairs: int = 1
) -> list[str]:
    """Run the host in C; return the forbidden calls of the plugin's audio callback.

    Args:
        host: the host program.
        built: the folder of the plugins.
        out: the file to which the host writes the sound.
        blocks: number of blocks of 512 samples.
        instances: number of instances of the plugin.
        wait: 1 if the plugin may wait for the server, otherwise 0.
        pairs: number of output pairs; more than 1 selects the plugin with an out for each class.
    """
    name = "soundmorph" if pairs == 1 else "soundmorph-outs"
    library = built / f"{name}.lv2" / f"{name}.so"
    command = [host, library, 48_000, 512, blocks, instances, out, wait, pairs]
    done = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True, timeout=60)
    *found, last = done.stdout.splitlines()
    assert last == "done"
    return found


def test_audio_callback_neither_allocates_nor_waits(
    built: Path,
    lv2_host: Path,
    folder: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out.raw"
    monkeypatch.setenv("SOUNDMORPH_BRIDGE", "live")
    with Server(tiny_model, "--device", "bridge:live", "--oscquery", "off"):
        assert audit(lv2_host, built, out, blocks=100) == []
        assert audit(lv2_host, built, out, blocks=3, instances=100) == []
        assert "pthread_mutex_lock" in audit(lv2_host, built, out, blocks=20, wait=1)
        assert np.abs(np.fromfile(out, np.float32)).max() > 0.1


def test_lv2_plays_the_snare_on_the_out_of_its_class(
    built: Path, lv2_host: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.raw"
    audit(lv2_host, built, out, blocks=20, wait=1, pairs=17)  # plays note 38, a snare
    loud = np.abs(np.fromfile(out, np.float32).reshape(-1, 17)).max(axis=0) > 0.01
    assert [*np.flatnonzero(loud)] == [2]  # the out of the second class


def test_sound_fades_when_the_server_is_killed_and_returns_with_the_next_server(
    built: Path, lv2_host: Path, folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, library = folder.parent / "out.raw", built / "soundmorph.lv2" / "soundmorph.so"
    monkeypatch.setenv("SOUNDMORPH_BRIDGE", "live")
    options = ("--device", "bridge:live", "--oscquery", "off")
    command = [lv2_host, library, 48_000, 512, 10**6, 1, out, 0, 1]

    def sounds() -> bool:
        return out.exists() and bool(np.fromfile(out, np.float32)[-24_000:].any())

    with Server(tiny_model, *options) as server, Process([*map(str, command)]) as host:
        wait_until(sounds)
        before = len(np.fromfile(out, np.float32))
        server.stop(signal.SIGKILL)
        wait_until(lambda: not sounds())
        with Server(tiny_model, *options):
            wait_until(sounds)
        host.stop(signal.SIGKILL)
    sound = np.fromfile(out, np.float32)
    ends = np.flatnonzero((sound[before:-1] != 0.0) & (sound[before + 1 :] == 0.0)) + before
    assert np.abs(sound[ends]).max() < np.abs(sound).max() / 100  # where the fade ends
