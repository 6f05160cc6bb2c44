"""Tests for encoder files, which lie beside decoder files and are untrusted, and for the command `encode`."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import helper

from realtime.__main__ import main
from realtime.model import errands, verify
from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.search import nearest
from realtime.util.errors import ModelError, RealtimeError
from tests.realtime.model.changes import Change, changed, external, metadata


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    time = np.arange(4000) / 22_050
    soundfile.write(tmp_path / "hit.wav", 0.5 * np.exp(-20 * time) * np.sin(900 * time), 22_050)
    return tmp_path / "hit.wav"


def _weight(value: float) -> Change:
    def change(model: onnx.ModelProto) -> None:
        weight = next(t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
        weight.raw_data = np.full(weight.dims, value, np.float32).tobytes()

    return change


def _operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("ScatterND", ["sound"], ["q"]))


def _huge_tensor(model: onnx.ModelProto) -> None:
    """Add a convolution with so many filters that its output would fill the memory."""
    many = 2**18
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((many, 1, 1), np.float32), "many"))
    first = next(node for node in model.graph.node if node.op_type == "Unsqueeze")
    model.graph.node.append(helper.make_node("Conv", [first.output[0], "many"], ["much"]))


def _short(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_weight(float("nan")), "NaN or infinity"),
        (external, "in another file"),
        (_operator, "operator 'ScatterND'"),
        (_huge_tensor, "tensor of more than"),
        (_short, "not those of an encoder"),
        (metadata(latent_dim=0), "latent_dim"),
        (metadata(preparation=[]), "not an object"),
        (metadata(preparation={}), "length"),
    ],
)
def test_hostile_encoders_are_refused(tiny_model: Path, tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Encoder(changed(encoder_path(tiny_model), tmp_path / "m.encoder.onnx", change))


def test_damaged_encoders_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    good, path = encoder_path(tiny_model).read_bytes(), tmp_path / "m.encoder.onnx"
    chance = random.Random(0)
    for case in range(500):
        bad = bytearray(good)
        at = chance.randrange(len(good))
        if case % 2:
            bad[at] ^= 1 << chance.randrange(8)
        else:
            del bad[at:]
        path.write_bytes(bad)
        with pytest.raises(ModelError):
            verify.read_encoder(path)


def test_encoder_and_decoder_are_not_interchangeable(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="a decoder, not an encoder"):
        Encoder(tiny_model)
    with pytest.raises(ModelError, match="an encoder, not a decoder"):
        Decoder(encoder_path(tiny_model))


def test_encoder_for_a_different_decoder_is_refused(tiny_model: Path) -> None:
    info = verify.read(tiny_model).info
    Encoder(encoder_path(tiny_model), info)
    with pytest.raises(ModelError, match="a different decoder"):
        Encoder(encoder_path(tiny_model), dataclasses.replace(info, loudness_db=-1.0))


def test_encoder_path_is_beside_the_decoder() -> None:
    assert encoder_path(Path("a/drums.onnx")) == Path("a/drums.encoder.onnx")


def test_encode_prints_the_z_of_a_sound(
    tiny_model: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["encode", str(sound), "--model", str(tiny_model)]) == 0
    z = json.loads(capsys.readouterr().out)
    assert len(z) == 4
    samples, rate = soundfile.read(sound)
    encoder = Encoder(encoder_path(tiny_model))
    assert z == pytest.approx(encoder.encode(samples, rate), abs=1e-6)
    assert main(["encode", str(sound), "--model", str(tiny_model), "--search"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert tuple(found) == nearest(Decoder(tiny_model), encoder.read_file(sound), tuple(z))


def test_each_error_of_encode_is_reported_in_one_line(
    tiny_model: Path, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone.onnx"
    shutil.copy(tiny_model, alone)
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "silence.wav", np.zeros(1000), 8000)
    for file, model, message in (
        (sound, alone, "no encoder: alone.encoder.onnx is not beside it"),
        (tmp_path / "none.wav", tiny_model, "none.wav: cannot be read"),
        (tmp_path / "text.wav", tiny_model, "text.wav: cannot be read"),
        (tmp_path / "silence.wav", tiny_model, "silence.wav: the sound is silent"),
    ):
        assert main(["encode", str(file), "--model", str(model)]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_info_shows_the_encoder_if_present(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone.onnx"
    shutil.copy(tiny_model, alone)
    for model, name in ((tiny_model, "tiny.encoder.onnx"), (alone, None)):
        main(["info", str(model)])
        assert (name or "none next to the model file") in capsys.readouterr().out
        main(["info", str(model), "--json"])
        assert json.loads(capsys.readouterr().out)["encoder"] == name


def test_recording_of_an_hour_is_refused(tiny_model: Path) -> None:
    with pytest.raises(RealtimeError, match="too long"):
        Encoder(encoder_path(tiny_model)).encode(np.zeros(3600 * 100, np.float32), 100)


def test_sound_file_of_more_than_ten_minutes_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """The file contains ten minutes and a second of silence as FLAC, and has a size of only 20 kB."""
    path, rate = tmp_path / "long.flac", 1000
    soundfile.write(path, np.zeros(601 * rate, np.int16), rate, format="FLAC", subtype="PCM_16")
    with pytest.raises(RealtimeError, match="the sound is too long: at most 10 minutes"):
        Encoder(encoder_path(tiny_model)).encode_file(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipe_is_refused_as_a_sound(tiny_model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(RealtimeError, match="not a regular file"):
        Encoder(encoder_path(tiny_model)).encode_file(tmp_path / "pipe.wav")


def test_model_is_tried_and_sound_encoded_in_a_separate_process(tiny_model: Path, sound: Path) -> None:
    file = verify.read(tiny_model)
    errands.try_out(tiny_model, file)
    encoder = Encoder(encoder_path(tiny_model))
    with sound.open("rb") as opened:
        prepared = encoder.read_open(opened.fileno())
    wanted = nearest(Decoder(tiny_model), prepared, encoder.encode_prepared(prepared))
    with sound.open("rb") as opened:
        assert errands.encode(tiny_model, file.info, opened) == wanted
    other = dataclasses.replace(file.info, name="other")
    with sound.open("rb") as opened, pytest.raises(RealtimeError, match="belongs to a different decoder"):
        errands.encode(tiny_model, other, opened)
    broken = dataclasses.replace(file, model=file.model[:-1])
    with pytest.raises(ModelError, match="refused after a trial: not a readable"):
        errands.try_out(tiny_model, broken)
