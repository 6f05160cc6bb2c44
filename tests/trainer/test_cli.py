"""Tests for the commands of `trainer`: options, output, errors, and resumed runs."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from trainer import config as configs
from trainer.__main__ import main
from trainer.commands import installed, running
from trainer.config import Config
from trainer.errors import TrainerError
from trainer.run import checkpoint

ROOT = Path(__file__).parents[2]
Fit = Callable[..., int]


@pytest.fixture
def toml(config: Config, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(config.to_toml())
    return path


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start `python -m trainer` with these arguments."""
    return subprocess.Popen(
        [sys.executable, "-m", "trainer", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_help_loads_no_torch() -> None:
    code = (
        "import sys; from trainer.__main__ import main\n"
        "for words in ('-h', 'fit -h', 'fit --data x --out y', 'evaluate -h', 'evaluate x'):\n"
        "    try: main(words.split())\n"
        "    except SystemExit: pass\n"
        "assert not {'torch', 'librosa', 'rich', 'soundfile', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"soundmorph {version('soundmorph')}\n"


def test_next_command_names_a_program_that_the_shell_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_ = tmp_path / "my env" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "trainer").touch(0o755)
    monkeypatch.setattr(sys, "executable", str(bin_ / "python"))
    monkeypatch.setenv("PATH", str(bin_))
    assert installed.program("trainer") == "trainer"
    monkeypatch.setenv("PATH", "/nowhere")
    assert installed.program("trainer") == f"'{bin_}/trainer'"
    monkeypatch.chdir(bin_.parent)
    assert installed.program("trainer") == "bin/trainer"


def test_fit_prints_progress_and_the_next_command(
    folder: Path, toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(folder / "low" / "broken.wav", np.zeros(900), 8000)
    words = ["fit", "--data", str(folder), "--config", str(toml), "--out", str(tmp_path / "my run")]
    assert main([*words, "--model", "cc", "--epochs", "1", "--batch-size", "3", "--seed", "5"]) == 0
    out, err = capsys.readouterr()
    trainer = installed.program("trainer")
    assert "10 sounds to train on, 2 for validation, 0 for the test | cc on cpu | classes: high, low" in out
    assert out.splitlines()[-1] == (
        f"done: '{tmp_path}/my run'; next: {trainer} export '{tmp_path}/my run' -o sounds.onnx"
    )
    assert err.splitlines() == ["left out: low/broken.wav: silent"]
    saved = checkpoint.load(tmp_path / "my run")
    assert (saved.config.model.architecture, saved.epoch, saved.step, saved.config.fit.seed) == (
        "cc",
        1,
        4,
        5,
    )


def test_ctrl_c_while_sounds_are_read_ends_at_once_and_writes_nothing(
    folder: Path,
    toml: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "signals", lambda: contextlib.nullcontext([signal.SIGINT]))
    assert main(["fit", "--data", str(folder), "--config", str(toml), "--out", str(tmp_path / "r")]) == 130
    assert capsys.readouterr().err == "trainer: interrupted before it could save\n"
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("fit --out {tmp}/r", "--data FOLDER is needed; see trainer fit -h"),
        ("fit --data {tmp}/no --out {tmp}/r", "{tmp}/no: no such folder"),
        ("fit --data {tmp}/empty --out {tmp}/r", "{tmp}/empty: no audio files in it (looked for .aac, "),
        (
            "fit --data {sounds} --out {sounds}",
            "{sounds}: not empty, and not a run; choose another folder with --out",
        ),
        ("fit --data {sounds} --out {tmp}/r --hold-out 2", "--hold-out 2.0: it must be 0 to 0.9"),
        ("fit --data {sounds} --out {tmp}/tiny.toml", "{tmp}/tiny.toml: it is a file; --out takes a folder"),
        ("fit --data {sounds} --out {tmp}/r --epochs 0", "--epochs 0: it must be at least 1"),
        ("fit --data {sounds} --out {tmp}/r --config drumz", "no configuration drumz; did you mean drums?"),
        ("fit --resume {tmp}/no", "{tmp}/no: no such run folder or checkpoint"),
        ("fit --resume {tmp}/empty", "{tmp}/empty: no checkpoint in it (looked for last.safetensors)"),
        ("fit --resume {tmp}/tiny.toml", "{tmp}/tiny.toml: damaged, or not a checkpoint"),
        (
            "fit --data {sounds} --out {tmp}/r --include *.mp3",
            "{sounds}: none of its audio files is named like",
        ),
        (
            "fit --resume {tmp}/no --seed 3",
            "--seed cannot be given with --resume: the run keeps its own value",
        ),
    ],
)
def test_each_mistake_is_reported_in_one_line_with_exit_code_2(
    folder: Path, toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"tmp": tmp_path, "sounds": folder}
    assert main([word.format(**places) for word in words.split()]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"trainer {words.split()[0]}: error: {message.format(**places)}")
    assert err.count("\n") == 1
    assert out == ""
    assert not (tmp_path / "r").exists()


def test_fit_without_options_uses_the_recipe_of_the_bundled_drums(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "--data", "sounds", "--epochs", "1"]) == 0
    saved, recipe = checkpoint.load(tmp_path / "runs" / "sounds").config, configs.read("kit")
    assert saved == recipe.replace("fit", epochs=1)


def test_fit_with_a_recipe_for_digits_accepts_any_folder_and_include_chooses_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prepare", "--data", str(folder), "--config", "digits_mb"]
    assert main(words) == 0
    assert "12 sounds can be used, 0 files are left out, 0 were adapted | classes: high 6, low 6" in (
        capsys.readouterr().out
    )
    assert main([*words, "--include", "take-[0-2]*"]) == 0
    assert "classes: high 3, low 3" in capsys.readouterr().out


def test_help_begins_with_the_command_that_needs_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert text.index("trainer fit --data my-sounds") < text.index("--epochs EPOCHS number of passes")
    assert "default: kit" in text


def test_missing_package_is_named_with_the_pip_command_of_this_environment() -> None:
    with pytest.raises(TrainerError) as refused:
        installed.check("training", ["no_such_module"])
    command = str(refused.value).partition(" not installed here: ")[2]
    program, *words = shlex.split(command)
    assert Path(program).absolute() == Path(sys.executable)
    assert words == ["-m", "pip", "install", "soundmorph[train]"]


@pytest.mark.parametrize(
    ("section", "key", "value", "module"),
    [
        ("data", "labels", "kmeans", "sklearn"),
        ("model", "architecture", "dc", "numba"),
        ("fit", "tensorboard", True, "tensorboard"),
    ],
)
def test_error_names_the_packages_that_a_recipe_needs_in_addition_to_the_default_ones(
    monkeypatch: pytest.MonkeyPatch, section: str, key: str, value: object, module: str
) -> None:
    find = importlib.util.find_spec
    beyond = {"librosa", "numba", "sklearn", "tensorboard"}
    # an environment made by `make mine` lacks these packages
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in beyond else find(name))
    installed.check_recipe(configs.read(configs.DEFAULT))
    with pytest.raises(TrainerError, match=rf"training needs .*{module}.* pip install .*\[train\]"):
        installed.check_recipe(Config().replace(section, **{key: value}))


def test_force_replaces_a_run(folder: Path, toml: Path, tmp_path: Path) -> None:
    words = [
        "fit",
        "--data",
        str(folder),
        "--config",
        str(toml),
        "--out",
        str(tmp_path / "run"),
        "--epochs",
        "1",
    ]
    assert main(words) == 0
    (tmp_path / "run" / "mine.txt").write_text("kept")
    assert main(words) == 2
    assert main([*words, "--seed", "8", "--force"]) == 0
    assert checkpoint.load(tmp_path / "run").config.fit.seed == 8
    assert (tmp_path / "run" / "mine.txt").read_text() == "kept"


def test_finished_run_continues_only_with_more_epochs(
    folder: Path, toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["fit", "--data", str(folder), "--config", str(toml), "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["fit", "--resume", str(run)]) == 2
    assert "its 2 epochs are done; for more, give --epochs" in capsys.readouterr().err
    assert main(["fit", "--resume", str(run), "--epochs", "3"]) == 0
    assert (
        main(["fit", "--data", str(folder), "--config", str(toml), "--out", str(run) + "3", "--epochs", "3"])
        == 0
    )
    ours, theirs = checkpoint.load(run).model, checkpoint.load(str(run) + "3").model
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_process_is_resumed(
    folder: Path, toml: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    words = ("fit", "--data", folder, "--config", toml, "--checkpoint-minutes", "1e-9")
    process = started(*words, "--out", run, "--epochs", "100000")
    wait_for(run / "best.safetensors", process)
    process.send_signal(number)
    out, err = process.communicate()
    assert err == ""
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert out.splitlines()[-1].endswith(
            f"continue with: {installed.program('trainer')} fit --resume {run}"
        )
    saved = checkpoint.load(run)
    epochs = str(saved.epoch + 2)
    assert main(["fit", "--resume", str(run), "--epochs", epochs]) == 0
    assert main([*map(str, words), "--out", str(tmp_path / "whole"), "--epochs", epochs]) == 0
    ours, theirs = checkpoint.load(run), checkpoint.load(tmp_path / "whole")
    assert ours.step == theirs.step
    assert all(torch.equal(ours.model[name], theirs.model[name]) for name in theirs.model)
    assert not list(run.glob("*.part"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "trainer: error: give a command: fit, "),
        ("fit --dta sounds", "trainer fit: error: unknown option --dta; did you mean --data?"),
        ("fit --dat sounds", "trainer fit: error: unknown option --dat; did you mean --data?"),
        (
            "export run --out a.onnx --fore",
            "trainer export: error: unknown option --fore; did you mean --force?",
        ),
        ("play sounds --prot 9311", "trainer play: error: unknown option --prot; did you mean --port?"),
        (
            "play sounds --qualty good",
            "trainer play: error: unknown option --qualty; did you mean --quality?",
        ),
        ("play sounds --port abc", "trainer play: error: argument --port: 'abc' is not a whole number"),
        (
            "play sounds --midi-map x.toml",
            "trainer play: error: --midi-map needs --midi or --device bridge:NAME",
        ),
        ("play sounds --library runs", "trainer play: error: --model and --library cannot be given"),
    ],
)
def test_invalid_arguments_are_errors_that_name_the_command(
    capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    with contextlib.suppress(SystemExit):
        main(words.split())
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(message)


def test_arguments_are_passed_on_to_the_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "no-run"), "-o", str(tmp_path / "a.onnx")]) == 2
    assert (
        capsys.readouterr().err
        == f"trainer export: error: {tmp_path}/no-run: no such run folder or checkpoint\n"
    )
