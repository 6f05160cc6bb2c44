"""A plugin host (such as a DAW) in Python. It shares memory, called the bridge, with a server.

The host requests blocks of sound from the server and sends events to the server, as the plugin does.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.audio.bridge_memory import MIDI, OFFLINE, OSC, PARAMETER, REQUESTS, BridgeMemory
from realtime.control.osc import encode
from realtime.control.protocol import Message
from tests.system.rig import TIMEOUT_S


class Host:
    """A host that uses a bridge until `close` is called.

    Args:
        folder: the folder of the bridges.
        name: the name of the bridge.
        rate: the sample rate in Hz.
        block: the size of the largest block in samples.
    """

    def __init__(self, folder: Path, name: str, rate: int = 48_000, block: int = 256) -> None:
        self._claim = (folder / f"{name}.host").open("ab")
        fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.memory = BridgeMemory(folder / f"{name}.bridge")
        self.memory["host_rate"], self.memory["host_block"] = rate, block
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wait_for_epoch(1)

    def wait_for_epoch(self, epoch: int) -> None:
        """Wait until the server plays at the host's rate in this epoch; count samples from the epoch's start.

        A new epoch begins when the worker, the server's rendering process, has restarted.
        """
        end, memory = time.monotonic() + TIMEOUT_S, self.memory
        while memory["epoch"] < epoch or not memory["events_port"] or memory["rate"] != memory["host_rate"]:
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.01)
        self.epoch, self.position = memory["epoch"], memory["start"]

    def hit(self, offset: int, velocity: float = 1.0, name: str | None = None) -> None:
        """Play a sound at an offset from the next block's first sample."""
        self.send(offset, "/morph/trigger", velocity, *(() if name is None else (name,)))

    def send(self, offset: int, address: str, *arguments: float | str) -> None:
        """Send a message that takes effect at an offset from the next block's first sample."""
        self._add(offset, OSC, encode(Message(address, arguments)))

    def midi(self, offset: int, *content: int) -> None:
        """Send the bytes of a MIDI message, at an offset from the next block's first sample."""
        self._add(offset, MIDI, bytes(content))

    def turn(self, offset: int, index: int, value: float) -> None:
        """Set the parameter `index` of the plugin, at an offset from the next block's first sample."""
        self._add(offset, PARAMETER, struct.pack("=If", index, value))

    def _add(self, offset: int, kind: int, content: bytes) -> None:
        assert self.memory.add_event(self.position + offset, kind, content)
        self._wake("events_port")

    def _wake(self, port: str) -> None:
        self._socket.sendto(b"!", ("127.0.0.1", self.memory[port]))

    def process(self, samples: int) -> NDArray[np.float32]:
        """Request a block and wait for its sound; return the sound [T, C] without latency."""
        self.ask(samples)
        end = time.monotonic() + TIMEOUT_S
        while self.memory["written"] < self.position:
            assert time.monotonic() < end, "the block did not come"
            time.sleep(0.0002)
        return self.memory.read_sound(self.position - samples, samples)

    def ask(self, samples: int) -> None:
        """Request a block, as a host does in offline rendering, and do not wait for its sound."""
        memory, number = self.memory, self.memory["requests_written"]
        memory.requests[number % REQUESTS] = (
            self.position, samples | OFFLINE, memory["events_written"], self.epoch
        )  # fmt: skip
        memory["requests_written"] = number + 1
        self.position += samples
        self._wake("sound_port")

    def state(self, project: int = 0) -> dict[str, Any]:
        """Wait until the server has read `project` projects; return the server's state."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            text = self.memory.read_state()
            state: dict[str, Any] = json.loads(text) if text else {}
            if state and state["project"] >= project:
                return state
            assert time.monotonic() < end, "the state did not come"
            time.sleep(0.02)

    def close(self) -> None:
        """Leave the bridge."""
        self._claim.close()
        self._socket.close()
