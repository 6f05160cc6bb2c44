"""Tests for the VST3 and CLAP plugins in our own host: outs, exact times of events, and offline rendering.

Rendering in real time ("live") must give the same sound as offline rendering (a bounce).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio.bridge_memory import BridgeMemory
from realtime.model import verify
from tests.system.plugin import compiled, last_log
from tests.system.rig import TIMEOUT_S, Server, wait_until
from tests.system.test_bridge import assert_equal, rendered

RATE, BLOCK = 48_000, 512
FORMATS = ("vst3", "clap")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bridge needs Linux")


@dataclass(frozen=True)
class Pass:
    """The result of playing a score in a host.

    Attributes:
        sound: the sound that the plugin made, float32 [T, C].
        buses: the number of channels and the name of each output bus.
        start: index of the sample at which the score starts.
        server: the value of the parameter "Server" at the end.
        faults: names of functions, such as allocations, that the audio callback called but must not call.
    """

    sound: NDArray[np.float32]
    buses: list[tuple[int, str]]
    start: int
    server: int
    faults: list[str]


@dataclass(frozen=True)
class Host:
    """The host program plugin_host, and the plugin that it loads."""

    program: Path
    built: Path
    format: str
    name: str = "soundmorph"

    def play(
        self, score: list[str], samples: int, *, block: int = BLOCK, live: bool = False, tempo: float = 0.0
    ) -> Pass:
        """Play a score as a bounce or, if `live` is true, in real time.

        Args:
            score: lines of events, in order of time.
            samples: the length of the pass.
            block: the number of samples in a block.
            live: whether to play in real time.
            tempo: the tempo in beats per minute; with 0, the transport of the host is stopped.
        """
        (only,) = self.play_each(score, samples, [(RATE, block)], live=live, tempo=tempo)
        return only

    def play_each(
        self,
        score: list[str],
        samples: int,
        settings: list[tuple[int, int]],
        live: bool = False,
        tempo: float = 0.0,
    ) -> list[Pass]:
        """Play a score once for each rate and block size; return the passes without the plugin's latency."""
        notes, out = self.program.with_name("score"), self.program.with_name("out.raw")
        notes.write_text("\n".join(score))
        rates, blocks = (",".join(map(str, each)) for each in zip(*settings, strict=True))
        lines = self.run(rates, blocks, samples, "live" if live else "offline", tempo, notes, out)
        words = [line.split(maxsplit=2) for line in lines]
        buses = [(int(word[1]), word[2]) for word in words if word[0] == "bus"]
        starts, servers = ([int(word[1]) for word in words if word[0] == key] for key in ("start", "server"))
        assert [int(word[1]) for word in words if word[0] == "latency"] == [block for _, block in settings]
        sound = np.fromfile(out, np.float32).reshape(-1, sum(channels for channels, _ in buses))
        faults = [word[0] for word in words if len(word) == 1]
        parts = np.split(sound, starts[1:])
        return [
            Pass(part[block:], buses, start, server, faults)
            for part, start, server, (_, block) in zip(parts, starts, servers, settings, strict=True)
        ]

    def run(self, *arguments: object) -> list[str]:
        """Run the host program; return the lines that it prints."""
        library = self.built / f"{self.name}.clap"
        if self.format == "vst3":
            (library,) = (self.built / f"{self.name}.vst3").rglob("*.so")
        command = map(str, [self.program, self.format, library, *arguments])
        done = subprocess.run([*command], check=True, capture_output=True, text=True, timeout=60)
        *lines, last = done.stdout.splitlines()
        assert last == "done"
        return lines


@pytest.fixture(scope="module")
def host_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host program, built from its source."""
    return compiled(tmp_path_factory.mktemp("plugin_host"), "audit.c", "plugin_host.cpp")


@pytest.mark.parametrize("form", FORMATS)
def test_each_class_plays_on_its_out(
    built: Path, host_program: Path, folder: Path, tiny_model: Path, form: str
) -> None:
    classes = verify.read(tiny_model).info.classes
    score = [f"{at} midi 144 {note} 100" for at, note in ((85, 36), (12_001, 38), (24_003, 42))]
    played = Host(host_program, built, form, "soundmorph-outs").play(score, 36_000)
    assert played.buses == [(2, "Audio Output"), *((2, f"Class {number}") for number in range(1, 17))]
    exact = rendered(last_log(folder))
    assert exact.shape[1] == 34
    assert_equal(played.sound, exact)
    loud = np.abs(played.sound.reshape(-1, 17, 2)).max(axis=(0, 2)) > 0.01
    assert [*np.flatnonzero(loud)] == [*range(1, 1 + len(classes))]


def test_stereo_plugin_plays_the_sum_of_the_outs_of_its_server(
    built: Path, host_program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDMORPH_SERVER", f"{os.environ['SOUNDMORPH_SERVER']} --outs kick")
    played = Host(host_program, built, "vst3").play(["85 midi 144 36 100", "901 midi 144 38 100"], 12_000)
    exact = rendered(last_log(folder))
    main, kick = np.split(exact, 2, axis=1)
    assert main.any()
    assert kick.any()
    assert_equal(played.sound, main + kick)


NOTES = [(1, 36), (85, 38), (511, 42), (512, 36), (5_003, 38), (9_001, 36)]
AUTOMATION = [
    (77, "Gain", -3.0),
    (300, "To", 1),
    (301, "Position", 0.25),
    (1_789, "Gain", -9.5),
    (1_790, "Position", 1),
]
LIVE_BLOCK = 4096


@pytest.mark.parametrize("form", FORMATS)
def test_bounce_equals_the_pass_in_real_time_with_events_at_their_samples(
    built: Path, host_program: Path, folder: Path, form: str
) -> None:
    score = [(at, f"midi 144 {note} 100") for at, note in NOTES]
    score += [(at, f"set {value} {name}") for at, name, value in AUTOMATION]
    host, lines = Host(host_program, built, form), [f"{at} {event}" for at, event in sorted(score)]
    times = [at for at, _ in sorted(score)]

    bounce = host.play(lines, 16_000)
    log = last_log(folder)
    assert commands(log) == times
    assert_equal(bounce.sound, rendered(log))
    assert "pthread_mutex_lock" in bounce.faults  # in a bounce, the callback waits for the server

    for _ in range(3):  # on a busy machine, a pass in real time may be late
        live = host.play(lines, 16_000, block=LIVE_BLOCK, live=True)
        log = last_log(folder)
        found = commands(log)
        began = found[0] - times[0]  # index of the server's sample at which the score starts
        sound, exact = live.sound[live.start :], rendered(log)[began:]
        if [at - began for at in found] == times and np.abs(sound - exact[: len(sound)]).max() < 1e-3:
            break
    assert [at - began for at in found] == times
    assert began % LIVE_BLOCK == 0
    assert live.faults == []
    assert live.server == 2
    assert_equal(sound, exact)
    assert_equal(sound, bounce.sound)


def commands(log: Path) -> list[int]:
    """Return the sample index of each command in a log, from the first hit onwards."""
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:-1]]
    first = next(number for number, line in enumerate(lines) if line["do"] == "trigger")
    return [line["at"] for line in lines[first:]]


@pytest.mark.parametrize("form", FORMATS)
def test_sound_is_exact_after_the_host_changes_rate_and_block(
    built: Path, host_program: Path, folder: Path, form: str
) -> None:
    settings = [(48_000, 512), (44_100, 100), (44_100, 1000)]
    score = ["85 midi 144 36 100", "901 midi 144 38 100"]
    passes = Host(host_program, built, form).play_each(score, 6_000, settings)
    log = last_log(folder)
    second = rendered(log)
    first = rendered(log.with_name(log.name.replace("-2.jsonl", ".jsonl")))  # the log before the rate changed
    assert_equal(passes[0].sound, first)
    assert_equal(passes[1].sound, second[:6_000])
    assert_equal(passes[2].sound, second[6_000:])  # the same log, because only the block size has changed


@pytest.mark.parametrize("form", FORMATS)
def test_sequencer_follows_the_transport_of_the_host(
    built: Path,
    host_program: Path,
    folder: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setenv("SOUNDMORPH_SERVER", "false")  # the plugin must therefore find the running server
    log, step = folder / "log.jsonl", RATE * 60 // 125 // 4
    with Server(tiny_model, "--device", "bridge:live", "--oscquery", "off", "--log", str(log)) as server:
        server.ask("/morph/seq/add", "kick")
        server.send("/morph/seq/lane/0/velocities", *[1.0] * 16)
        Host(host_program, built, form).play([], 8 * step + 1, tempo=125.0)
        server.stop()
    assert commands(log) == [*range(0, 9 * step, step)]


@pytest.mark.parametrize("form", FORMATS)
def test_hundred_instances_open_and_close(
    built: Path, host_program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("SOUNDMORPH_BRIDGE", "none")
    assert Host(host_program, built, form, "soundmorph-outs").run(100) == []


@pytest.mark.parametrize("form", FORMATS)
def test_page_opens_in_the_browser(
    built: Path,
    host_program: Path,
    folder: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    opened = tmp_path / "opened"
    (tmp_path / "xdg-open").write_text(f"#!/bin/sh\necho $1 >{opened}-part && mv {opened}-part {opened}\n")
    (tmp_path / "xdg-open").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SOUNDMORPH_BRIDGE", "live")
    with Server(tiny_model, "--device", "bridge:live", "--oscquery", "0"):
        Host(host_program, built, form).play(["0 set 1 Open the page"], RATE // 4, live=True)
        wait_until(opened.exists)
        wanted = urllib.request.Request(opened.read_text().strip(), headers={"Accept": "text/html"})
        with urllib.request.urlopen(wanted, timeout=TIMEOUT_S) as page:
            assert b"<title>soundmorph" in page.read()


@pytest.mark.parametrize("form", FORMATS)
def test_bounce_without_a_server_is_silent(
    built: Path, host_program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("SOUNDMORPH_SERVER", "echo no server here; false")
    silence = Host(host_program, built, form).play(["85 midi 144 36 100"], RATE)
    assert not silence.sound.any()
    (log,) = folder.glob("*.log")
    assert log.read_text() == "no server here\n"


@pytest.mark.parametrize("form", FORMATS)
def test_parameter_server_shows_that_a_project_could_not_be_restored(
    built: Path,
    host_program: Path,
    folder: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setenv("SOUNDMORPH_BRIDGE", "live")
    with Server(tiny_model, "--device", "bridge:live", "--oscquery", "off"):
        memory = BridgeMemory(folder / "live.bridge")
        memory.write_project("not a project")
        wait_until(lambda: memory["project_read"] == 1)
        assert Host(host_program, built, form).play([], RATE // 8, live=True).server == 3
