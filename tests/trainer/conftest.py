"""Fixtures for tests of training: synthetic sounds, and a model small enough to train in a test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from trainer.config import Config
from trainer.data.sounds import Sounds

RATE = 8000

MakeSound = Callable[..., NDArray[np.float64]]


def _sound(frequency_hz: float, samples: int = 900, seed: int = 0) -> NDArray[np.float64]:
    """Return a decaying sine with a little noise: [samples] at 8 kHz, with a peak below 0.7."""
    time = np.arange(samples) / RATE
    noise = np.random.default_rng(seed).standard_normal(samples)
    return 0.5 * np.exp(-30 * time) * (np.sin(2 * np.pi * frequency_hz * time) + 0.05 * noise)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need the folder $SOUNDMORPH_FSDD or a GPU if these are missing."""
    missing = {"fsdd": not os.environ.get("SOUNDMORPH_FSDD"), "gpu": not torch.cuda.is_available()}
    names = [name for name, gone in missing.items() if gone]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in names)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def make_sound() -> MakeSound:
    return _sound


def _made(members: list[tuple[int, str, str]]) -> Sounds:
    """Return a sound for each (label, source, group); the waveforms are constant: 1, 2, 3, …"""
    labels = torch.tensor([label for label, _, _ in members])
    return Sounds(
        names=tuple(str(i) for i in range(len(members))),
        classes=tuple(str(i) for i in range(int(labels.max()) + 1)),
        labels=labels,
        sources=tuple(source for _, source, _ in members),
        groups=tuple(group for _, _, group in members),
        waveforms=torch.arange(1.0, len(members) + 1)[:, None, None].expand(-1, 1, 8).contiguous(),
        skipped=(),
        licence="",
        credits=(),
    )


@pytest.fixture(scope="session")
def made() -> Callable[[list[tuple[int, str, str]]], Sounds]:
    return _made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the sub-folders low and high, each of which contains six sounds."""
    for label, frequency_hz in (("low", 110.0), ("high", 900.0)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for take in range(6):
            path = tmp_path / "sounds" / label / f"take-{take}.wav"
            soundfile.write(path, _sound(frequency_hz * (1 + 0.02 * take), seed=take), RATE)
    return tmp_path / "sounds"


@pytest.fixture(scope="session")
def config() -> Config:
    """The configuration of a small model: 4 layers, 8 channels, 1,024 samples, 3 dimensions.

    Loss and updates are those of the paper. `folder` is split into 10 training and 2 validation sounds.
    """
    return Config.from_dict(
        {
            "model": {
                "sample_rate": RATE,
                "length": 1024,
                "latent_dim": 3,
                "layers": 4,
                "channels": 8,
                "classifier_hidden": [0],
            },
            "data": {"test_fraction": 0.0, "validation_fraction": 0.2},
            "fit": {"epochs": 2, "batch_size": 4, "threads": 1, "device": "cpu"},
        }
    )
