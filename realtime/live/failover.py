"""Where the sound goes: the device that was asked for, and silence kept in time while that one is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from realtime.audio import devices, jack_device
from realtime.live.engine import Engine

RETRY_S = 0.5  # between two attempts to get a device back
STALL_LOOKS = 20  # that find a device asking for nothing, which is gone then: PipeWire does not say it

Open = Callable[[], devices.Device]


class Failover:
    """Feeds a device from an engine. `watch`, ten times a second, replaces a device that has gone.

    Args:
        open_: opens the device; called again when it has gone.
        say: is told, in one line, what happens to the device.

    Raises:
        DeviceError: it cannot be opened.
    """

    def __init__(self, open_: Open, say: Callable[[str], None]) -> None:
        self._open = open_
        self._say = say
        self.device = open_()
        self.sample_rate, self.channels = self.device.sample_rate, self.device.channels
        self._stand_in: devices.NullDevice | None = None
        self._retry_s = 0.0
        self._asked = 0  # blocks that the device had asked for
        self._looks = 0  # that found no more of them

    def start(self, engine: Engine) -> None:
        """Begin to take blocks."""
        self._engine = engine
        engine.latency_s = self.device.start(engine)

    @property
    def away(self) -> bool:
        """Whether the device has gone and not come back."""
        return self._stand_in is not None

    def watch(self) -> None:
        """See that blocks are taken: by the device, or in its place by the clock."""
        if self._stand_in is None:
            if self.device.active and not self._stalled():
                return
            self._say(f"{self.device.name} has gone; the state is kept, and it is taken up when it is back")
            self.device.close()
            self._stand_in = devices.NullDevice(self.sample_rate, self.channels)
            self._engine.latency_s = self._stand_in.start(self._engine)
            self._retry_s = time.monotonic() + RETRY_S
        elif time.monotonic() >= self._retry_s:
            self._retry()

    def _stalled(self) -> bool:
        """By looks, not by the time, in which the whole machine may have stood still."""
        asked = self._engine.asked
        self._looks = self._looks + 1 if asked == self._asked else 0
        self._asked = asked
        return self._looks >= STALL_LOOKS

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
        self.device, self._stand_in, self._looks = device, None, 0
        self._say(f"{device.name} is back")

    def close(self) -> None:
        """Take no more blocks; returns within half a second."""
        (self._stand_in or self.device).close()


def opener(
    device: str | None,
    *,
    null: bool,
    rate: int | None,
    pair: Sequence[int],
    say: Callable[[str], None],
) -> Open:
    """What opens the device that the user asks for, or on a machine without sound the null device.

    Args:
        device: number or part of a name, or None for the system's default.
        null: no sound card.
        rate: in Hz, or None for the device's own.
        pair: the outputs to play on, counted from 1.
        say: is told where there is no sound.
    """
    if null:
        return lambda: devices.NullDevice(rate, len(pair))

    found: list[devices.DeviceInfo] = []  # once it has been, it is looked for by its name

    def open_() -> devices.Device:
        if found and found[0].host != jack_device.HOST:
            devices.forget_devices()
        try:
            if not found or found[0].host != jack_device.HOST:
                found[:] = [devices.pick(devices.devices(), found[0].name if found else device)]
        except devices.NoSoundError as reason:
            if device is not None or found:
                raise
            say(f"{reason}; going on without sound (--record FILE keeps what is played)")
            return devices.NullDevice(rate, len(pair))
        if found[0].host == jack_device.HOST and jack_device.available():
            devices.forget_devices()  # PortAudio aborts the program if its JACK server goes first
            return jack_device.JackDevice(found[0].name, pair, rate)
        return devices.SoundCard(found[0], pair, rate)

    return open_
