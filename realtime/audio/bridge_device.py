"""An audio device for a plugin in a host (a DAW), served through shared memory, the bridge.

The plugin requests each block. Time advances only with these requests. With a request, the plugin may send
events, such as MIDI notes; the control process of the server turns the events into commands.
"""

from __future__ import annotations

import socket
import threading
import time

import numpy as np

from realtime.audio.bridge_memory import OFFLINE, REQUESTS, SAMPLES, BridgeMemory, folder
from realtime.audio.devices import BlockSource, DeviceError
from realtime.util import priority

WAKE_S = 0.1  # longest sleep before the thread checks whether to end
CLOSE_TIMEOUT_S = 0.4
OFFLINE_S = 10.0  # longest wait for the commands for a block, if the host is waiting for the block
SHARE = 0.5  # longest wait for the commands for a live block, as a fraction of the block's duration
PIECE = 4096  # maximum number of samples rendered at once


class BridgeDevice:
    """Renders each block that the plugin requests, once the commands for the block have arrived.

    While no host is playing, there are no requests, and time does not pass.

    Args:
        name: the name of the bridge.
        channels: number of channels.

    Raises:
        DeviceError: the bridge has a different number of channels.
        BridgeError: there is no such bridge.
    """

    def __init__(self, name: str, channels: int) -> None:
        self.memory = BridgeMemory(folder() / f"{name}.bridge")
        self.name = f"the bridge {name}"
        self.sample_rate = self.memory["host_rate"] or self.memory["rate"]
        self.channels = channels
        if self.memory.channels != channels:
            raise DeviceError(f"{self.name} has {self.memory.channels} channels, not {channels}")
        self._arrived = threading.Condition()
        self._handled = self.memory["events_read"]  # bytes of events whose commands have reached the engine
        self._closing = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(WAKE_S)
        self._thread: threading.Thread | None = None

    def start(self, source: BlockSource) -> float:
        priority.switch_often()
        memory = self.memory
        memory["requests_read"] = memory["requests_written"]
        memory["rate"], memory["sound_port"] = self.sample_rate, self._socket.getsockname()[1]
        memory["start"] = memory["written"] = 0
        self._epoch = memory["epoch"] + 1
        memory["epoch"] = self._epoch
        self._thread = threading.Thread(target=self._run, args=(source,), name="bridge", daemon=True)
        self._thread.start()
        return memory["host_block"] / self.sample_rate

    @property
    def active(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        self._closing = True
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
        self._socket.close()

    def handled(self, count: int) -> None:
        """Record that the engine has received the commands for the first `count` bytes of events."""
        with self._arrived:
            self._handled = count
            self._arrived.notify()

    def _run(self, source: BlockSource) -> None:
        priority.first()
        memory, out = self.memory, np.zeros((PIECE, self.channels), np.float32)
        missed = memory["missed"]
        while not self._closing:
            try:
                self._socket.recv(8)
            except TimeoutError:
                pass
            except OSError:  # the socket is closed
                return
            while (number := memory["requests_read"]) < memory["requests_written"] and not self._closing:
                position, asked, events, epoch = map(int, memory.requests[number % REQUESTS])
                if epoch == self._epoch:
                    source.xruns += memory["missed"] - missed
                    missed = memory["missed"]
                    self._await_events(events, asked)
                    samples = min(asked % OFFLINE, SAMPLES)
                    for done in range(0, samples, PIECE):
                        block = out[: min(PIECE, samples - done)]
                        source.hand_over(block)
                        memory.write(position + done, block)
                memory["requests_read"] = number + 1

    def _await_events(self, count: int, asked: int) -> None:
        """Wait for the commands for a block, up to a limit; later commands take effect after the block."""
        if self._handled >= count:
            return
        limit_s = OFFLINE_S if asked & OFFLINE else SHARE * (asked % OFFLINE) / self.sample_rate
        end = time.monotonic() + limit_s
        with self._arrived:
            while self._handled < count and not self._closing and (left_s := end - time.monotonic()) > 0.0:
                self._arrived.wait(min(left_s, WAKE_S))
