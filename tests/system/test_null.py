"""In the null test, a performance recorded from JACK equals the sound rendered from its log.

`SOUNDMORPH_NULL_SECONDS=180 python -m pytest -s tests/system/test_null.py` plays two performances of three
minutes.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from pythonosc.udp_client import SimpleUDPClient

from tests.system.rig import Jack, Server, assert_recording_equals_log

SECONDS = float(os.environ.get("SOUNDMORPH_NULL_SECONDS", "6"))
NAMES = ("kick", "snare", "hihat")


def perform(server: Server, seconds: float, draw: random.Random) -> None:
    """Send random messages of all kinds until `seconds` of sound have been played."""
    end = float(server.status()["seconds"]) + seconds
    hand = SimpleUDPClient("127.0.0.1", server.port)  # a different client, whose replies are ignored
    hand.send_message("/morph/gain", -14.0)
    while float(server.status()["seconds"]) < end:
        time.sleep(0.01)
        for _ in range(draw.randrange(3)):
            address, *values = gesture(draw)
            hand.send_message(address, values)
    hand._sock.close()


def gesture(draw: random.Random) -> tuple[Any, ...]:
    name = draw.choice(NAMES)
    return draw.choice(
        [
            ("/morph/trigger", draw.random(), name),
            ("/morph/trigger", draw.random()),
            ("/morph/note", draw.randrange(36, 85), draw.randrange(1, 128)),
            ("/morph/z", *(draw.gauss(0, 1) for _ in range(4))),
            (f"/morph/z/{draw.randrange(4)}", draw.gauss(0, 1)),
            ("/morph/goto", name, draw.choice([0.0, 40.0, 300.0]), draw.choice(["linear", "smooth", "in"])),
            ("/morph/between", name, draw.choice(NAMES), draw.random()),
            ("/morph/pan", draw.uniform(-1, 1)),
            ("/morph/pitch", draw.choice([0.0, 0.0, -5.0, 7.5])),
            ("/morph/decay", draw.choice([0.0, 0.0, 80.0])),
            ("/morph/reverse", draw.choice([0, 0, 1])),
            ("/morph/choke", draw.choice([0, 0, 1, 2])),
            ("/morph/mode", draw.choice(["live", "latch"])),
            ("/morph/gain", draw.uniform(-20, -10)),
            (f"/morph/touch/{draw.randrange(3)}/trigger", draw.random(), name),
            (f"/morph/touch/{draw.randrange(3)}/z", *(draw.gauss(0, 1) for _ in range(4))),
            ("/morph/stop",) if draw.random() < 0.2 else ("/morph/xy", draw.random(), draw.random()),
        ]
    )


@pytest.mark.parametrize(("period", "block"), [(128, 128), (256, 64)])
def test_recorded_performance_equals_the_sound_rendered_from_its_log(
    tiny_model: Path, tmp_path: Path, period: int, block: int
) -> None:
    log = tmp_path / "take.jsonl"
    with Jack(period) as jack:
        jack.wait()
        options = ["--device", "system", "--synchronous", "--block", str(block), "--log", str(log)]
        options += ["--dc-block", "8"] if block == 64 else []
        with (
            Server(tiny_model, *options, "--presets", str(tmp_path / "presets.json"), env=jack.env) as server,
            jack.recording(tmp_path / "heard.npy", int(SECONDS) + 60),
        ):
            perform(server, SECONDS, random.Random(block))
            server.send("/morph/stop")
            server.wait_until(voices=0)
            server.play_for(0.2)  # rendered blocks reach the recorder slightly later
            assert server.status()["late_blocks"] == 0
            played = server.status()
    assert json.loads(log.read_text().splitlines()[-1])["do"] == "end"
    beyond = assert_recording_equals_log(log, tmp_path / "heard.npy", 0.8 * SECONDS)
    print(f"{played['hits']} hits, {played['prepared_hits']} of them prepared")
    assert int(played["hits"]) > 2 * SECONDS
    assert not beyond.any()
