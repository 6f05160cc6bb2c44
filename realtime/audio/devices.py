"""Audio devices: sound cards and JACK through PortAudio, and a silent null device, timed by the clock."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from realtime.util import install, priority, timeouts
from realtime.util.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.4  # limit for closing; PortAudio hangs when it closes a stream of a dead JACK server
OPEN_TIMEOUT_S = 10.0  # limit for PortAudio's query of all drivers; a stuck JACK server does not answer
NULL_RATE_HZ = 48_000
NULL_BUFFER_S = 0.01  # simulated buffer of a card; a longer pause counts as an xrun and skips blocks

INSTALL_PORTAUDIO = {
    "linux": "sudo apt-get install libportaudio2 (Fedora: dnf install portaudio, Arch: pacman -S portaudio)",
    "darwin": "brew install portaudio",
}


Answer = TypeVar("Answer")
_caller = timeouts.TimedCaller(OPEN_TIMEOUT_S)


class DeviceError(RealtimeError):
    """A device that does not exist or does not support the settings."""


class NoSoundError(DeviceError):
    """A machine that cannot play at all: PortAudio or a device is missing."""


@dataclass(frozen=True)
class DeviceInfo:
    """A device with outputs.

    Attributes:
        index: PortAudio's number for the device.
        name: name of the device.
        host: name of the host API (PortAudio's word for a sound system), such as ALSA.
        channels: number of outputs.
        sample_rate: default sample rate in Hz.
        default: True for the default device.
    """

    index: int
    name: str
    host: str
    channels: int
    sample_rate: int
    default: bool = False


class BlockSource(Protocol):
    """Supplies a device with blocks.

    Attributes:
        block_size: device samples in a block.
        xruns: number of interruptions of the sound that the device has noticed; the device increments it.
    """

    block_size: int
    xruns: int

    def hand_over(self, out: NDArray[np.float32]) -> None:
        """Fill `out` [T, C] with the next block. Real-time safe."""
        ...


class Device(Protocol):
    """Takes blocks from a source at its own pace."""

    name: str
    sample_rate: int
    channels: int

    def start(self, source: BlockSource) -> float:
        """Start to take blocks; return the latency of the device in seconds."""
        ...

    @property
    def active(self) -> bool:
        """Return True if the device is still taking blocks."""
        ...

    def close(self) -> None:
        """Stop taking blocks. Returns within half a second, even if the device hangs."""
        ...


def devices() -> list[DeviceInfo]:
    """Return the devices with outputs, in PortAudio's order.

    Raises:
        NoSoundError: PortAudio is not installed, or a driver does not answer.
    """
    sd = _sounddevice()
    if not sd._initialized:
        _call(sd._initialize)
    hosts = sd.query_hostapis()
    default = sd.default.device[1]
    return [
        DeviceInfo(
            index=index,
            name=each["name"],
            host=hosts[each["hostapi"]]["name"],
            channels=each["max_output_channels"],
            sample_rate=int(each["default_samplerate"]),
            default=index == default,
        )
        for index, each in enumerate(sd.query_devices())
        if each["max_output_channels"] > 0
    ]


@cache
def _sounddevice() -> Any:
    """Import sounddevice late: the import queries the devices, and fails without PortAudio."""
    try:
        return _call(lambda: importlib.import_module("sounddevice"))
    except OSError as error:
        how = INSTALL_PORTAUDIO.get(sys.platform, install.command("--force-reinstall sounddevice"))
        raise NoSoundError(f"PortAudio is not installed: {how}") from error


def _call(function: Callable[[], Answer]) -> Answer:
    errors = os.dup(2)
    try:
        return _caller.call(function)
    except TimeoutError as error:
        os.dup2(errors, 2)  # undo sounddevice's redirection of stderr
        raise NoSoundError("the sound drivers do not answer (is a JACK server stuck?)") from error
    finally:
        os.close(errors)


def pick(found: Sequence[DeviceInfo], wanted: str | None) -> DeviceInfo:
    """Return the device with this number, name or part of a name; None selects the default device.

    Raises:
        NoSoundError: there are no devices.
        DeviceError: no device matches.
    """
    if not found:
        raise NoSoundError("no sound card and no JACK server found")
    if wanted is None:
        return next((device for device in found if device.default), found[0])
    for fits in (
        lambda device: wanted == str(device.index),
        lambda device: wanted == device.name,
        lambda device: wanted.lower() in f"{device.name} ({device.host})".lower(),
    ):
        if matches := [device for device in found if fits(device)]:
            return matches[0]
    names = "; ".join(f"{device.index} {device.name}" for device in found)
    raise DeviceError(f"no output device {wanted!r}; available are: {names}")


class SoundCard:
    """A PortAudio output stream whose callback only copies blocks.

    Args:
        info: the device.
        pair: numbers of the outputs to use, counted from 1. A device with one output also accepts (1, 2).
        sample_rate: in Hz, or None for the device's default; JACK accepts only its server's rate.

    Raises:
        DeviceError: the device lacks the outputs, or does not support the settings.
    """

    def __init__(
        self, info: DeviceInfo, pair: Sequence[int] = (1, 2), sample_rate: int | None = None
    ) -> None:
        self.name = f"{info.name} ({info.host})"
        self.sample_rate = sample_rate or info.sample_rate
        pair = (1,) if info.channels == 1 and tuple(pair) == (1, 2) else pair
        if max(pair) > info.channels:
            raise DeviceError(f"{self.name} has {info.channels} outputs; the options ask for {max(pair)}")
        self.channels = len(pair)
        self._pair = [number - 1 for number in pair]
        self._opened = max(pair)  # number of channels to open: up to the highest output used
        self._index = info.index
        self._stream: Any = None
        try:
            _sounddevice().check_output_settings(
                device=self._index, samplerate=self.sample_rate, channels=self._opened, dtype="float32"
            )
        except _sounddevice().PortAudioError as error:
            raise DeviceError(self._refusal(error)) from error

    def _refusal(self, error: Exception) -> str:
        text = str(error).splitlines()[0]
        return f"{self.name} does not support {self.channels} channels at {self.sample_rate} Hz: {text}"

    def start(self, source: BlockSource) -> float:
        priority.switch_often()
        hand_over = source.hand_over
        pair = None if self._pair == list(range(self._opened)) else self._pair
        block = np.zeros((source.block_size, self.channels), np.float32)

        def callback(out: Any, samples: int, times: Any, status: Any) -> None:
            if status.output_underflow:
                source.xruns += 1
            if pair is None:
                hand_over(out)
                return
            hand_over(block)
            out.fill(0.0)
            for channel, number in enumerate(pair):
                out[:, number] = block[:, channel]

        try:
            self._stream = _sounddevice().OutputStream(
                device=self._index,
                samplerate=self.sample_rate,
                blocksize=source.block_size,
                channels=self._opened,
                dtype="float32",
                latency="low",
                callback=callback,
                clip_off=True,
                dither_off=True,
            )
            self._stream.start()
        except _sounddevice().PortAudioError as error:
            raise DeviceError(self._refusal(error)) from error
        return float(self._stream.latency)

    @property
    def active(self) -> bool:
        return bool(self._stream.active)

    def close(self) -> None:
        if self._stream is None:
            return
        timeouts.call_within(CLOSE_TIMEOUT_S, self._stream.close)


def forget_devices() -> None:
    """Shut PortAudio down, to make it release all sound servers and look for devices on the next query.

    Raises:
        NoSoundError: PortAudio is not installed, or a driver does not answer.
    """
    sd = _sounddevice()
    if sd._initialized:
        _call(sd._terminate)


class NullDevice:
    """Takes blocks at the pace of the clock and drops them."""

    name = "null device (silent)"

    def __init__(self, sample_rate: int | None = None, channels: int = 2) -> None:
        self.sample_rate = sample_rate or NULL_RATE_HZ
        self.channels = channels
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, source: BlockSource) -> float:
        priority.switch_often()
        self._thread = threading.Thread(target=self._run, args=(source,), name="null device", daemon=True)
        self._thread.start()
        return 0.0

    def _run(self, source: BlockSource) -> None:
        out = np.zeros((source.block_size, self.channels), np.float32)
        period_s = source.block_size / self.sample_rate
        due = time.monotonic()
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            source.hand_over(out)
            due += period_s
            earliest = time.monotonic() - NULL_BUFFER_S
            if due < earliest:
                due = earliest
                source.xruns += 1

    @property
    def active(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)
