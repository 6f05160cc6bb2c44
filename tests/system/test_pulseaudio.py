"""What most desktops have: PortAudio on ALSA on PulseAudio, with a real PulseAudio server."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np

from tests.system.rig import MAX_DIFFERENCE, Pulse, Server, expected, onset, program

Z = (1.0, -1.0, 0.5, 0.0)
TRIES = 10  # PulseAudio makes holes now and then, when the machine is busy


def test_pulseaudio_plays_the_sound_goes_and_comes_back(tiny_model: Path, tmp_path: Path) -> None:
    """What is heard, before and after, is the sound of the model at the point that was set, to the sample."""
    program("parec")
    with Pulse(tmp_path) as pulse:
        options = ["--device", "pulse", "--rate", str(pulse.sample_rate)]
        with Server(tiny_model, *options, env=pulse.env) as server:
            assert "device   pulse (ALSA), 48000 Hz" in server.output
            server.send("/morph/z", *Z)
            hear_a_hit(pulse, server, tiny_model, tmp_path / "heard.raw")
            pulse.stop(signal.SIGKILL)
            server.wait_for(r"pulse \(ALSA\) has gone; the state is kept")
            hits = float(server.status()["hits"])
            server.send("/morph/trigger", 1.0)  # it plays on, unheard
            server.wait_until(hits=hits + 1, voices=0)
            with Pulse(tmp_path) as again:
                server.wait_for(r"pulse \(ALSA\) is back")
                hear_a_hit(again, server, tiny_model, tmp_path / "heard.raw")
                assert server.stop() == 0


def hear_a_hit(pulse: Pulse, server: Server, model: Path, path: Path) -> None:
    wanted = 0.5 * expected(model, np.array(Z, np.float32), pulse.sample_rate)
    assert np.abs(wanted).max() > 1000 * MAX_DIFFERENCE
    differences = []
    for _ in range(TRIES):
        path.unlink(missing_ok=True)
        hits = float(server.status()["hits"])
        with pulse.recording(path):
            server.send("/morph/trigger", 0.5)
            server.wait_until(hits=hits + 1, voices=0)
            server.play_for(0.3)
        heard = np.fromfile(path, np.float32).reshape(-1, 2)
        begin = onset(heard[:, 0]) - onset(wanted)
        hit = heard[begin : begin + len(wanted)]
        differences.append(float(np.abs(hit - wanted[:, np.newaxis]).max()))
        if differences[-1] < MAX_DIFFERENCE:
            return
    raise AssertionError(f"never without a hole: {differences}\n{server.output}")
