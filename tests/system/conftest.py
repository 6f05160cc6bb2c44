"""What the tests with real programs share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.system.rig import Jack, program


@pytest.fixture
def jack_server() -> Iterator[Jack]:
    """A synchronous JACK server, up and running."""
    wait = program("jack_wait")
    with Jack() as server:
        subprocess.run([wait, "-s", server.name, "-w", "-t", "20"], check=True, capture_output=True)
        yield server
