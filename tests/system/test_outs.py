"""On a real JACK server, each class is heard on the ports of its out; their sum is the stereo mix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from realtime.__main__ import main
from realtime.audio.jack_client import JackClient
from realtime.model import verify
from tests.system.rig import Jack, Server

PORTS = [f"soundmorph:{name}_{side}" for name in ("out", "kick", "snare") for side in (1, 2)]


@contextmanager
def listening(ports: list[str]) -> Iterator[list[np.ndarray]]:
    """Record ports of the JACK server, each [T]; the list is filled when the `with` statement ends."""
    ears = JackClient("ears")
    inputs = [ears.client.inports.register(f"in_{number}") for number in range(len(ports))]
    blocks: list[np.ndarray] = []
    heard: list[np.ndarray] = []
    ears.activate(lambda _: blocks.append(np.stack([port.get_array() for port in inputs])))
    try:
        for port, ear in zip(ports, inputs, strict=True):
            ears.client.connect(port, ear)
        yield heard
    finally:
        ears.leave()
        heard.extend(np.concatenate(blocks, axis=1))


def test_each_class_is_on_its_ports_and_the_sum_is_the_stereo_mix(
    jack_server: Jack, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile

    jack_server.use(monkeypatch)
    log = tmp_path / "take.jsonl"
    options = ["--device", "system", "--synchronous", "--outs", "kick,snare", "--log", str(log)]
    with Server(tiny_model, *options, "--headroom", "12", env=jack_server.env) as server:
        with listening(PORTS) as heard:
            for count, each in enumerate(verify.read(tiny_model).info.classes, 1):
                server.send("/morph/trigger", 1.0, each.name)
                server.wait_until(hits=count)
                server.wait_until(voices=0)
            server.play_for(0.1)
        assert server.stop() == 0
    loud = [np.flatnonzero(np.abs(port) > 1e-4) for port in heard]
    assert loud[2][-1] < loud[4][0]  # on their own ports, the kick ends before the snare begins
    assert loud[4][-1] < loud[0][0]  # the hi-hat, which has no separate ports, is on the main pair
    mix = tmp_path / "mix.wav"
    assert main(["render", str(log), "--channels", "2", "-o", str(mix), "--bits", "32f"]) == 0
    stereo = soundfile.read(mix)[0].T
    both = np.stack((heard[0] + heard[2] + heard[4], heard[1] + heard[3] + heard[5]))
    shift = np.flatnonzero(both.any(axis=0))[0] - np.flatnonzero(stereo.any(axis=0))[0]
    length = min(both.shape[1] - shift, stereo.shape[1])
    if shift < 0:
        both, shift = np.pad(both, ((0, 0), (-shift, 0))), 0
    error = np.abs(both[:, shift : shift + length] - stereo[:, :length]).max()
    assert error < 1e-6 * np.abs(stereo).max()  # at most -120 dB
