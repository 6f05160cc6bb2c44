"""The medoid of a class is the sound with the smallest mean distance from the other sounds of the class."""

from __future__ import annotations

from pathlib import Path

import soundfile
import torch

from trainer.config import DataConfig, ModelConfig
from trainer.data.medoids import medoids
from trainer.data.sounds import prepare


def test_medoid_is_the_sound_between_the_other_sounds_of_its_class(tmp_path: Path) -> None:
    time = torch.arange(2048) / 8000
    for name, pitches in {"low": (200, 230, 400), "high": (900, 2200, 1000)}.items():
        for pitch in pitches:
            (tmp_path / name).mkdir(exist_ok=True)
            sound = torch.sin(2 * torch.pi * pitch * time) * torch.exp(-8 * time)
            soundfile.write(tmp_path / name / f"{pitch}.wav", sound.numpy(), 8000)
    sounds = prepare(tmp_path, ModelConfig(sample_rate=8000, length=2048), DataConfig())
    found = medoids(sounds, torch.arange(6), 8000)
    assert [sounds.names[i] for i in found.tolist()] == ["high/1000", "low/230"]
    few = medoids(sounds, torch.tensor([0]), 8000)
    assert few.tolist() == [0, -1]
