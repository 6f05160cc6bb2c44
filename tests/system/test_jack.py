"""With datagrams from the real `oscsend` and a real JACK server, the output equals the decoder's sound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.system.rig import MAX_DIFFERENCE, Jack, Process, Server, expected, onset, program

GAIN_DB = -7.5

# This program disconnects ten times, each time while JACK's thread runs Python and competes for its lock.
LEAVE = """
import threading, time
from realtime.util import priority
from realtime.audio.jack_client import JackClient

def work():
    while True:
        pass

priority.switch_often()
threading.Thread(target=work, daemon=True).start()
for _ in range(10):
    at_work = threading.Event()

    def process(samples):
        at_work.set()
        end = time.monotonic() + 0.03
        while time.monotonic() < end:
            pass

    client = JackClient("leaves")
    client.activate(process)
    at_work.wait()
    client.leave()
print("left", flush=True)
"""


def oscsend(port: int, address: str, types: str = "", *values: float | str) -> None:
    """Send one message with `oscsend`, the command-line program of liblo."""
    words = [str(value) for value in values]
    command = [program("oscsend"), "127.0.0.1", str(port), address, *([types] if types else []), *words]
    subprocess.run(command, check=True, timeout=30)


@pytest.mark.parametrize("seed", [1, 2])
def test_jack_receives_the_exact_sound_of_the_decoder(
    jack_server: Jack, tiny_model: Path, tmp_path: Path, seed: int
) -> None:
    z = np.random.default_rng(seed).standard_normal(4).astype(np.float32)
    with (
        Server(tiny_model, "--device", "system", "--synchronous", env=jack_server.env) as server,
        jack_server.recording(tmp_path / "heard.npy"),
    ):
        oscsend(server.port, "/morph/gain", "f", GAIN_DB)
        oscsend(server.port, "/morph/z", "f" * len(z), *z)
        server.play_for(0.1)  # until the gain, which changes over 5 ms, is reached
        oscsend(server.port, "/morph/trigger", "f", 0.5)
        server.wait_until(hits=1)
        server.wait_until(voices=0)
        server.play_for(0.1)  # rendered blocks reach the recorder slightly later
        status = server.status()
    assert status["late_blocks"] == 0
    heard = np.load(tmp_path / "heard.npy")
    wanted = 0.5 * 10 ** (GAIN_DB / 20) * expected(tiny_model, z, jack_server.sample_rate)
    start = onset(heard[:, 0]) - onset(wanted)
    np.testing.assert_array_equal(heard[:, 0], heard[:, 1])
    difference = np.abs(heard[start : start + len(wanted), 0] - wanted)
    assert np.abs(wanted).max() > 1000 * MAX_DIFFERENCE
    assert difference.max() < MAX_DIFFERENCE
    assert not heard[start + len(wanted) :].any()


def test_disconnecting_during_the_callback_does_not_deadlock_python() -> None:
    """An asynchronous JACK server cancels the thread of a client that closes, whatever the thread does."""
    with Jack(synchronous=False) as jack:
        jack.wait()
        with Process([sys.executable, "-c", LEAVE], jack.env) as leaving:
            leaving.wait_for("left")
            assert leaving.finish() == 0
