"""A short form of `python -m bench.attack`, which attacks a server in several ways while it is playing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.attack import drills

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and 127.0.0.2 (Linux)")


def test_every_hit_is_heard_among_random_datagrams(tiny_model: Path, tmp_path: Path) -> None:
    result = drills.drill(tmp_path, tiny_model, drills.datagrams(5000, 1, tiny_model))
    assert result.faults == []
    assert result.logged == result.played > 0


def test_two_servers_with_one_preset_file_lose_no_preset(tiny_model: Path, tmp_path: Path) -> None:
    result = drills.drill(tmp_path, tiny_model, drills.two_servers(tmp_path, tiny_model, 3))
    assert result.faults == []
    assert result.logged == result.played > 0


def test_killed_server_loses_nothing_that_was_acknowledged(tiny_model: Path, tmp_path: Path) -> None:
    result = drills.kills(tmp_path, tiny_model, 1, 1)
    assert result.faults == []
    assert result.logged == result.played
