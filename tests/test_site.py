"""The documentation site can be built, and every link between its pages has a target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPHINX = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-b", "dummy"]


def test_every_page_is_in_the_navigation_and_every_link_has_a_target(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    command = [*SPHINX, "-c", "docs/site", "-d", str(tmp_path / "read"), ".", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
