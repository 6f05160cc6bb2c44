"""Fixtures of the tests with real programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.rig import Jack


@pytest.fixture
def jack_server() -> Iterator[Jack]:
    """A running synchronous JACK server."""
    with Jack() as server:
        server.wait()
        yield server
