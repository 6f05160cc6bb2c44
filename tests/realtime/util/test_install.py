"""Tests for the shell command in messages that installs a missing package."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.util import install


@pytest.mark.parametrize("name", ["env", "my env"])
def test_command_runs_the_pip_of_this_environment_in_the_current_folder(
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
    result = subprocess.run(
        command.replace("install", "--version"), shell=True, capture_output=True, text=True
    )
    assert result.stdout.startswith("pip "), result.stderr


def test_command_has_the_full_path_of_a_python_outside_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert install.command("x") == f"{sys.executable} -m pip install x"
