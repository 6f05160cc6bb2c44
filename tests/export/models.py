"""The checkpoints of the small models that all tests play.

`python -m tests.export.models` exports them to tests/models. The tests of `realtime` read the exported files
and therefore run without PyTorch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from export.to_onnx import export
from trainer.config import Config
from trainer.models.vae import build
from trainer.run.checkpoint import LAST, Anchors, Checkpoint, write

FOLDER = Path(__file__).parents[1] / "models"
CLASSES = ("kick", "snare", "hihat")
LEVEL = 0.5


def tiny() -> Checkpoint:
    """Return an untrained model: 4-D, 4,096 samples at 22,050 Hz, three classes, 70 named points."""
    config = Config.from_dict({"model": {"length": 4096, "latent_dim": 4, "layers": 6, "channels": 8}})
    torch.manual_seed(0)
    labels = tuple(i % len(CLASSES) for i in range(70))
    centres = torch.randn(len(CLASSES), config.model.latent_dim)
    return Checkpoint(
        config=config,
        model=build(config.model, len(CLASSES)).state_dict(),
        classes=CLASSES,
        anchors=Anchors(
            names=tuple(f"{CLASSES[label]}/{i}.wav" for i, label in enumerate(labels)),
            labels=labels,
            mean=centres[list(labels)] + 0.3 * torch.randn(len(labels), config.model.latent_dim),
        ),
        licence="CC0-1.0",
        credits=("nobody",),
    )


def level() -> Checkpoint:
    """Return `tiny` with a quieter last layer and 0.5 added to its output: its sounds are nearly constant."""
    checkpoint = tiny()
    state = dict(checkpoint.model)
    state["decoder.out.weight"] = 0.03 * state["decoder.out.weight"]
    state["decoder.out.bias"] = 0.0 * state["decoder.out.bias"] + LEVEL
    return replace(checkpoint, model=state)


def other() -> Checkpoint:
    """Return a model whose rate, length and latent size differ from `tiny`: 44,100 Hz, 2,048 samples, 3-D."""
    size = {"sample_rate": 44_100, "length": 2048, "latent_dim": 3, "layers": 2, "channels": 4}
    config = Config.from_dict({"model": size})
    torch.manual_seed(1)
    return Checkpoint(
        config=config,
        model=build(config.model, 2).state_dict(),
        classes=("low", "high"),
        anchors=Anchors(("low/1.wav", "high/1.wav"), (0, 1), torch.randn(2, 3)),
        licence="CC0-1.0",
        credits=("nobody",),
    )


CHECKPOINTS = {"tiny": tiny, "level": level, "other": other}


def exported(name: str, folder: Path) -> Path:
    """Export one of the models and its encoder into a folder; return the path of the decoder."""
    with TemporaryDirectory() as run:
        write(Path(run) / LAST, CHECKPOINTS[name]())
        export(run, folder / f"{name}.onnx", force=True)
    return folder / f"{name}.onnx"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in CHECKPOINTS:
        exported(name, FOLDER)
