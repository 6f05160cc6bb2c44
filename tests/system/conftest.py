"""What the tests with real programs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.rig import Jack


@pytest.fixture
def jack_server() -> Iterator[Jack]:
    """A synchronous JACK server, up and running."""
    with Jack() as server:
        server.wait()
        yield server
