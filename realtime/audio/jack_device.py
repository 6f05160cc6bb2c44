"""A JACK server as the device, without PortAudio.

PortAudio can also play on JACK, but it hangs when it closes a stream whose server has died, and cannot
reconnect afterwards.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from realtime.audio import jack_calls
from realtime.audio.devices import BlockSource, DeviceError
from realtime.audio.jack_client import JackClient, JackError
from realtime.util import priority

CLIENT = "soundmorph"
HOST = "JACK Audio Connection Kit"  # PortAudio's name for JACK


def available() -> bool:
    """Return True if JACK-Client and JACK's library are installed."""
    try:
        import jack  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


class JackDevice:
    """Output ports `soundmorph:out_1`, …, connected to the inputs of another client, such as a sound card.

    Each port is connected to one input. It is an error if this input does not exist, except in two cases, in
    which the port stays unconnected: the name of the port does not begin with `out_`, or the ports `out_…`
    are for inputs 1 and 2.

    Args:
        to: name of the other client: `system` for the card on a JACK server, the card's name on PipeWire.
        pair: numbers of that client's inputs, counted from 1, one for each port.
        sample_rate: in Hz, or None for the rate of the JACK server; no other rate is accepted.
        names: names of the ports, one for each of `pair`; by default out_1, out_2 …

    Raises:
        DeviceError: no server is running, the server has a different rate, or the client or its inputs do not
            exist.
    """

    def __init__(
        self,
        to: str = "system",
        pair: Sequence[int] = (1, 2),
        sample_rate: int | None = None,
        names: Sequence[str] = (),
    ) -> None:
        names = names or [f"out_{number + 1}" for number in range(len(pair))]
        self.name = f"{to} ({HOST})"
        main = tuple(number for number, name in zip(pair, names, strict=True) if name.startswith("out_"))
        try:
            self._jack = JackClient(CLIENT)
        except JackError as error:
            raise DeviceError(str(error)) from error
        self._client = self._jack.client
        self.sample_rate = int(self._client.samplerate)
        inputs = self._client.get_ports(is_input=True, is_audio=True)
        inputs = [port for port in inputs if port.name.startswith(f"{to}:")]
        fault = ""
        if sample_rate not in (None, self.sample_rate):
            fault = f"the JACK server runs at {self.sample_rate} Hz, not {sample_rate}"
        elif not inputs:
            fault = f"the JACK server has no playback client named {to}"
        elif max(main) > len(inputs) and main != (1, 2):
            fault = f"{self.name} has {len(inputs)} outputs; --channels asks for {max(main)}"
        if fault:
            self._jack.leave()
            raise DeviceError(fault)
        self.channels = len(pair)
        self._inputs = [inputs[number - 1] for number in pair if number <= len(inputs)]
        self._ports = [self._client.outports.register(name) for name in names]
        self._running, self._xruns = False, 0

    def start(self, source: BlockSource) -> float:
        self._source = source
        priority.switch_often()
        client, ports = self._client, self._ports
        block = np.zeros((source.block_size, self.channels), np.float32)
        used = len(block)  # samples of `block` already played; JACK's period may differ from the block size

        def process(samples: int) -> None:
            nonlocal used
            outs = [port.get_array() for port in ports]
            done = 0
            while done < samples:
                if used == len(block):
                    source.hand_over(block)
                    used = 0
                count = min(samples - done, len(block) - used)
                for channel, out in enumerate(outs):
                    out[done : done + count] = block[used : used + count, channel]
                done, used = done + count, used + count

        def silence(samples: int) -> None:
            for port in ports:
                port.get_array()[:] = 0

        self._jack.activate(process, last=silence)
        self._running = True
        for port, target in zip(ports, self._inputs, strict=False):
            client.connect(port, target)
        return float(max(_playback_latency(ports[0]), client.blocksize) / self.sample_rate)

    @property
    def active(self) -> bool:
        if not self._running:
            return False
        xruns = self._jack.xruns
        self._source.xruns += xruns - self._xruns
        self._xruns = xruns
        return not self._jack.gone

    def close(self) -> None:
        self._running = False
        self._jack.leave()


class _Range(ctypes.Structure):
    _fields_ = (("min", ctypes.c_uint32), ("max", ctypes.c_uint32))


def _playback_latency(port: Any) -> int:
    """Return the latency from a port to the card, in samples."""
    latency = _Range()
    library = jack_calls.library()
    library.jack_port_get_latency_range(jack_calls.pointer(port), 1, ctypes.byref(latency))
    return int(latency.max)
