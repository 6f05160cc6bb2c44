"""Tests for the log of commands: its lines of JSON, damaged lines, and the sound rendered from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main
from realtime.synth.command_log import (
    CommandLog,
    LogError,
    LogHeader,
    commands,
    from_json,
    read_header,
    to_json,
)
from realtime.synth.commands import (
    Command,
    Gain,
    Goto,
    Mode,
    Panic,
    Prepare,
    SetAxis,
    SetDimension,
    SetZ,
    Shed,
    Stop,
    Swap,
    Ticks,
    Trigger,
    Tweak,
    most_through,
)
from realtime.synth.mixer import Mixer
from realtime.util.files import FileError

Z = (0.5, -1.25, 0.1, 3.0)
HEADER = LogHeader("tiny.onnx", "", 4, 48_000, 2, 4, 4, -6.0, 128, {})
MIXER_COMMANDS: list[Command] = [
    SetZ(Z),
    SetZ(Z, 7),
    SetDimension(3, 1.5),
    SetAxis(Z, Z, -0.5),
    Goto(Z, 12.5),
    Goto(Z, 100.0, "smooth", 0, "spline", (Z, Z), 3),
    Trigger(),
    Trigger(0.25, Z, 1, -7.0, 0.5, 80.0, True, 2),
    Stop(),
    Stop(5),
    Panic(),
    Gain(-12.5),
    Mode("latch"),
    Shed(),
    Ticks(2),
]


ENGINE_COMMANDS: list[Command] = [Tweak(1, "makeup_db", 0.25), Swap("/a/b.onnx", "00ff", 3, 2)]


@pytest.mark.parametrize(
    "command", [*MIXER_COMMANDS, *ENGINE_COMMANDS], ids=lambda command: type(command).__name__
)
def test_command_survives_conversion_to_json_and_back(command: Command) -> None:
    line = json.loads(json.dumps(to_json(9, command)))
    assert from_json(line, 4) == (9, command)


def test_log_written_by_the_first_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text(
        '{"soundmorph_log": 1, "model": "/old/drums.onnx", "model_sha256": "00", "latent_dim": 2, '
        '"sample_rate": 48000, "channels": 2, "voices": 8, "chunk_frames": 2, "gain_db": -6.0, "block": 128, '
        '"versions": {"python": "3.11.2"}, "dc_block_hz": 0.0, "plugins": []}\n'
        '{"at": 0, "do": "trigger", "velocity": 0.5, "z": [0.25, -1.0], "pitch": 7.0, "decay_ms": 200.0}\n'
        '{"at": 960, "do": "goto", "z": [1.0, 0.0], "ms": 500.0, "curve": "smooth", "path": "spline", '
        '"through": [[0.5, 0.5]]}\n'
        '{"at": 960, "do": "axis", "axis": [1.0, 0.0], "origin": [0.0, 0.0], "value": 2.0}\n'
        '{"at": 4800, "do": "end"}\n'
    )
    header = read_header(tmp_path / "old.jsonl")
    assert header == LogHeader("/old/drums.onnx", "00", 2, 48_000, 2, 8, 2, -6.0, 128, {"python": "3.11.2"})
    assert list(commands(tmp_path / "old.jsonl", 2)) == [
        (0, Trigger(0.5, (0.25, -1.0), pitch=7.0, decay_ms=200.0)),
        (960, Goto((1.0, 0.0), 500.0, curve="smooth", path="spline", through=((0.5, 0.5),))),
        (960, SetAxis((1.0, 0.0), (0.0, 0.0), 2.0)),
        (4800, None),
    ]


@pytest.mark.parametrize("dim", [1, 30, 32, 1024])
def test_longest_accepted_glide_can_be_logged_and_read_again(dim: int, tmp_path: Path) -> None:
    z = tuple(-(0.1 + index / 3.0) for index in range(dim))
    glide = Goto(z, 100.0, "smooth", 0, "spline", (z,) * most_through(dim))
    log = CommandLog(tmp_path / "log.jsonl", HEADER)
    log.tap(7, glide)
    log.close(8)
    assert list(commands(tmp_path / "log.jsonl", dim)) == [(7, glide), (8, None)]


def test_commands_to_decode_ahead_and_tickets_of_glides_are_not_logged() -> None:
    assert to_json(0, Prepare((Z,))) is None
    assert "ticket" not in (to_json(0, Goto(Z, 1.0, ticket=4)) or {})


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ([], "not an object"),
        ({"at": -1, "do": "stop"}, "at is -1, not a sample from 0"),
        ({"at": True, "do": "stop"}, "at is True"),
        ({"at": 0, "do": "explode"}, "do is 'explode', not one of z, dimension"),
        ({"at": 0, "do": ["z"]}, "do is"),
        ({"at": 0, "do": "stop", "loud": 1}, "stop has no 'loud'; it has touch"),
        ({"at": 0, "do": "goto", "z": [1, 2, 3, 4]}, "goto lacks ms"),
        ({"at": 0, "do": "z", "z": [1, 2]}, "z is not a list of 4 numbers"),
        ({"at": 0, "do": "z", "z": [1, 2, 3, float("nan")]}, "z holds nan"),
        ({"at": 0, "do": "goto", "z": None, "ms": 1}, "z is not a list of 4 numbers"),
        ({"at": 0, "do": "trigger", "velocity": 2}, "velocity is 2, not a number from 0 to 1"),
        ({"at": 0, "do": "trigger", "touch": 1.5}, "touch is 1.5, not a whole number from 0 to 127"),
        ({"at": 0, "do": "trigger", "reverse": "yes"}, "reverse is 'yes', not true or false"),
        ({"at": 0, "do": "goto", "z": [0] * 4, "ms": 1, "curve": "x"}, "curve is 'x', not one of linear"),
        ({"at": 0, "do": "dimension", "index": 4, "value": 0}, "index is 4, not below 4"),
        ({"at": 0, "do": "goto", "z": [0] * 4, "ms": 1, "through": 3}, "through is not a list"),
        ({"at": 0, "do": "plugin", "plugin": 32, "parameter": "x", "raw": 0}, "plugin is 32, not a whole"),
        ({"at": 0, "do": "plugin", "plugin": 0, "parameter": 5, "raw": 0}, "parameter is 5, not text"),
        ({"at": 0, "do": "plugin", "plugin": 0, "parameter": "x", "raw": 1.5}, "raw is 1.5, not a number"),
        ({"at": 0, "do": "model", "model": "a.onnx"}, "model lacks model_sha256"),
    ],
)
def test_invalid_line_is_refused(line: Any, text: str) -> None:
    with pytest.raises(LogError) as error:
        from_json(line, 4)
    assert str(error.value).startswith(text)


def write(path: Path, score: list[tuple[int, Command]], end: int) -> Path:
    log = CommandLog(path, HEADER)
    for at, command in score:
        log.tap(at, command)
    log.close(end)
    return path


def test_incomplete_last_line_is_ignored_and_a_damaged_line_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [(at, SetZ(Z)) for at in range(5)], 9)
    text = path.read_text()
    assert [at for at, _ in commands(path, 4)] == [0, 1, 2, 3, 4, 9]
    lines = text.splitlines(keepends=True)
    path.write_text("".join(lines[:4]) + lines[4][:11])
    assert [at for at, _ in commands(path, 4)] == [0, 1, 2]
    path.write_text("".join(lines[:3]) + "{torn\n" + lines[4])
    with pytest.raises(LogError, match=r"a\.jsonl:4: not JSON"):
        list(commands(path, 4))
    path.write_text(lines[0] + lines[4] + lines[2])
    with pytest.raises(LogError, match="3: at is 1, before the sample of the line above"):
        list(commands(path, 4))


CRASH = """
import os, sys, time
from pathlib import Path
from realtime.synth.commands import SetDimension
from realtime.synth.command_log import CommandLog, LogHeader
log = CommandLog(Path(sys.argv[1]), LogHeader("m", "", 4, 48000, 2, 4, 4, 0.0, 128, {}))
begun = time.monotonic()
while (passed := time.monotonic() - begun) < 0.6:
    log.tap(int(1000 * passed), SetDimension(0, 1.0))
    time.sleep(0.001)
print(int(1000 * passed), flush=True)
os._exit(9)  # like a crash: nothing is closed
"""


def test_commands_before_a_crash_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    kept = [at for at, _ in commands(path, 4)]
    assert kept == sorted(kept)
    assert len(kept) > 5  # tests/system/test_log.py checks how many commands are kept
    assert kept[-1] <= int(done.stdout)


def test_slow_fsync_does_not_delay_the_writing_of_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done = threading.Event(), threading.Event()

    def slow(file: int) -> None:
        asked.set()
        done.wait()

    monkeypatch.setattr("realtime.synth.command_log.SYNC_S", 0.001)
    monkeypatch.setattr("realtime.synth.command_log.os.fsync", slow)
    log = CommandLog(tmp_path / "a.jsonl", HEADER)
    assert asked.wait(60.0)
    log.tap(7, Panic())
    end = time.monotonic() + 60.0
    while not (kept := list(commands(log.path, 4))) and time.monotonic() < end:
        time.sleep(0.005)
    done.set()
    log.close(9)
    assert kept == [(7, Panic())]


def test_existing_log_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("precious")
    with pytest.raises(FileError, match="exists; choose another name, or --force to replace it"):
        CommandLog(path, HEADER)
    assert path.read_text() == "precious"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_is_reported_only_once() -> None:
    said: list[str] = []
    log = CommandLog(Path("/dev/full"), HEADER, force=True, say=said.append)
    for at in range(10):
        log.tap(at, Panic())
        time.sleep(0.01)
    log.close(10)
    (line,) = said
    assert line.startswith("logging stopped, playing continues: cannot write /dev/full")


@pytest.mark.parametrize("blocks", [(128,), (1, 77, 512)])
def test_rendered_log_equals_live_sound(
    make_mixer: Callable[..., Mixer], tiny_model: Path, tmp_path: Path, blocks: tuple[int, ...]
) -> None:
    draw = np.random.default_rng(5)
    mixer = make_mixer(gain_db=HEADER.gain_db)
    log = CommandLog(tmp_path / "a.jsonl", HEADER)
    mixer.tap = log.tap
    for at in np.sort(draw.integers(0, 48_000, 150)):
        command = MIXER_COMMANDS[draw.integers(len(MIXER_COMMANDS))]
        mixer.submit(Goto(Z, 30.0) if isinstance(command, SetAxis) else command, int(at))
    heard = np.zeros((60_000, 2), np.float32)
    at = 0
    while at < len(heard):
        for size in blocks:
            mixer.render(heard[at : at + size])
            at = min(at + size, len(heard))
    log.close(len(heard))
    options = ["--model", str(tiny_model), "-o"]
    assert main(["render", str(tmp_path / "a.jsonl"), *options, str(tmp_path / "a.wav")]) == 0
    sound, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == HEADER.sample_rate
    assert np.abs(heard).max() > 0.1
    length = min(len(sound), len(heard))
    np.testing.assert_allclose(sound[:length], heard[:length], atol=1e-6)
    assert (
        main(["render", str(tmp_path / "a.jsonl"), *options, str(tmp_path / "b.flac"), "--rate=44100"]) == 0
    )
    assert soundfile.info(tmp_path / "b.flac").frames == pytest.approx(len(sound) * 44100 / 48000, abs=2)


def test_log_with_a_different_latent_dim_is_refused(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = write(tmp_path / "a.jsonl", [], 0).read_text().replace('"latent_dim":4', '"latent_dim":5')
    (tmp_path / "a.jsonl").write_text(text)
    command = ["render", str(tmp_path / "a.jsonl"), "--model", str(tiny_model), "-o", str(tmp_path / "a.wav")]
    assert main(command) == 2
    assert "was played with a model of 5 dimensions, but this one has 4" in capsys.readouterr().err
    (tmp_path / "a.jsonl").write_text("{}\n")
    assert main(command) == 2
    assert "a.jsonl:1: not the log of a performance" in capsys.readouterr().err
