"""Tests for audio devices. The tests that need a JACK server are in tests/system."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from realtime.audio import devices
from realtime.audio.devices import NULL_BUFFER_S, BlockSource, DeviceError, DeviceInfo, NullDevice, pick
from realtime.live.config import SoundConfig
from realtime.live.engine import Engine
from realtime.live.failover import STALL_CHECKS, Failover, opener
from realtime.synth.commands import Trigger
from realtime.synth.mixer import Mixer

CARDS = [
    DeviceInfo(0, "HDA Intel: ALC (hw:0,0)", "ALSA", 2, 44100),
    DeviceInfo(3, "system", "JACK Audio Connection Kit", 2, 48000, default=True),
    DeviceInfo(7, "system monitor", "JACK Audio Connection Kit", 8, 48000),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 3), ("0", 0), ("7", 7), ("system", 3), ("monitor", 7), ("hda intel", 0), ("jack", 3)],
)
def test_device_is_found_by_number_or_name(wanted: str | None, index: int) -> None:
    assert pick(CARDS, wanted).index == index


@pytest.mark.parametrize("wanted", ["1", "tape", "-1"])
def test_error_for_unknown_device_lists_the_devices(wanted: str) -> None:
    with pytest.raises(
        DeviceError, match=f"no output device '{wanted}'; available are: 0 HDA .*; 3 system; 7 system monitor"
    ):
        pick(CARDS, wanted)


def test_missing_devices_are_reported() -> None:
    with pytest.raises(DeviceError, match="no sound card and no JACK server found"):
        pick([], None)


def test_error_for_a_named_device_without_any_sound_card_names_the_option_null(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    monkeypatch.setattr(devices, "devices", list)
    open_ = opener(SoundConfig(model=tiny_model, device="Fireface"), print)
    with pytest.raises(DeviceError, match=r"'Fireface': no sound card and no JACK .*; --null runs without"):
        open_()


def test_null_device_takes_blocks_until_closed(make_mixer: Callable[..., Mixer]) -> None:
    engine = Engine(make_mixer())
    device = NullDevice()
    engine.submit([Trigger()])
    engine.start()
    assert device.start(engine) == 0.0
    while engine.mixer.position < 9600:
        time.sleep(0.01)
    assert device.active
    device.close()
    assert not device.active
    engine.stop()
    assert engine.mixer.hits == 1


def test_null_device_skips_blocks_missed_during_a_pause_and_counts_one_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, taken = [0.0], list[float]()
    device = NullDevice()

    def take(out: object) -> None:
        taken.append(now[0])
        if len(taken) == 100:
            now[0] += 0.5

    def wait(timeout_s: float) -> bool:
        now[0] += timeout_s
        return len(taken) == 200

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(device, "_closing", SimpleNamespace(wait=wait))
    source = SimpleNamespace(block_size=128, hand_over=take, xruns=0)
    device._run(cast(BlockSource, source))
    period_s = 128 / device.sample_rate
    assert taken[99] == pytest.approx(99 * period_s)
    assert max(Counter(taken).values()) <= NULL_BUFFER_S / period_s + 1
    assert taken[-1] == pytest.approx(199 * period_s + 0.5, abs=2 * NULL_BUFFER_S)
    assert source.xruns == 1


class Stuck(NullDevice):
    """A device that is active but never takes a block."""

    active = True

    def start(self, source: BlockSource) -> float:
        return 0.0


def test_stalled_device_is_dropped_unless_the_machine_slept(
    make_mixer: Callable[..., Mixer], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, said = [0.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    engine, device = Engine(make_mixer()), Stuck()
    out = Failover(lambda: device, said.append)
    out.start(engine)
    for _ in range(3):
        engine.hand_over(np.zeros((engine.block_size, 2), np.float32))
        for _ in range(STALL_CHECKS):
            now[0] += 0.1
            out.watch()
        assert not said
        now[0] += 10.0  # as if the machine had slept
    out.watch()
    assert said == ["null device (silent) has gone; the sound returns as soon as the device is back"]
    out.close()


WITHOUT_PORTAUDIO = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from realtime.__main__ import main
raise SystemExit(main(["devices"]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PortAudio comes with the wheel")
def test_error_without_portaudio_shows_how_to_install_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PORTAUDIO], capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("realtime: error: PortAudio is not installed: sudo apt-get install libportaudio2")
