"""Sounds are analysed into components in the background; a file keeps the components of each sound."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from trainer.components.analysis import Components, Row, analyse, analyse_one
from trainer.components.kept import Analysis
from trainer.config import ModelConfig

CONFIG = ModelConfig(
    architecture="modal",
    sample_rate=8000,
    length=2048,
    latent_dim=3,
    hop_length=64,
    bands=8,
    modes=12,
    knots=8,
)


@pytest.fixture
def sounds() -> torch.Tensor:
    """Five sounds of decaying noise: [5, 1, 2048]."""
    noise = torch.randn(5, 1, CONFIG.length, generator=torch.Generator().manual_seed(0))
    return noise * torch.exp(-torch.arange(CONFIG.length) / 400)


def finished(sounds: torch.Tensor, path: Path) -> Components:
    with Analysis(sounds, CONFIG, path) as analysis:
        while not analysis.complete:
            analysis.known(1.0)
        assert analysis.components is not None
        return analysis.components


def test_components_equal_those_of_an_analysis_of_all_sounds_at_once(
    sounds: torch.Tensor, tmp_path: Path
) -> None:
    found, wanted = finished(sounds, tmp_path / "kept"), analyse(sounds, CONFIG)[0]
    for name, value in vars(wanted).items():
        assert torch.equal(getattr(found, name), value), name


def test_each_sound_is_analysed_once(
    sounds: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = finished(sounds[:3], tmp_path / "kept")
    new: list[torch.Tensor] = []

    def counted(sound: torch.Tensor, config: ModelConfig) -> Row:
        new.append(sound)
        return analyse_one(sound, config)

    monkeypatch.setattr("trainer.components.kept.analyse_one", counted)
    found = finished(sounds.flip(0), tmp_path / "kept")
    assert {sound.sum().item() for sound in new} == {sound.sum().item() for sound in sounds[3:]}
    for name, value in vars(wanted).items():
        assert torch.equal(getattr(found, name).flip(0)[:3], value), name


def test_interrupted_analysis_keeps_the_sounds_already_analysed(sounds: torch.Tensor, tmp_path: Path) -> None:
    with Analysis(sounds, CONFIG, tmp_path / "kept") as interrupted:
        while not interrupted.known(1.0):
            pass
    with Analysis(sounds, CONFIG, tmp_path / "kept") as again:
        assert again.known()


def test_progress_is_reported_after_each_sound(sounds: torch.Tensor, tmp_path: Path) -> None:
    """Progress is reported even while nobody calls `known`, for example during an export."""
    finished(sounds[:2], tmp_path / "kept")
    told, complete = list[tuple[int, int]](), threading.Event()

    def report(done: int, total: int) -> None:
        told.append((done, total))
        if done == total:
            complete.set()

    with Analysis(sounds, CONFIG, tmp_path / "kept", report):
        assert complete.wait(60)
    assert told == [(2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_damaged_file_of_components_counts_as_empty(sounds: torch.Tensor, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"damaged")
    assert torch.isfinite(finished(sounds[:1], tmp_path / "kept").log_f1).all()
