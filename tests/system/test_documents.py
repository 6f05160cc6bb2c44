"""All commands in the README and in the tutorial work if a reader types them in order.

The test changes some commands: servers run without an audio device and listen on a free port, `trainer play`
trains a model at its fastest quality, `sketch`, and nothing is installed.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.system.rig import ROOT, TIMEOUT_S, Process, free_port, program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")

INSTALLS = ("sudo ", ". .venv")
NO_MIDI = "MIDI is not available"
STATUS = OscMessageBuilder("/morph/get/status").build().dgram
RATE, SOUNDS, LENGTH_S = 44_100, 2, 0.2


def commands(page: Path) -> list[str]:
    """Return the lines of all blocks of shell commands on a page, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(INSTALLS)]


class Reader:
    """A reader of the documents who types the commands in a folder.

    Args:
        folder: the folder in which the reader works.
        port: the port of the reader's servers.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.server: Process | None = None
        self.open = ExitStack()
        self.output: list[str] = []
        self.env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "XDG_DATA_HOME": str(folder / "data"),
            "BROWSER": "true",
        }

    def type(self, line: str) -> None:
        """Run a command; wait until it has ended or, if it starts a server, until the server is playing."""
        if line.startswith("make "):
            line = self.recipe(line)
        line = line.replace("127.0.0.1 9000", f"127.0.0.1 {self.port}")
        if "realtime serve" in line:
            self.stop()
            words = f"exec {line} --null --synchronous --port {self.port}"
            self.server = self.open.enter_context(Process(["sh", "-c", words], self.env, self.folder))
            self.server.wait_for("^stop")
            return
        if line.startswith("trainer play"):
            self.stop()
            words = f"exec {line} --quality sketch --null --synchronous --port {self.port}"
            self.server = self.open.enter_context(Process(["sh", "-c", words], self.env, self.folder))
            self.server.wait_for("^learning my-sounds; ")
            self.server.wait_for("sounds can be used")
            self.server.wait_for(
                "^(stop|playing the first version)"
            )  # two programs print these lines, in any order
            self.server.wait_for("^(stop|playing the first version)")
            return
        if not line.startswith("oscsend"):
            self.stop()
        done = subprocess.run(
            line, shell=True, cwd=self.folder, env=self.env, text=True, capture_output=True, timeout=TIMEOUT_S
        )
        assert done.returncode == 0 or NO_MIDI in done.stderr, f"{line}\n{done.stdout}\n{done.stderr}"
        self.output.append(done.stdout)

    def recipe(self, line: str) -> str:
        """Return the last command that `make` would run if all extras were installed; make its folders."""
        environment = Path(sys.prefix)
        extras = ("stage", "learn", "train", "all")
        stamps = [f"--assume-old={environment}/.installed-{what}-cpu" for what in extras]
        options = ["-n", "--no-print-directory", "RUNTIME=cpu", f"VENV={environment}", *stamps]
        words = line.replace("make ", f"make {' '.join(options)} ", 1)
        dry_run = subprocess.run(words, shell=True, cwd=ROOT, text=True, capture_output=True, check=True)
        *before, last = dry_run.stdout.splitlines()
        for word in shlex.split(line):
            if word.startswith("DATA="):
                self.env["DATA"] = word.removeprefix("DATA=")  # make exports this variable
        for each in before:
            if each.startswith("mkdir "):
                subprocess.run(each, shell=True, cwd=self.folder, check=True)
        return last.replace(f"{environment}/bin/", "")

    def wait_for_silence(self) -> None:
        """Wait until the server has carried out all messages, and all sounds have ended."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT_S)
            end = time.monotonic() + TIMEOUT_S
            while True:
                client.sendto(STATUS, ("127.0.0.1", self.port))
                pairs = list(OscMessage(client.recv(65536)).params)
                if pairs[pairs.index("voices") + 1] == 0:
                    return
                assert time.monotonic() < end
                time.sleep(0.02)

    def server_output(self) -> str:
        """Return the output of the server so far."""
        assert self.server is not None
        return self.server.output

    def stop(self) -> None:
        """Wait until the server is silent, and end it as Ctrl-C does."""
        if self.server is None:
            return
        self.wait_for_silence()
        with self.open:
            assert self.server.stop(signal.SIGINT) == 0, self.server.output
        self.output.append(self.server.output)
        self.server = None


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    program("oscsend")
    program("make")
    monkeypatch.chdir(tmp_path)
    someone = Reader(tmp_path, free_port())
    with someone.open:
        yield someone


def test_the_commands_of_the_readme_play_one_hit_that_gets_brighter(reader: Reader) -> None:
    lines = commands(ROOT / "README.md")
    lines = lines[
        : next(at for at, line in enumerate(lines) if line.startswith("make mine"))
    ]  # the test of the tutorial runs the other commands
    for line in lines:
        reader.type(line.replace("ARGS=--open", 'ARGS="--open --record take.wav"'))
    reader.stop()
    hint = lines[-1].replace("127.0.0.1 9000", f"127.0.0.1 {reader.port}")
    assert f"and      {hint}" in reader.output[-1].splitlines()
    assert re.search(r"^played .*, 1 hit; ", reader.output[-1], re.M)
    sound, rate = soundfile.read(reader.folder / "take.wav")
    (heard,) = np.nonzero(np.abs(sound[:, 0]) > 1e-3)
    first, last = heard[0], heard[-1]
    early, late = (brightness(sound[at : at + rate // 20, 0], rate) for at in (first, last - rate // 10))
    assert early < 1000 < late


def brightness(sound: np.ndarray, rate: int) -> float:
    """Return the centroid of a sound's power spectrum in Hz."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return float(power @ np.fft.rfftfreq(len(sound), 1 / rate) / power.sum())


def test_the_commands_of_the_tutorial_train_and_play_a_model_of_the_readers_own_sounds(
    reader: Reader,
) -> None:
    own_sounds(reader.folder / "my-sounds")
    for line in commands(ROOT / "docs" / "tutorial.md"):
        reader.type(line)
        if line.startswith("make mine"):
            for name, wanted in (("try", "Kicks"), ("and", "/morph/goto sf ")):
                (hint,) = re.findall(rf"^{name} +(oscsend .*)", reader.server_output(), re.M)
                assert wanted in hint
                reader.type(hint)
    reader.stop()
    said = "\n".join(reader.output)
    (line,) = re.findall(r"^render +(realtime render .*)", said, re.M)
    reader.type(line)
    (refused,) = re.findall(r"^realtime: refused .*", said, re.M)
    assert "gong" in refused
    (log,) = re.findall(r"^log +all commands to (.*/takes/set-.*)\.jsonl$", said, re.M)
    assert soundfile.info(reader.folder / "morph.wav").frames > 0
    assert soundfile.info(reader.folder / f"{Path(log).name}.wav").frames > 0


def own_sounds(folder: Path) -> None:
    """Write a small set of decaying sines and noises; the name of one of the folders contains a space."""
    random, time = np.random.default_rng(0), np.arange(round(LENGTH_S * RATE)) / RATE
    for name, pitch_hz in (("Kicks", 60), ("Snares", None), ("Tom Toms", 130)):
        (folder / name).mkdir(parents=True)
        for number in range(SOUNDS):
            sound = random.uniform(-1, 1, len(time))
            if pitch_hz:
                sound = np.sin(2 * np.pi * pitch_hz * (1 + number / 4) * time)
            soundfile.write(folder / name / f"{number}.wav", 0.8 * sound * np.exp(-25 * time), RATE)


def test_extras_that_the_pages_install_are_declared() -> None:
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    extras = {
        extra
        for page in pages
        for named in re.findall(r"(?:soundmorph|\.)\[([a-z,]+)\]", page.read_text(encoding="utf-8"))
        for extra in named.split(",")
    }
    assert {"cpu", "train"} <= extras
    assert [extra for extra in extras if not re.search(rf"^{extra} = \[", declared, re.M)] == []


def test_shell_commands_of_the_pages_are_marked_as_sh() -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "tutorial.md"):
        fences = re.findall(r"^```(\w*)\n(?=.)", page.read_text(encoding="utf-8"), re.M)
        assert set(fences) - {""} <= {"sh"}
