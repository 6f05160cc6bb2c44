"""Where the blocks go: a sound card or JACK through PortAudio, or a null device paced by the clock."""

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

from realtime.util import priority, timeouts
from realtime.util.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.4  # PortAudio hangs on closing a stream whose JACK server has died
OPEN_TIMEOUT_S = 10.0  # PortAudio asks every driver there is, and a JACK server that is stuck does not answer
NULL_RATE_HZ = 48_000
NULL_BUFFER_S = 0.01  # as of a card: what was missed by more is not taken at once

INSTALL_PORTAUDIO = {
    "linux": "sudo apt-get install libportaudio2 (Fedora: dnf install portaudio, Arch: pacman -S portaudio)",
    "darwin": "brew install portaudio",
}


Answer = TypeVar("Answer")
_patience = timeouts.TimedCaller(OPEN_TIMEOUT_S)


class DeviceError(RealtimeError):
    """A device that is not there, or does not do what is asked of it."""


class NoSoundError(DeviceError):
    """This machine cannot play at all: no PortAudio, or no device."""


@dataclass(frozen=True)
class DeviceInfo:
    """A device that can play."""

    index: int
    name: str
    host: str
    channels: int
    sample_rate: int
    default: bool = False


class BlockSource(Protocol):
    """Gives a device its blocks.

    Attributes:
        block_size: device samples in a block.
        xruns: interruptions that the device reported, counted by the device.
    """

    block_size: int
    xruns: int

    def hand_over(self, out: NDArray[np.float32]) -> None:
        """Fill `out` [T, C] with the next block. Real-time safe."""
        ...


class Device(Protocol):
    """Takes blocks from a source, in its own time."""

    name: str
    sample_rate: int
    channels: int

    def start(self, source: BlockSource) -> float:
        """Begin to take blocks; returns the device's latency in seconds."""
        ...

    @property
    def active(self) -> bool:
        """Whether blocks are still taken."""
        ...

    def close(self) -> None:
        """Take no more blocks. Returns within half a second, whatever has become of the device."""
        ...


def devices() -> list[DeviceInfo]:
    """The devices that can play, in PortAudio's order.

    Raises:
        NoSoundError: PortAudio is not installed, or does not answer.
    """
    sd = _sounddevice()
    if not sd._initialized:
        _ask(sd._initialize)
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
    """The module, imported late: it asks for the devices at once, and without PortAudio the import fails."""
    try:
        return _ask(lambda: importlib.import_module("sounddevice"))
    except OSError as error:
        how = INSTALL_PORTAUDIO.get(sys.platform, "pip install --force-reinstall sounddevice")
        raise NoSoundError(f"PortAudio is not installed: {how}") from error


def _ask(question: Callable[[], Answer]) -> Answer:
    errors = os.dup(2)
    try:
        return _patience.ask(question)
    except TimeoutError as error:
        os.dup2(errors, 2)  # which sounddevice has silenced meanwhile
        raise NoSoundError("the sound drivers do not answer (is a JACK server stuck?)") from error
    finally:
        os.close(errors)


def pick(found: Sequence[DeviceInfo], wanted: str | None) -> DeviceInfo:
    """The device with this number or (part of a) name, or the default one if that is None.

    Raises:
        NoSoundError: there is none at all.
        DeviceError: none of that name.
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
    raise DeviceError(f"no device {wanted!r} that can play; there are: {names}")


class SoundCard:
    """A PortAudio output stream whose callback only copies.

    Args:
        info: the device.
        pair: the outputs to play on, counted from 1; a device with one only plays on that.
        sample_rate: in Hz, or None for the device's own; JACK accepts only its server's.
    """

    def __init__(
        self, info: DeviceInfo, pair: Sequence[int] = (1, 2), sample_rate: int | None = None
    ) -> None:
        self.name = f"{info.name} ({info.host})"
        self.sample_rate = sample_rate or info.sample_rate
        pair = (1,) if info.channels == 1 and tuple(pair) == (1, 2) else pair
        if max(pair) > info.channels:
            raise DeviceError(f"{self.name} has {info.channels} outputs; --channels asks for {max(pair)}")
        self.channels = len(pair)
        self._pair = [number - 1 for number in pair]
        self._opened = max(pair)  # all up to the last of the pair
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
        return f"{self.name} does not play {self.channels} channels at {self.sample_rate} Hz: {text}"

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
    """Let PortAudio look for devices anew when it is next asked, and hold on to no server until then.

    Raises:
        NoSoundError: PortAudio is not installed, or does not answer.
    """
    sd = _sounddevice()
    if sd._initialized:
        _ask(sd._terminate)


class NullDevice:
    """Takes a block whenever its time has come, and drops it."""

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
            due = max(due + period_s, time.monotonic() - NULL_BUFFER_S)

    @property
    def active(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        self._closing.set()
        if self._thread:
            self._thread.join(CLOSE_TIMEOUT_S)
