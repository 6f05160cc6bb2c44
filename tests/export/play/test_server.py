"""Tests for checks that `trainer play` makes before it starts its server."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.play.server import Server
from realtime.control import osc
from realtime.util.errors import RealtimeError


def test_port_in_use_is_refused_before_the_training(tmp_path: Path) -> None:
    with osc.bind(port=0) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(RealtimeError, match=rf"127.0.0.1:{port}: .*; end the server"):
            Server(tmp_path / "kit.onnx", ["--port", port])
    Server(tmp_path / "kit.onnx", ["--port", port]).close()
