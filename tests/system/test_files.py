"""Models and sounds that OSC messages name are loaded during playback, or refused in one line."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.model import axes
from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.search import nearest
from tests.system.rig import Server


@pytest.fixture
def library(tiny_model: Path, other_model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    for model in (tiny_model, other_model):
        for path in (model, encoder_path(model)):
            shutil.copy(path, folder / path.name)
    (folder / "garbage.onnx").write_bytes(np.random.default_rng(0).bytes(5000))
    return folder


def test_server_switches_to_a_model_with_a_different_rate_and_size(
    tiny_model: Path, library: Path, tmp_path: Path
) -> None:
    presets = str(tmp_path / "presets.json")
    with Server(tiny_model, "--null", "--library", str(library), "--presets", presets) as server:
        assert server.ask("/morph/preset/store", "mine")[0] == "/morph/done"
        server.wait_for("^realtime: done /morph/preset/store: mine$")
        server.send("/morph/gain", -3.0)
        server.send("/morph/trigger", 1.0)
        assert server.ask("/morph/model", "other.onnx") == ("/morph/done", ["/morph/model", "other.onnx"])
        _, info = server.ask("/morph/get/info")
        facts = dict(zip(info[::2], info[1::2], strict=True))
        assert (facts["latent_dim"], facts["sample_rate"]) == (3, 44_100)
        assert server.ask("/morph/get/classes") == ("/morph/classes.reply", ["low", "high"])
        assert server.ask("/morph/preset/list") == ("/morph/presets.reply", [])
        server.send("/morph/z", 1.0, 2.0, 3.0)
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=2, gain_db=-3.0)
        assert server.ask("/morph/get/z") == ("/morph/z.reply", [1.0, 2.0, 3.0])
        assert server.ask("/morph/model", "tiny.onnx")[0] == "/morph/done"
        assert server.ask("/morph/preset/list") == ("/morph/presets.reply", ["mine"])
        assert server.stop() == 0


def test_invalid_model_file_is_rejected_and_the_server_plays_on(
    tiny_model: Path, library: Path, tmp_path: Path
) -> None:
    model = tmp_path / "playing.onnx"
    shutil.copy(tiny_model, model)
    with Server(model, "--null", "--library", str(library)) as server:
        model.write_bytes(b"garbage in its place")
        for file, text in {
            "garbage.onnx": "garbage.onnx",
            "../playing.onnx": "only files within the library",
            "tiny.encoder.onnx": "tiny.encoder.onnx",
            "digitz": "no model 'digitz'; did you mean 'digits'? accepted: digits, drums, ",
            "other": "no model 'other'; did you mean 'other.onnx'? accepted: digits, drums, ",
            "zzz": "no model 'zzz'; accepted: digits, drums, files in the library that end with .onnx",
            "runs/tny.onnx": "did you mean 'tiny.onnx'?",
        }.items():
            address, answer = server.ask("/morph/model", file)
            assert (address, answer[0]) == ("/morph/error", "/morph/model")
            assert text in str(answer[1])
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        server.wait_until(voices=0)
        assert server.status()["muted"] == 0


def test_message_encode_makes_a_preset_from_a_sound_file(tiny_model: Path, library: Path) -> None:
    sound = np.random.default_rng(3).uniform(-0.5, 0.5, (3000, 2)).astype(np.float32)
    soundfile.write(library / "hit.wav", sound, 44_100)
    (library / "broken.wav").write_bytes(b"RIFF....WAVE")
    encoder = Encoder(encoder_path(tiny_model))
    with (library / "hit.wav").open("rb") as file:
        prepared = encoder.read_open(file.fileno())
    wanted = nearest(Decoder(tiny_model), prepared, encoder.encode_prepared(prepared))
    with Server(tiny_model, "--null", "--library", str(library)) as server:
        (library / "tiny.encoder.onnx").unlink()  # the server uses the encoder beside its own model file
        assert server.ask("/morph/encode", "hit.wav") == ("/morph/done", ["/morph/encode", "hit"])
        assert server.ask("/morph/goto", "hit", 0)[0] == "/morph/done"
        assert server.ask("/morph/get/z")[1] == pytest.approx(list(wanted), rel=1e-5)
        for arguments, text in ((("broken.wav",), "broken.wav"), (("hit.wav", "kick"), "model itself uses")):
            address, answer = server.ask("/morph/encode", *arguments)
            assert address == "/morph/error"
            assert text in str(answer[1])


def test_axes_of_the_latent_space_are_named_after_the_sounds_at_their_ends(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model)
    wanted = axes.name(decoder)
    assert len(wanted) == len(decoder.info.pca.basis)
    with Server(tiny_model, "--null") as server:
        _, ends = server.ask("/morph/get/axes")
    assert ends == [end for each in wanted for end in each]


@pytest.mark.skipif(sys.platform != "linux", reason="the test reads /proc")
def test_worker_frees_the_memory_of_models_that_are_no_longer_in_use(
    tiny_model: Path, tmp_path: Path
) -> None:
    """Each loaded copy of the model `digits` takes 16 MB."""
    settled_mb = 0.0
    with Server(tiny_model, "--null", "--presets", str(tmp_path / "presets.json")) as server:
        for change in range(20):
            assert server.ask("/morph/model", "digits")[0] == "/morph/done"
            if change == 4:
                settled_mb = resident_mb(server.worker_pid)
        assert resident_mb(server.worker_pid) < settled_mb + 64.0
        assert server.stop() == 0


def resident_mb(pid: int) -> float:
    (kilobytes,) = re.findall(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return float(kilobytes) / 1024
