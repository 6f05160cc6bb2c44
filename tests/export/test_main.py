"""Tests for the command line `python -m export`."""

from __future__ import annotations

from pathlib import Path

import pytest

from export import courses
from export.__main__ import main


def test_ctrl_c_is_reported_in_one_line(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(courses, "add", interrupt)
    assert main([str(tiny_run), "-o", str(tmp_path / "a.onnx"), "--courses"]) == 130
    assert capsys.readouterr().err == "python -m export: interrupted\n"
