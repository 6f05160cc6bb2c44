"""The exported encoder returns the same z (position in latent space) as PyTorch for the same sound files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from export.architectures import encoder_graph
from export.describe import describe_encoder
from export.errors import ExportError
from export.graph import halve
from export.parity import encoder_difference
from export.to_onnx import export, save
from realtime.model import verify
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.preprocess import prepare
from realtime.util.errors import RealtimeError
from trainer.architectures import ARCHITECTURES
from trainer.config import Config, DataConfig, ModelConfig
from trainer.data import audio
from trainer.errors import DataError
from trainer.models.vae import build
from trainer.run.checkpoint import Checkpoint


def _recording(path: Path, rate: int, seconds: float, channels: int = 1, start: float = 0.0) -> Path:
    """Write a recording of a decaying, noisy tone that begins after `start` seconds, with a DC offset."""
    time = np.arange(round(rate * seconds)) / rate - start
    random = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 180 * time) + 0.1 * random.standard_normal(len(time))
    hit = np.where(time >= 0, 0.6 * np.exp(-12 * np.maximum(time, 0)) * tone, 0.0) + 0.01
    signs = np.linspace(1.0, 0.4, channels)
    soundfile.write(path, hit[:, None] * signs, rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_exported_encoder_gives_the_z_of_the_model(
    architecture: str, tiny_model: Path, tmp_path: Path
) -> None:
    config = Config(ModelConfig(architecture, 8000, 1280, 5, layers=12, channels=6))
    torch.manual_seed(0)
    model = build(config.model, 2).eval()
    halve(model.encoder.parameters())
    info = describe_encoder(config, verify.read(tiny_model).info)
    info = dataclasses.replace(info, architecture=architecture, latent_dim=5)
    save(encoder_graph(model), info.to_metadata(), tmp_path / "m.encoder.onnx")
    assert encoder_difference(model, tmp_path / "m.encoder.onnx") <= 1e-5
    encoder = Encoder(tmp_path / "m.encoder.onnx")
    assert encoder.info == info
    path = _recording(tmp_path / "hit.wav", 11_025, 0.4, channels=2)
    prepared = audio.prepare_signal(*audio.read(path), config.model, config.data)
    with torch.no_grad():
        wanted = model.encode(torch.from_numpy(prepared)[None, None])[0][0].numpy()
    assert np.abs(wanted).max() > 1e-3
    assert np.abs(np.asarray(encoder.encode_file(path)) - wanted).max() <= 1e-4


def test_an_export_writes_an_encoder_that_belongs_to_its_decoder(
    tiny_model: Path, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    config = tiny_checkpoint.config
    model = build(config.model, len(tiny_checkpoint.classes))
    model.load_state_dict(tiny_checkpoint.model)
    halve(model.encoder.parameters())
    encoder = Encoder(encoder_path(tiny_model), verify.read(tiny_model).info)
    path = _recording(tmp_path / "hit.wav", 44_100, 1.0)
    prepared = audio.prepare_signal(*audio.read(path), config.model, config.data)
    with torch.no_grad():
        wanted = model.eval().encode(torch.from_numpy(prepared)[None, None])[0][0].numpy()
    assert np.abs(np.asarray(encoder.encode_file(path)) - wanted).max() <= 1e-4


def test_existing_files_are_replaced_only_with_force(tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    encoder_path(out / "a.onnx").write_bytes(b"mine")
    with pytest.raises(ExportError, match=r"a\.encoder\.onnx exists"):
        export(tiny_run, out / "a.onnx")
    assert sorted(path.name for path in out.iterdir()) == ["a.encoder.onnx"]
    export(tiny_run, out / "a.onnx", force=True)
    Encoder(out / "a.encoder.onnx", verify.read(out / "a.onnx").info)
    assert sorted(path.name for path in out.iterdir()) == ["a.encoder.onnx", "a.onnx"]


@pytest.mark.parametrize(
    ("signal", "fault"),
    [
        (np.zeros((0, 1)), "is empty"),
        (np.full((800, 1), np.nan), "has samples that are not finite numbers"),
        (np.ones((8, 1)), "is too short: 1 ms; at least 2 ms are needed"),
        (np.full((800, 1), 0.5), "is silent"),
    ],
)
def test_trainer_and_realtime_refuse_the_same_sounds(signal: np.ndarray, fault: str) -> None:
    sound, model, data = signal.astype(np.float32), ModelConfig("dc", 8000, 1600, 4), DataConfig()
    with pytest.raises(RealtimeError, match=f"^the sound {fault}$"):
        prepare(sound, 8000, audio.preparation(model, data))
    with pytest.raises(DataError, match=f"^{fault.removeprefix('is ')}$"):
        audio.prepare_signal(sound, 8000, model, data)
