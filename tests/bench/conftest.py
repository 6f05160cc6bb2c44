"""Synthetic sounds and run folders for the tests of the benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import torch

from trainer.config import Config
from trainer.run import checkpoint, fit

RATE, LENGTH = 8000, 1024


def _tones(pitches: torch.Tensor) -> torch.Tensor:
    time = torch.arange(LENGTH) / RATE
    return (torch.sin(2 * torch.pi * pitches[:, None] * time) * torch.exp(-20 * time))[:, None]


@pytest.fixture
def tones() -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that makes decaying tones [N, 1, 1024] at 8,000 Hz from N pitches in Hz."""
    return _tones


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a run folder with an untrained model, and returns the path of the folder.

    The folder of sounds contains decaying tones from two "speakers", a and b; the run uses the sounds from a.
    """

    def make(name: str = "run", takes: int = 4, validation_fraction: float = 0.0, seed: int = 0) -> Path:
        data, out = tmp_path / "sounds", tmp_path / name
        data.mkdir(exist_ok=True)
        out.mkdir()
        for speaker in ("a", "b"):
            for label, pitch in (("low", 200.0), ("high", 1500.0)):
                for take in range(takes):
                    sound = _tones(torch.tensor([pitch + 9 * take + len(speaker)]))[0, 0]
                    sound[0] = 0.01 * ord(speaker)
                    soundfile.write(data / f"{label}_{speaker}_{take}.wav", sound.numpy() / 2, RATE)
        config = Config.from_dict(
            {
                "model": {
                    "architecture": "mb",
                    "sample_rate": RATE,
                    "length": LENGTH,
                    "latent_dim": 2,
                    "layers": 2,
                    "channels": 4,
                    "hidden": 4,
                    "values": 2,
                },
                "data": {
                    "include": "*_a_*",
                    "label_pattern": "{label}_{speaker}_{index}",
                    "test_fraction": 0.25,
                    "validation_fraction": validation_fraction,
                },
                "loss": {"centre": 1.0, "centre_dtw": 0.01},
                "optim": {"update": "joint"},
                "fit": {"epochs": 1, "batch_size": 4, "seed": seed},
            }
        )
        checkpoint.write(out / checkpoint.LAST, fit.snapshot(fit.start(config, data)))
        return out

    return make
