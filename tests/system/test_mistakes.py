"""Users' mistakes end a command with exit code 2, and with one line instead of a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.system.rig import ROOT, program

RATE = 8000


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m` with these words in the root of the repository."""
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def assert_refused(ended: subprocess.CompletedProcess[str], program: str, *said: str) -> None:
    """Assert that a command ended with exit code 2 and one line on stderr; it contains all of `said`."""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"{program}: error: ")
    for part in said:
        assert part in line
    assert ended.returncode == 2


def test_error_of_the_worker_process_is_reported_in_one_line(tmp_path: Path) -> None:
    model = tmp_path / "text.onnx"
    model.write_text("this is not a model\n")
    ended = run("realtime", "serve", "--null", "--port", "0", "--model", model)
    assert_refused(ended, "realtime", "text.onnx", "not a readable ONNX model")


def test_unknown_device_is_refused(tiny_model: Path) -> None:
    ended = run("realtime", "serve", "--port", "0", "--model", tiny_model, "--device", "grand piano")
    assert_refused(ended, "realtime", "sound" if "grand piano" not in ended.stderr else "'grand piano'")


def test_export_does_not_replace_a_file(tiny_model: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.onnx"
    precious.write_text("precious")
    assert_refused(
        run("trainer", "export", tiny_model.parent, "-o", precious),
        "trainer export",
        "precious",
        "exists",
        "--force",
    )
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("", "name your folder of sounds: make mine DATA=my-sounds"),
        ("~/no kit", "no such folder: ~/no kit"),
        ("no 'kit' \"for\" $HOME", "no such folder: no 'kit' \"for\" $HOME; "),
    ],
)
def test_make_mine_refuses_a_missing_folder_before_it_installs_anything(
    tmp_path: Path, folder: str, said: str
) -> None:
    command = [program("make"), "mine", f"DATA={folder}", f"VENV={tmp_path / 'venv'}", "PYTHON=false"]
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    ended = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, timeout=60)
    assert ended.stderr.startswith(said)
    assert not ended.stdout
    assert ended.returncode == 2


def test_broken_sound_file_is_reported_and_left_out(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for label, frequency_hz in (("low", 110.0), ("high", 900.0)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for take in range(4):
            time_s = np.arange(900) / RATE
            sound = 0.5 * np.exp(-30 * time_s) * np.sin(2 * np.pi * frequency_hz * (1 + 0.1 * take) * time_s)
            sound += 0.01 * random.standard_normal(len(sound))
            soundfile.write(tmp_path / "sounds" / label / f"take-{take}.wav", sound, RATE)
    (tmp_path / "sounds" / "low" / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    (tmp_path / "small.toml").write_text(
        f"[model]\nsample_rate = {RATE}\nlength = 1024\nlatent_dim = 2\nlayers = 2\nchannels = 4\n"
        "[data]\ntest_fraction = 0.0\n[fit]\nepochs = 1\nbatch_size = 4\nthreads = 1\n"
    )
    ended = run(
        *("trainer", "fit", "--data", tmp_path / "sounds", "--config", tmp_path / "small.toml"),
        *("--out", tmp_path / "run"),
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert "broken.wav" in said
    assert "Traceback" not in said
    assert (tmp_path / "run" / "last.safetensors").exists()
    made = run("trainer", "export", tmp_path / "run", "-o", tmp_path / "small.onnx")
    assert made.returncode == 0, made.stderr
    facts = json.loads(run("realtime", "info", tmp_path / "small.onnx", "--json").stdout)
    names = {anchor["name"] for anchor in facts["anchors"]}
    assert len(names) == 8
    assert not any("broken" in name for name in names)
