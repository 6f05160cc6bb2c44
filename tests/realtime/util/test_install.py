from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.util import install


@pytest.mark.parametrize("name", ["env", "my env"])
def test_the_command_runs_pip_of_this_environment_from_the_folder_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    python = tmp_path / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)
    command = install.command("soundmorph[cpu]")
    assert shlex.split(command) == [f"{name}/bin/python", "-m", "pip", "install", "soundmorph[cpu]"]
    told = subprocess.run(command.replace("install", "--version"), shell=True, capture_output=True, text=True)
    assert told.stdout.startswith("pip "), told.stderr


def test_the_command_names_a_python_elsewhere_in_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert install.command("x") == f"{sys.executable} -m pip install x"
