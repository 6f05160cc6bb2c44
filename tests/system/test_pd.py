"""The patch we ship, opened in real headless Pure Data, plays the server and shows what it answers."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export.to_onnx import export
from realtime.decoder import Decoder
from tests.system.rig import MAX_DIFFERENCE, ROOT, Pd, Server, expected, onset
from trainer import checkpoint
from trainer.checkpoint import Checkpoint

PATCH = ROOT / "max_patches" / "morph.pd"
COMPLAINTS = re.compile(r"couldn't create|connection failed|can't open|error:|no such object|no method")

# Another patch: as soon as the names of the classes have come, it presses the second pad.
PRESSES_PAD_2 = r"""#N canvas 0 0 400 200 12;
#X obj 20 20 r morph-classes;
#X obj 20 50 bang;
#X obj 20 80 delay 50;
#X msg 20 110 \; morph-pad-2 bang;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
"""


def play(model: Path, recording: Path, *patches: Path, messages: list[str]) -> np.ndarray:
    """One hit, played from Pd with the patch connected: what the server recorded, [samples]."""
    with Server(model, "--null", "--record", str(recording)) as server:
        with Pd(PATCH, *patches, messages=[f"go 127.0.0.1 {server.port}", *messages]) as pd:
            pd.wait_for("^reply: pong")
            server.wait_until(hits=1)
            server.wait_until(voices=0)
        assert server.stop() == 0
    assert not COMPLAINTS.search(pd.output), pd.output
    heard: np.ndarray = soundfile.read(recording, dtype="float32")[0][:, 0]
    return heard


def assert_heard(heard: np.ndarray, model: Path, z: np.ndarray) -> None:
    wanted = expected(model, z.astype(np.float32), 48_000)
    start = onset(heard) - onset(wanted)
    assert np.abs(heard[start : start + len(wanted)] - wanted).max() < MAX_DIFFERENCE


@pytest.mark.parametrize(
    ("messages", "a", "b", "t"),
    [
        (["morph-pad snare"], "snare", "snare", 0.0),
        (["morph-b symbol hihat", "morph-t 0.25", "morph-hit bang"], "kick", "hihat", 0.25),
    ],
    ids=["pad", "slider"],
)
def test_the_patch_plays_the_server(
    tiny_model: Path, tmp_path: Path, messages: list[str], a: str, b: str, t: float
) -> None:
    heard = play(tiny_model, tmp_path / "heard.wav", messages=messages)
    info = Decoder(tiny_model, capacity=1).info
    assert_heard(heard, tiny_model, (1 - t) * np.asarray(info.point(a)) + t * np.asarray(info.point(b)))


def test_the_pads_are_named_after_the_model_s_classes(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.write(
        tmp_path / checkpoint.LAST, dataclasses.replace(tiny_checkpoint, classes=("low", "mid", "high"))
    )
    export(tmp_path, tmp_path / "other.onnx")
    (tmp_path / "presses.pd").write_text(PRESSES_PAD_2)
    heard = play(tmp_path / "other.onnx", tmp_path / "heard.wav", tmp_path / "presses.pd", messages=[])
    centre = Decoder(tmp_path / "other.onnx", capacity=1).info.point("mid")
    assert_heard(heard, tmp_path / "other.onnx", np.asarray(centre))


def test_the_patch_shows_what_goes_wrong(tiny_model: Path) -> None:
    with Server(tiny_model, "--null") as server:
        messages = [f"go 127.0.0.1 {server.port}", "morph-pad nonsense"]
        with Pd(PATCH, messages=messages) as pd:
            said = pd.wait_for("^reply: error (.*)")[1]
    assert said.startswith("/morph/goto")
    assert "nonsense" in said
    assert "kick" in said


def test_a_patch_that_was_opened_first_finds_the_server_later(tiny_model: Path) -> None:
    with Server(tiny_model, "--null") as server:
        port = server.port  # free again in a moment
    with (
        Pd(PATCH, messages=[f"go 127.0.0.1 {port}"]) as pd,
        Server(tiny_model, "--null", "--port", str(port)),
    ):
        pd.wait_for("^reply: pong")
