"""User errors: one line with the error and the accepted values, exit code 2, no traceback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from tests.system.rig import ROOT

RATE = 8000


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in the checkout."""
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def text_file(folder: Path) -> Path:
    path = folder / "text.onnx"
    path.write_text("this is not a model\n")
    return path


def foreign_model(folder: Path) -> Path:
    value = onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Identity", ["x"], ["y"])]
    inputs, outputs = [value("x", onnx.TensorProto.FLOAT, [1])], [value("y", onnx.TensorProto.FLOAT, [1])]
    graph = onnx.helper.make_graph(nodes, "somebody else's", inputs, outputs)
    onnx.save(onnx.helper.make_model(graph, ir_version=9), str(folder / "foreign.onnx"))
    return folder / "foreign.onnx"


def nowhere(folder: Path) -> Path:
    return folder / "nowhere.onnx"


@pytest.mark.parametrize("command", ["serve", "info", "render"])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (nowhere, "no model file"),
        (text_file, "not a readable ONNX model"),
        (foreign_model, "not a soundmorph model"),
    ],
)
def test_invalid_model_files_are_errors(
    tmp_path: Path, command: str, make: Callable[[Path], Path], reason: str
) -> None:
    model = make(tmp_path)
    rest: dict[str, list[str | Path]] = {
        "serve": ["serve", "--null", "--port", "0", "--model", model],
        "info": ["info", model],
        "render": ["render", "--model", model, "--from", "a", "--to", "b", "-o", tmp_path / "out.wav"],
    }
    told(run("realtime", *rest[command]), "realtime", model.name, reason)
    assert not (tmp_path / "out.wav").exists()


def told(ended: subprocess.CompletedProcess[str], program: str, *said: str) -> None:
    """Assert that there is one line on stderr, which contains all of `said`, and exit code 2."""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"{program}: error: ")
    for part in said:
        assert part in line
    assert ended.returncode == 2


def test_unknown_point_is_an_error_with_a_suggestion(tiny_model: Path, tmp_path: Path) -> None:
    ended = run(
        *("realtime", "render", "--model", tiny_model, "--from", "kick", "--to", "snair"),
        *("-o", tmp_path / "out.wav"),
    )
    told(ended, "realtime", "'snair'", "did you mean snare")


def test_port_in_use_is_an_error(tiny_model: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        ended = run("realtime", "serve", "--null", "--model", tiny_model, "--port", port)
    told(ended, "realtime", f"127.0.0.1:{port}", "--port")


def test_unknown_device_is_an_error(tiny_model: Path) -> None:
    ended = run("realtime", "serve", "--port", "0", "--model", tiny_model, "--device", "grand piano")
    told(ended, "realtime", "sound" if "grand piano" not in ended.stderr else "'grand piano'")


@pytest.mark.parametrize("command", ["serve", "render", "export"])
def test_existing_files_are_not_replaced(tiny_model: Path, tmp_path: Path, command: str) -> None:
    precious = tmp_path / ("precious.onnx" if command == "export" else "precious.wav")
    precious.write_text("precious")
    morph = ["--from", "kick", "--to", "snare"]
    ended = {
        "serve": lambda: run(
            *("realtime", "serve", "--null", "--port", "0", "--model", tiny_model, "--record", precious)
        ),
        "render": lambda: run("realtime", "render", "--model", tiny_model, *morph, "-o", precious),
        "export": lambda: run("trainer", "export", tiny_model.parent, "-o", precious),
    }[command]()
    told(ended, "export" if command == "export" else "realtime", "precious", "exists", "--force")
    assert precious.read_text() == "precious"


def test_folder_without_sounds_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sounds" / "kick").mkdir(parents=True)
    (tmp_path / "sounds" / "kick" / "notes.txt").write_text("to do")
    ended = run("trainer", "fit", "--data", tmp_path / "sounds", "--model", "dc", "--out", tmp_path / "run")
    told(ended, "trainer", "sounds", "no audio")
    assert not (tmp_path / "run").exists()


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    ended = run("trainer", "fit", "--data", tmp_path / "none", "--model", "dc", "--out", tmp_path / "run")
    told(ended, "trainer", "none", "no such folder")


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
