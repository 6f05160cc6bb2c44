"""To align the training sounds of a class, each recording is cut, and inverted if necessary.

The recordings of the class "noise" contain the same noise, at known lags and with known signs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from trainer.__main__ import main
from trainer.config import Config
from trainer.data import alignment, splits
from trainer.data.sounds import Sounds, prepare

RATE, LENGTH, MARGIN = 8000, 1024, 80
CUTS = [(40, 1), (0, 1), (80, 1), (33, -1), (7, 1), (61, 1)]
"""For each take of "noise": the cut that aligns it with the other takes, and its sign."""


def take(lag: int, sign: int, length: int = LENGTH + MARGIN) -> np.ndarray:
    """Return a recording in which the common decaying noise begins at sample `lag`, after different noise."""
    common = np.random.default_rng(0).standard_normal(length) * np.exp(-np.arange(length) / 300)
    before = np.random.default_rng(lag).standard_normal(lag)
    return sign * np.concatenate((0.1 * before, common))[:length]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the takes in noise/, and two low tones in tone/, the second 20 samples later."""
    for label in ("noise", "tone"):
        (tmp_path / "sounds" / label).mkdir(parents=True)
    for i, cut in enumerate(CUTS):
        soundfile.write(tmp_path / "sounds" / "noise" / f"{i}.wav", 0.2 * take(*cut), RATE, "FLOAT")
    time = np.arange(LENGTH + MARGIN) / RATE
    for i in range(2):
        tone = np.sin(2 * np.pi * 30 * (time + i * 0.0025)) * np.exp(-time * 20)
        soundfile.write(tmp_path / "sounds" / "tone" / f"{i}.wav", 0.5 * tone, RATE, "FLOAT")
    return tmp_path / "sounds"


def settings(align_ms: float = 1000 * MARGIN / RATE, **data: float) -> Config:
    return Config.from_dict(
        {
            "model": {"sample_rate": RATE, "length": LENGTH},
            "data": {"align_ms": align_ms, "validation_fraction": 0.0, "test_fraction": 0.0, **data},
        }
    )


def aligned(folder: Path, config: Config) -> tuple[Sounds, Sounds, splits.Parts]:
    sounds = prepare(folder, config.model, config.data)
    parts = splits.parts(sounds, config.data, 0)
    return sounds, alignment.aligned(sounds, parts.train, LENGTH), parts


def test_windows_of_a_class_are_cut_so_that_their_sounds_coincide() -> None:
    recordings = np.stack([take(*cut) for cut in CUTS])
    lags, signs = alignment.best_windows(recordings, LENGTH)
    assert [lag - lags[1] for lag in lags] == [lag for lag, _ in CUTS]
    assert signs == [sign for _, sign in CUTS]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_recordings_are_left_unchanged(count: int) -> None:
    lags, signs = alignment.best_windows(np.ones((count, LENGTH + MARGIN)), LENGTH)
    assert len(lags) == count
    assert signs == [1] * count


def test_aligned_sounds_are_windows_of_their_recordings_with_a_peak_of_1(folder: Path) -> None:
    sounds, found, parts = aligned(folder, settings())
    assert sounds.recordings is not None
    assert found.recordings is None
    for index in parts.train.tolist():
        cut = found.cuts[index]
        assert cut is not None
        lag, sign = cut
        window = sign * sounds.recordings[index, 0, lag : lag + LENGTH]
        torch.testing.assert_close(found.waveforms[index, 0], window / window.abs().max())
    assert (
        alignment.coherence(found, parts.train) > 0.97
    )  # the takes now contain the same sound, except for cut ends
    assert alignment.coherence(sounds, parts.train) < 0.7


def test_test_sounds_are_not_aligned(folder: Path) -> None:
    _, found, parts = aligned(folder, settings(test_fraction=0.34))
    plain, _, _ = aligned(folder, settings(0.0))
    assert len(parts.test) == 3
    assert torch.equal(found.waveforms[parts.test], plain.waveforms[parts.test])
    assert [found.cuts[i] for i in parts.test.tolist()] == [None] * 3
    assert not torch.equal(found.waveforms[parts.train], plain.waveforms[parts.train])
    lines = alignment.as_csv(found).splitlines()
    assert lines[0] == "name,cut_samples,sign"
    assert [line.split(",")[0] for line in lines[1:]] == [found.names[i] for i in parts.train.tolist()]


def test_without_a_margin_nothing_changes(folder: Path) -> None:
    sounds, found, _ = aligned(folder, settings(0.0))
    assert found is sounds
    assert found.cuts == ()


def test_prepare_reports_the_number_of_inverted_sounds(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.toml").write_text(settings().to_toml())
    assert main(["prepare", "--data", str(folder), "--config", str(tmp_path / "run.toml")]) == 0
    assert "1 inverted" in capsys.readouterr().out.splitlines()[-1]
