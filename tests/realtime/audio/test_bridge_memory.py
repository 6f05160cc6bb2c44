"""Tests for the shared memory of a bridge, through which a plugin host (a DAW) and the server exchange data.

The memory contains a ring of sound, a ring of events, the state of the server, and the project that the host
has stored.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("the bridge needs Linux", allow_module_level=True)

from realtime.audio.bridge_memory import (
    EVENT_BYTES,
    OSC,
    SAMPLES,
    STATE_BYTES,
    BridgeError,
    BridgeFile,
    BridgeMemory,
)


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BridgeFile]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = BridgeFile("test", 2, 44_100)
    yield made
    made.close()


def test_host_and_server_see_the_same_fields(bridge: BridgeFile) -> None:
    host = BridgeMemory(bridge.path)
    assert (host["rate"], host.channels) == (44_100, 2)
    host["host_rate"] = 96_000
    assert bridge.memory["host_rate"] == 96_000


def test_sound_wraps_around(bridge: BridgeFile) -> None:
    block = np.arange(200, dtype=np.float32).reshape(100, 2)
    bridge.memory.write(3 * SAMPLES - 40, block)
    assert bridge.memory["written"] == 3 * SAMPLES + 60
    np.testing.assert_array_equal(bridge.memory.read_sound(3 * SAMPLES - 40, 100), block)


def test_events_wrap_around_and_are_read_in_order(bridge: BridgeFile) -> None:
    memory, length = bridge.memory, 1001  # with header and padding: 1,040, no divisor of the ring's size
    for number in range(3 * EVENT_BYTES // length):
        content = bytes([number % 256]) * length
        assert memory.add_event(number, OSC, content)
        assert list(memory.events()) == [(number, 0, OSC, content)]


def test_full_ring_refuses_an_event(bridge: BridgeFile) -> None:
    assert bridge.memory.add_event(0, OSC, bytes(EVENT_BYTES - 32))
    assert not bridge.memory.add_event(0, OSC, b"")
    assert len(list(bridge.memory.events())) == 1
    assert bridge.memory.add_event(0, OSC, b"")


def test_damaged_event_is_skipped(bridge: BridgeFile) -> None:
    bridge.memory.add_event(0, OSC, bytes(64))
    bridge.memory["events_written"] -= 8
    with pytest.raises(BridgeError, match="damaged"):
        list(bridge.memory.events())
    assert bridge.memory["events_read"] == bridge.memory["events_written"]


def test_host_reads_the_state_and_server_reads_each_project_once(bridge: BridgeFile) -> None:
    assert bridge.memory.read_state() == ""
    bridge.memory.write_state('{"é": 1}')
    assert BridgeMemory(bridge.path).read_state() == '{"é": 1}'
    assert bridge.memory.read_project() is None
    BridgeMemory(bridge.path).write_project("a project")
    assert bridge.memory.read_project() == "a project"
    assert bridge.memory.read_project() is None
    assert bridge.memory["project_read"] == 0
    bridge.memory.project_done()
    assert bridge.memory["project_read"] == 1
    with pytest.raises(BridgeError, match=f"limit is {STATE_BYTES}"):
        bridge.memory.write_state("x" * (STATE_BYTES + 1))


def test_folder_that_other_users_can_read_is_refused(
    bridge: BridgeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open" / "soundmorph").mkdir(parents=True)
    (tmp_path / "open" / "soundmorph").chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "open"))
    with pytest.raises(BridgeError, match="other users have access"):
        BridgeFile("test", 2, 48_000)


def test_file_in_a_different_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bridge").write_bytes(bytes(8192))
    with pytest.raises(BridgeError, match="not a bridge of version 1"):
        BridgeMemory(tmp_path / "other.bridge")
