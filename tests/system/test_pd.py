"""The bundled patch controls a server and shows its replies, in real Pure Data without a window.

"Point" means the current z, the position in latent space that the performer moves.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile

from realtime.control.addresses import parse
from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Message
from realtime.model import schema
from realtime.model.decoder import Decoder
from tests.system.rig import (
    MAX_DIFFERENCE,
    PATCHES,
    TIMEOUT_S,
    Jack,
    Pd,
    Server,
    expected,
    free_port,
    onset,
)
from tests.system.tap import Tap

PATCH = PATCHES / "morph.pd"
FILES = sorted(PATCHES.rglob("*.pd"))
COMPLAINTS = re.compile(r"couldn't create|connection failed|can't open|error:|no such object|no method")

# This patch presses the second pad as soon as the class names have arrived.
PRESSES_PAD_2 = r"""#N canvas 0 0 400 200 12;
#X obj 20 20 r morph-classes;
#X obj 20 50 bang;
#X obj 20 80 delay 50;
#X msg 20 110 \; morph-pad-2 bang;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
"""

# This patch receives lines from the test over UDP; each names a receiver in Pd and the values for it.
REMOTE = r"""#N canvas 0 0 520 270 12;
#X obj 20 20 netreceive -u {port};
#X obj 20 50 route hit one two name save;
#X obj 20 80 list;
#X obj 110 80 list;
#X obj 200 80 list;
#X obj 290 80 list;
#X obj 380 80 list;
#X msg 20 110 \; \$1 bang;
#X msg 110 140 \; \$1 \$2;
#X msg 200 170 \; \$1 \$2 \$3;
#X msg 290 200 \; \$1 symbol \$2;
#X msg 380 230 \; pd-morph.pd savetofile \$1 \$2;
#X obj 400 20 r morph-p99;
#X obj 400 50 print p99;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
#X connect 1 2 4 0;
#X connect 1 3 5 0;
#X connect 1 4 6 0;
#X connect 2 0 7 0;
#X connect 3 0 8 0;
#X connect 4 0 9 0;
#X connect 5 0 10 0;
#X connect 6 0 11 0;
#X connect 12 0 13 0;
"""

CLIENT = """#N canvas 0 0 400 200 12;
#X msg 20 20 goto snare 0;
#X obj 20 50 loadbang;
#X obj 20 80 delay 300;
#X obj 20 110 morph-client 127.0.0.1 {port};
#X obj 20 140 print answer;
#X obj 120 140 print alive;
#X connect 0 0 3 0;
#X connect 1 0 2 0;
#X connect 2 0 0 0;
#X connect 3 0 4 0;
#X connect 3 1 5 0;
"""

# This patch forwards UDP messages from the test to the server, and the server's sound to the outputs.
THROUGH_PD = r"""#N canvas 0 0 400 200 12;
#X obj 20 20 netreceive -u {remote};
#X obj 20 50 route morph;
#X obj 20 80 list trim;
#X obj 20 110 morph~ 127.0.0.1 {port} 1 2;
#X obj 20 140 dac~ 1 2;
#X obj 120 140 print answer;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
#X connect 3 1 4 1;
#X connect 3 2 5 0;
"""


def tell(port: int, line: str) -> None:
    """Send a line, in Pd's own format, to the UDP port of a patch."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(f"{line};\n".encode(), ("127.0.0.1", port))


class Remote:
    """A remote control of an open patch, which sends lines to the patch `REMOTE`."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self.patch = folder / "remote.pd"
        self.patch.write_text(REMOTE.format(port=self._port))

    def say(self, line: str) -> None:
        tell(self._port, line)


def flat(messages: list[Message]) -> list[tuple[str | float, ...]]:
    return [(m.address, *(round(x, 5) if isinstance(x, float) else x for x in m.arguments)) for m in messages]


def play(model: Path, recording: Path, *patches: Path, messages: list[str]) -> np.ndarray:
    """Play one hit with the bundled patch and `messages`; return the recording of the server [samples]."""
    with Server(model, "--null", "--synchronous", "--record", str(recording)) as server:
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
        (
            ["morph-a symbol kick", "morph-b symbol hihat", "morph-t 0.25", "morph-hit bang"],
            "kick",
            "hihat",
            0.25,
        ),
    ],
    ids=["pad", "slider"],
)
def test_pad_and_slider_of_the_patch_play_the_sound_of_their_point(
    tiny_model: Path, tmp_path: Path, messages: list[str], a: str, b: str, t: float
) -> None:
    heard = play(tiny_model, tmp_path / "heard.wav", messages=messages)
    info = Decoder(tiny_model, capacity=1).info
    assert_heard(heard, tiny_model, (1 - t) * np.asarray(info.point(a)) + t * np.asarray(info.point(b)))


def renamed(model: Path, path: Path, *names: str) -> Path:
    """Write a copy of the model with other class names."""
    graph, info = onnx.load(model), Decoder(model, capacity=1).info
    classes = tuple(
        dataclasses.replace(one, name=name) for one, name in zip(info.classes, names, strict=True)
    )
    onnx.helper.set_model_props(graph, dataclasses.replace(info, classes=classes).to_metadata())
    path.write_bytes(schema.add_checksum(graph.SerializeToString()))
    return path


def test_pads_are_named_after_the_classes_of_the_model(tiny_model: Path, tmp_path: Path) -> None:
    renamed(tiny_model, tmp_path / "other.onnx", "low", "mid", "high")
    (tmp_path / "presses.pd").write_text(PRESSES_PAD_2)
    heard = play(tmp_path / "other.onnx", tmp_path / "heard.wav", tmp_path / "presses.pd", messages=[])
    centre = Decoder(tmp_path / "other.onnx", capacity=1).info.point("mid")
    assert_heard(heard, tmp_path / "other.onnx", np.asarray(centre))


def test_pads_follow_a_change_of_model(tiny_model: Path, other_model: Path) -> None:
    with (
        Server(tiny_model, "--null", "--library", str(other_model.parent)) as server,
        Pd(PATCH, messages=[f"go 127.0.0.1 {server.port}"]) as pd,
    ):
        pd.wait_for("^reply: classes.reply kick snare")
        assert server.ask("/morph/model", other_model.name)[0] == "/morph/done"
        pd.wait_for("^reply: classes.reply low high")


def test_patch_shows_errors_of_the_server(tiny_model: Path) -> None:
    with Server(tiny_model, "--null") as server:
        messages = [f"go 127.0.0.1 {server.port}", "morph-pad nonsense"]
        with Pd(PATCH, messages=messages) as pd:
            said = pd.wait_for("^reply: error (/morph/goto .*)")[1]
    assert said.startswith("/morph/goto")
    assert "nonsense" in said
    assert "kick" in said


def test_patch_opened_before_the_server_connects_later(tiny_model: Path) -> None:
    with Server(tiny_model, "--null") as server:
        port = server.port  # the port is free again once the server has ended
    with (
        Pd(PATCH, messages=[f"go 127.0.0.1 {port}"]) as pd,
        Server(tiny_model, "--null", "--port", str(port)),
    ):
        pd.wait_for("^reply: pong")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PATCHES).as_posix())
def test_every_patch_loads_without_printing_anything(file: Path) -> None:
    with Pd(file, messages=["pd quit"]) as pd:
        assert pd.finish() == 0
    assert pd.output == ""


# Actions on the front panel, each with the messages that the server must receive. The classes of the model
# are kick, snare and hihat.
CONTROLS: list[tuple[str, list[tuple[str | float, ...]]]] = [
    ("hit morph-pad-2", [("/morph/goto", "snare", 0.0), ("/morph/trigger", 1.0)]),
    ("one morph-glide-set 50", []),
    ("one morph-pad-hits-set 0", []),
    ("hit morph-pad-3", [("/morph/goto", "hihat", 50.0)]),
    ("one morph-velocity-set 0.5", []),
    ("hit morph-hit", [("/morph/trigger", 0.5)]),
    ("one morph-t-set 0.25", [("/morph/between", "kick", "snare", 0.25)]),
    ("name morph-b-set hihat", []),
    ("one morph-t-set 0.75", [("/morph/between", "kick", "hihat", 0.75)]),
    ("one morph-gain-set -12", [("/morph/gain", -12.0)]),
    ("one morph-dimension-3-set -0.5", [("/morph/z/3", -0.5)]),
    ("one morph-pitch-set 12", [("/morph/pitch", 12.0)]),
    ("one morph-decay-set 300", [("/morph/decay", 300.0)]),
    ("one morph-x-set 0.25", [("/morph/xy", 0.25, 0.5)]),
    ("one morph-y-set 0.75", [("/morph/xy", 0.25, 0.75)]),
    ("one morph-axis-2-set -1.5", [("/morph/macro/1", -1.5)]),
    ("one morph-store-set 1", []),
    ("hit morph-preset-2", [("/morph/preset/store", "p2")]),
    ("hit morph-preset-2", [("/morph/preset/recall", "p2", 50.0)]),
    ("two morph-note 67 100", [("/morph/note", 67.0, 100.0)]),
    ("two morph-cc 1 127", [("/morph/between", "kick", "hihat", 1.0)]),
    ("two morph-cc 7 127", [("/morph/gain", 6.0)]),
    ("two morph-cc 22 127", [("/morph/macro/2", 4.0)]),
    ("two #notein 64 90", [("/morph/note", 64.0, 90.0)]),  # what Pd's MIDI drivers send to [notein]
    ("two #ctlin 7 0", [("/morph/gain", -60.0)]),
    ("hit morph-stop", [("/morph/stop",)]),
    ("hit morph-panic", [("/morph/panic",)]),
]


def test_each_control_sends_its_messages(tiny_model: Path, tmp_path: Path) -> None:
    remote, space = Remote(tmp_path), LatentSpace(Decoder(tiny_model, capacity=1).info, {"p2": (0.0,) * 4})
    with Server(tiny_model, "--null", "--presets", str(tmp_path / "presets.json")) as server:
        with Tap(server.port) as tap:
            with Pd(PATCH, remote.patch, messages=[f"go 127.0.0.1 {tap.port}"]) as pd:
                pd.wait_for("^reply: classes.reply")
                assert float(pd.wait_for(r"^p99: ([\d.]+)")[1]) >= 0
                wanted: list[tuple[str | float, ...]] = []
                for line, asked in CONTROLS:
                    remote.say(line)
                    wanted += asked
                    heard = tap.wait_for(len(wanted))
                    assert flat(heard) == wanted, line
            assert server.status()["refused"] == 0
        assert server.stop() == 0
    assert not COMPLAINTS.search(pd.output), pd.output
    for message in heard:
        parse(message, space)


class Copy:
    """Copies of the open patch, which Pd saves on request into a folder that contains the patch's parts."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self._folder, self._remote = folder, remote
        self._file = folder / PATCH.name  # Pd addresses a patch by its last saved name
        (folder / "parts").symlink_to(PATCH.parent / "parts")

    def wait_for(self, pattern: str, count: int = 1) -> list[Any]:
        """Save copies until a pattern matches `count` times in a copy; return the matches."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            self._remote.say(f"save {self._file.name} {self._folder}")
            time.sleep(0.1)
            if self._file.exists() and len(found := re.findall(pattern, self._file.read_text())) >= count:
                return found
            assert time.monotonic() < end, pattern


def test_sliders_of_axes_have_the_names_that_the_server_gives_them(tiny_model: Path, tmp_path: Path) -> None:
    remote = Remote(tmp_path)
    with (
        Server(tiny_model, "--null") as server,
        Pd(PATCH, remote.patch, messages=[f"go 127.0.0.1 {server.port}"]) as pd,
    ):
        pd.wait_for("^reply: axes.reply")
        ends = server.ask("/morph/get/axes")[1]
        labels = Copy(tmp_path, remote).wait_for(r"morph-axis-\d-set (?!axis)(.*) -2 -9 ", 4)
    told = [label.replace("\\", "") for label in labels]
    assert told == [f"{low} - {high}" for low, high in zip(ends[::2], ends[1::2], strict=True)]
    assert pd.output.count("reply: classes.reply") == 1  # the patch must build the sliders only once


def test_patch_has_a_slider_for_each_dimension_with_its_range(tiny_model: Path, tmp_path: Path) -> None:
    remote, latent = Remote(tmp_path), Decoder(tiny_model, capacity=1).info.latent
    with (
        Server(tiny_model, "--null") as server,
        Pd(PATCH, remote.patch, messages=[f"go 127.0.0.1 {server.port}"]) as pd,
    ):
        pd.wait_for("^reply: classes.reply")
        dimension = r"#X obj \d+ \d+ parts/dimension (\d+) (\S+) (\S+?)[;,]"
        built = Copy(tmp_path, remote).wait_for(dimension, len(latent.low))
    shown = sorted((int(i), float(low), float(high)) for i, low, high in built)
    assert [i for i, _, _ in shown] == list(range(len(latent.low)))
    np.testing.assert_allclose([low for _, low, _ in shown], latent.low, rtol=1e-4)
    np.testing.assert_allclose([high for _, _, high in shown], latent.high, rtol=1e-4)


@pytest.fixture
def tapped(tiny_model: Path, tmp_path: Path) -> Iterator[tuple[Remote, Tap]]:
    """A remote control of the patch, and a tap, which notes the messages from the patch to the server."""
    remote = Remote(tmp_path)
    with (
        Server(tiny_model, "--null") as server,
        Tap(server.port) as tap,
        Pd(PATCH, remote.patch, messages=[f"go 127.0.0.1 {tap.port}"]) as pd,
    ):
        pd.wait_for("^reply: classes.reply")
        yield remote, tap


def set_controls(remote: Remote, controls: str) -> None:
    """Set controls of the front panel; `controls` lists their names and values, separated by commas."""
    for control in controls.split(", "):
        remote.say(f"one morph-{control}")


def test_sequencer_of_the_patch_plays_its_steps_and_moves_the_point(tapped: tuple[Remote, Tap]) -> None:
    remote, tap = tapped
    set_controls(remote, "lane-set 1, step-1-set 1, step-6-set 1, lane-6-set 0.5, bpm-set 300, run-set 1")
    heard = flat(tap.wait_for(2 * (16 + 2)))
    turn: list[tuple[str | float, ...]] = []
    for step in range(1, 17):
        turn.append(("/morph/between", "kick", "snare", 0.5 if step == 6 else 0.0))
        turn += [("/morph/trigger", 1.0)] * (step in (1, 6))
    assert heard[: 2 * len(turn)] == 2 * turn


def test_drum_pattern_of_the_patch_plays_its_lanes_and_does_not_move_the_point(
    tapped: tuple[Remote, Tap],
) -> None:
    remote, tap = tapped
    remote.say("name morph-beat-2-name-set hihat")
    set_controls(
        remote, "velocity-set 0.5, beat-1-1-set 1, beat-2-1-set 1, beat-2-9-set 1, bpm-set 400, run-set 1"
    )
    heard = flat(tap.wait_for(2 * 3))
    kick, hihat = ("/morph/touch/101/trigger", 0.5, "kick"), ("/morph/touch/102/trigger", 0.5, "hihat")
    assert sorted(heard[:2]) == [kick, hihat]  # both are at the same step
    assert heard[2] == hihat
    assert sorted(heard[3:5]) == [kick, hihat]


def test_two_patches_play_one_server(tiny_model: Path) -> None:
    with Server(tiny_model, "--null") as server:
        messages = [f"go 127.0.0.1 {server.port}", "morph-hit bang"]
        with Pd(PATCH, messages=messages) as one, Pd(PATCH, messages=messages) as other:
            one.wait_for("^reply: pong")
            other.wait_for("^reply: pong")
            server.wait_until(hits=2)
        assert server.status()["refused"] == 0


def test_patch_of_a_user_can_use_the_object_morph_client(tiny_model: Path, tmp_path: Path) -> None:
    with Server(tiny_model, "--null") as server:
        own = tmp_path / "own.pd"
        shutil.copy(PATCHES / "morph-client.pd", tmp_path)
        own.write_text(CLIENT.format(port=server.port))
        with Pd(own, messages=[]) as pd:
            pd.wait_for("^alive: 1")
            pd.wait_for("^answer: done /morph/goto snare")
    assert not COMPLAINTS.search(pd.output), pd.output


def test_object_morph_tilde_passes_the_sound_through_pd_unchanged(tiny_model: Path, tmp_path: Path) -> None:
    """The JACK outputs of the server are connected to Pd, and those of Pd to the system outputs."""
    patch, remote = tmp_path / "through.pd", free_port()
    with Jack() as jack:
        jack.wait()
        with Server(tiny_model, "--device", "system", "--synchronous", env=jack.env) as server:
            patch.write_text(THROUGH_PD.format(remote=remote, port=server.port))
            with Pd(patch, messages=["pd dsp 1"], env=jack.env) as pd:
                pd.wait_for("^answer: ")
                for i in (1, 2):
                    jack.connect(f"soundmorph:out_{i}", f"pure_data:input_{i}")
                    jack.disconnect(f"soundmorph:out_{i}", f"system:playback_{i}")
                with jack.recording(tmp_path / "heard.npy"):
                    tell(remote, "morph goto snare 0")
                    tell(remote, "morph trigger 1")
                    server.wait_until(hits=1)
                    server.wait_until(voices=0)
                    server.play_for(0.2)
                assert not COMPLAINTS.search(pd.output), pd.output
                assert server.stop() == 0
                jack.stop()
    heard = np.load(tmp_path / "heard.npy")
    np.testing.assert_array_equal(heard[:, 0], heard[:, 1])
    info = Decoder(tiny_model, capacity=1).info
    assert_heard(heard[:, 0], tiny_model, np.asarray(info.point("snare")))
