"""Tests for `trainer play`, which trains a model on a folder of sounds while a server is playing the model.

The learner is the process that trains the model; the server continues to play if the learner is killed.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

from realtime.control.presets import PresetFile
from realtime.model import verify
from realtime.util.recordings import lock_file
from tests.system.rig import TIMEOUT_S, Process, wait_until
from trainer.config import Config
from trainer.run import checkpoint

RATE = 8000
RECIPE = Config.from_dict(
    {
        "model": {
            "architecture": "modal",
            "sample_rate": RATE,
            "length": 2048,
            "latent_dim": 3,
            "hop_length": 64,
            "bands": 8,
            "hidden": 16,
            "values": 8,
            "modes": 12,
            "knots": 12,
            "classifier_hidden": [8],
        },
        "loss": {"reconstruction": 0.0, "components": 1.0, "reduction": "mean"},
        "optim": {"update": "joint"},
        "fit": {"threads": 1, "device": "cpu"},
    }
)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A folder of sounds of various rates, channels and formats; names contain spaces and capitals."""
    folder = tmp_path / "My Kit"
    random = np.random.default_rng(0)
    for label, hz, suffix, rate, channels in (
        ("Kicks", 60.0, ".wav", 44_100, 2),
        ("Open Hats", 0.0, ".flac", 22_050, 1),
    ):
        (folder / label).mkdir(parents=True)
        time = np.arange(rate // 4) / rate
        for take in range(3):
            wave = (
                np.sin(2 * np.pi * hz * (1 + 0.1 * take) * time)
                if hz
                else random.standard_normal(len(time)) / 4
            )
            sound = 0.5 * wave * np.exp(-(12 + 4 * take) * time)
            soundfile.write(folder / label / f"Take {take}{suffix}", np.stack([sound] * channels, 1), rate)
    return folder


class Learner(Process):
    """A running `trainer play`, with a server on a free port."""

    def __init__(self, kit: Path, *options: str, path: Path | None = None) -> None:
        recipe, run = kit.parent / "tiny.toml", kit.parent / "run"
        recipe.write_text(RECIPE.to_toml())
        words = ["play", str(kit), "--out", str(run), "--config", str(recipe)]
        presets = ["--null", "--port", "0", "--presets", str(kit.parent / "presets.json")]
        env = {"OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": str(path)} if path else {})
        super().__init__([sys.executable, "-m", "trainer", *words, *presets, *options], env)

    def child(self, word: str) -> int:
        """Return the id of the child process whose command line contains a word."""
        pid = self.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        (found,) = (int(each) for each in children if word in Path(f"/proc/{each}/cmdline").read_text())
        return found


class Player(Learner):
    """A running `trainer play` whose server plays."""

    def __init__(self, kit: Path, *options: str, path: Path | None = None) -> None:
        super().__init__(kit, *options, path=path)
        self.port = int(self.wait_for(r"^osc .*?:(\d+)")[1])
        self.client = SimpleUDPClient("127.0.0.1", self.port)
        self.client._sock.settimeout(TIMEOUT_S)

    def ask(self, address: str) -> list[object]:
        """Send a question to the server, and return the arguments of its reply."""
        self.client.send_message(address, [])
        return list(OscMessage(self.client._sock.recv(65536)).params)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if client := getattr(self, "client", None):
            client._sock.close()
        return super().stop(number)


# Every Python process imports this module when it starts; the packages in `names` then seem to be missing.
ABSENT = """\
import sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {names} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""
BEYOND_LEARN = {"librosa", "numba", "llvmlite", "sklearn", "joblib", "pooch", "tensorboard", "grpc"}
"""Modules that the extra `train` installs and the extra `learn` does not."""


def number(pattern: str, text: str) -> float:
    """Return the number that the group of a pattern matches in a string."""
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])


def test_ctrl_c_before_the_training_is_confirmed_at_once(kit: Path) -> None:
    with Learner(kit) as learner:
        learner.wait_for("^learning ")
        assert learner.stop(signal.SIGINT) == 128 + signal.SIGTERM
    assert re.search(r"^stopping .*^no new version was saved$", learner.output, re.M | re.S)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the test finds the processes in /proc")
def test_ctrl_c_while_the_training_process_starts_causes_no_traceback(kit: Path) -> None:
    with Learner(kit) as learner:
        learner.wait_for("^learning ")
        os.kill(learner.child("spawn_main"), signal.SIGINT)  # a terminal sends SIGINT to all processes
        assert learner.stop(signal.SIGINT) == 128 + signal.SIGINT
    assert "no new version was saved" in learner.output
    assert "Traceback" not in learner.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks of folders")
def test_second_training_of_a_run_says_that_it_waits(kit: Path) -> None:
    run = kit.parent / "run"
    run.mkdir()
    lock = lock_file(run)
    assert lock is not None
    with Learner(kit) as learner:
        learner.wait_for(f"^another `trainer play` is already training {run}; waiting ")
        os.close(lock)
        learner.wait_for("making the first version")


def test_ctrl_c_during_training_keeps_the_current_version_and_its_presets(kit: Path) -> None:
    with Player(kit, "--quality", "best") as player:
        player.wait_for("--quality on this machine")
        player.client.send_message("/morph/preset/store", ["mine"])
        player.wait_for("done /morph/preset/store: mine")
        said = len(player.output)
        assert player.stop(signal.SIGINT) == 0
    assert re.search(
        r"^played .*^saved after \d+ of 800 passes; to play the model: ", player.output[said:], re.M | re.S
    )
    assert "playing" not in player.output[said:]
    info = verify.read(kit.parent / "run" / "My Kit.onnx").info
    assert [*PresetFile(kit.parent / "presets.json").open(info)] == ["mine"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the test finds the processes in /proc")
def test_server_plays_on_when_the_learner_is_killed_and_training_can_continue(kit: Path) -> None:
    run = kit.parent / "run"
    with Player(kit, "--quality", "best") as killed:
        killed.wait_for("--quality on this machine")
        wait_until((run / checkpoint.LAST).exists)
        os.kill(killed.child("spawn_main"), signal.SIGKILL)
        again = killed.wait_for(
            r"ended \(SIGKILL\); the last version keeps playing until Ctrl-C. To continue .*: (.*)"
        )
        assert shlex.split(again[1])[1:] == ["play", str(kit), "--out", str(run)]
        assert killed.ask("/morph/get/classes") == ["Kicks", "Open Hats"]
        for pid in (killed.child("realtime"), killed.pid):
            os.kill(pid, signal.SIGKILL)
    assert verify.read(run / "My Kit.onnx").info.name == "My Kit"
    with Player(kit, "--quality", "sketch") as resumed:
        resumed.wait_for("all passes are done; making the last version")
        mean = float(resumed.wait_for(r"^([\d.]+) dB from your sounds on average: ")[1])
        resumed.wait_for("learnt; playing until Ctrl-C")
        assert resumed.ask("/morph/get/classes") == ["Kicks", "Open Hats"]
        assert resumed.stop(signal.SIGINT) == 0
    assert re.search(r"^played .*^to play the model later: ", resumed.output, re.M | re.S)
    assert re.search(r"^learning .*; playing the version of an earlier run", resumed.output, re.M)
    assert re.search(
        r"continues after pass .*^playing the version learnt so far: ", resumed.output, re.M | re.S
    )
    assert "first version" not in resumed.output
    assert mean < number(r"playing the first version: ([\d.]+) dB", killed.output)
    heard, rate = soundfile.read(run / "preview.wav")
    # each sound is followed by the model's copy, with gaps
    assert len(heard) == 2 * 6 * (RECIPE.model.length + rate // 4)
    assert (run / "preview.png").read_bytes().startswith(b"\x89PNG")
    info = verify.read(run / "My Kit.onnx").info
    saved = checkpoint.load(run)
    assert [anchor.name for anchor in info.anchors] == list(saved.anchors.names)


def test_training_and_playing_need_only_the_packages_of_the_extra_learn(kit: Path, tmp_path: Path) -> None:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sitecustomize.py").write_text(ABSENT.format(names=BEYOND_LEARN))
    with Player(kit, "--quality", "sketch", path=tmp_path / "absent") as player:
        player.wait_for("learnt; playing until Ctrl-C")
        assert player.ask("/morph/get/classes") == ["Kicks", "Open Hats"]
        assert player.stop(signal.SIGINT) == 0
    assert "Traceback" not in player.output
    assert (kit.parent / "run" / "preview.png").exists()
