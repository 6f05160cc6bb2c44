"""What the tests with real programs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.rig import Jack


@pytest.fixture
def jack_server() -> Iterator[Jack]:
    """A synchronous JACK server, up and running."""
    with Jack() as server:
        server.wait()
        yield server


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another rate, length and latent size than `tiny_model`, with its encoder: 44,100 Hz, 3-D."""
    import torch

    from export.to_onnx import export
    from trainer.config import Config
    from trainer.models.vae import build
    from trainer.run.checkpoint import Anchors, Checkpoint, write

    size = {"sample_rate": 44_100, "length": 2048, "latent_dim": 3, "layers": 2, "channels": 4}
    config = Config.from_dict({"model": size})
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("other")
    checkpoint = Checkpoint(
        config=config,
        model=build(config.model, 2).state_dict(),
        classes=("low", "high"),
        anchors=Anchors(("low/1.wav", "high/1.wav"), (0, 1), torch.randn(2, 3)),
        licence="CC0-1.0",
        credits=("nobody",),
    )
    write(folder / "last.safetensors", checkpoint)
    export(folder, folder / "other.onnx")
    return folder / "other.onnx"
