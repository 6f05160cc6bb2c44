"""Device failover: the null device, which drops all blocks, takes the place of a missing device."""

from __future__ import annotations

import time
from collections.abc import Callable

from realtime.audio import devices, jack_device
from realtime.live.config import SoundConfig
from realtime.live.engine import Engine

RETRY_S = 0.5  # pause between attempts to reopen the device
# A device counts as gone after this number of checks without a request, because PipeWire reports no removal.
STALL_CHECKS = 20

Open = Callable[[], devices.Device]


class Failover:
    """Feeds a device from an engine. `watch`, called ten times a second, replaces a missing device.

    Args:
        open_: opens the device; called again after the device has gone.
        say: receives a line when the device goes or returns.
        patient: True if a device may stop requesting blocks without counting as gone.

    Raises:
        DeviceError: the device cannot be opened.
    """

    def __init__(self, open_: Open, say: Callable[[str], None], patient: bool = False) -> None:
        self._open, self._patient = open_, patient
        self._say = say
        self.device = open_()
        self.sample_rate, self.channels = self.device.sample_rate, self.device.channels
        self._stand_in: devices.NullDevice | None = None
        self._retry_s = 0.0
        self._asked = 0  # number of blocks requested up to the latest check
        self._checks = 0  # number of consecutive checks without a new request

    def start(self, engine: Engine) -> None:
        """Start to take blocks from the engine."""
        self._engine = engine
        engine.latency_s = self.device.start(engine)

    @property
    def away(self) -> bool:
        """Return True if the device is missing."""
        return self._stand_in is not None

    def watch(self) -> None:
        """Ensure that blocks are taken: by the device, or by the null device in its place."""
        if self._stand_in is None:
            if self.device.active and not self._stalled():
                return
            self._say(f"{self.device.name} has gone; the sound returns as soon as the device is back")
            self.device.close()
            self._stand_in = devices.NullDevice(self.sample_rate, self.channels)
            self._engine.latency_s = self._stand_in.start(self._engine)
            self._retry_s = time.monotonic() + RETRY_S
        elif time.monotonic() >= self._retry_s:
            self._retry()

    def _stalled(self) -> bool:
        """Return True if the device has stalled. Count checks, not time: the machine may have paused."""
        if self._patient:
            return False
        asked = self._engine.asked
        self._checks = self._checks + 1 if asked == self._asked else 0
        self._asked = asked
        return self._checks >= STALL_CHECKS

    def _retry(self) -> None:
        self._retry_s = time.monotonic() + RETRY_S
        try:
            device = self._open()
        except devices.DeviceError:
            return
        if (device.sample_rate, device.channels) != (self.sample_rate, self.channels):
            device.close()
            return
        assert self._stand_in is not None
        self._stand_in.close()
        try:
            self._engine.latency_s = device.start(self._engine)
        except devices.DeviceError:
            self._stand_in = devices.NullDevice(self.sample_rate, self.channels)
            self._stand_in.start(self._engine)
            return
        self.device, self._stand_in, self._checks = device, None, 0
        self._say(f"{device.name} is back")

    def close(self) -> None:
        """Stop taking blocks; return within half a second."""
        (self._stand_in or self.device).close()


def opener(config: SoundConfig, say: Callable[[str], None]) -> Open:
    """Return a function that opens the requested device.

    If no device is requested and the machine cannot play, the function opens the null device.

    Args:
        config: names the device, its rate and its outputs.
        say: receives a line if the machine has no sound device.
    """
    device, rate, outputs = config.device, config.rate, config.outputs
    if config.null:
        return lambda: devices.NullDevice(rate, len(outputs))

    if (bridge := config.bridge) is not None:
        from realtime.audio.bridge_device import BridgeDevice

        return lambda: BridgeDevice(bridge, len(outputs))

    found: list[devices.DeviceInfo] = []  # after the first success, the device is found by its name

    def open_() -> devices.Device:
        if found and found[0].host != jack_device.HOST:
            devices.forget_devices()
        try:
            if not found or found[0].host != jack_device.HOST:
                found[:] = [devices.pick(devices.devices(), found[0].name if found else device)]
        except devices.NoSoundError as reason:
            if found:
                raise
            if device is not None:
                lack = f"no output device {device!r}: {reason}; --null runs without a sound card"
                raise devices.NoSoundError(lack) from reason
            say(f"{reason}; continuing without sound (--record FILE records the output)")
            return devices.NullDevice(rate, len(outputs))
        if found[0].host == jack_device.HOST and jack_device.available():
            devices.forget_devices()  # PortAudio aborts the program if its JACK server ends first
            return jack_device.JackDevice(found[0].name, outputs, rate, config.port_names)
        return devices.SoundCard(found[0], outputs, rate)

    return open_
