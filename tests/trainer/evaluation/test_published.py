"""Tests for the comparison of a different model's published sounds with the sounds of a training run.

The deviation (equation 2 of the paper) and the SNR of the published sounds are known here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from trainer.__main__ import main
from trainer.config import Config
from trainer.data import mfcc_dtw
from trainer.errors import DataError
from trainer.evaluation import published, subject

RATE = 8000
MakeSound = Callable[..., NDArray[np.float64]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make_sound: MakeSound, config: Config) -> Path:
    """A folder with sounds/ and run/, a training run on these sounds.

    The classes 6 and 7 have 6 takes each, of which 3 are test sounds.
    """
    place = tmp_path_factory.mktemp("published")
    for label, frequency_hz in (("6", 110.0), ("7", 900.0)):
        (place / "sounds" / label).mkdir(parents=True)
        for take in range(6):
            path = place / "sounds" / label / f"take-{take}.wav"
            soundfile.write(path, make_sound(frequency_hz * (1 + 0.02 * take), seed=take), RATE, "FLOAT")
    config = config.replace("data", test_fraction=0.5, validation_fraction=0.0)
    (place / "tiny.toml").write_text(config.to_toml())
    words = ["fit", "--data", place / "sounds", "--config", place / "tiny.toml", "--out", place / "run"]
    assert main([str(word) for word in (*words, "--epochs", 1)]) == 0
    return place


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> Path:
    """A folder of published sounds: two in means/, two in reconstructions/.

    The published mean of class 6 is one of its test takes; that of class 7 is the mean of its test takes. The
    reconstructions are test takes of class 6 with noise at -20 dB.
    """
    evaluated = subject.load(place / "run")
    for name in (published.MEANS, published.RECONSTRUCTIONS):
        (tmp_path / name).mkdir()
    takes = evaluated.waveforms[:, 0].numpy()
    sounds = {"means/mean six": takes[0], "means/digit_7": takes[3:].mean(0)}
    for i in range(2):
        noise = np.random.default_rng(i).standard_normal(len(takes[i]))
        noise *= 0.1 * np.linalg.norm(takes[i]) / np.linalg.norm(noise)
        sounds[f"reconstructions/{i}"] = 0.3 * (takes[i] + noise)
    for name, sound in sounds.items():
        soundfile.write(tmp_path / f"{name}.wav", sound, RATE, "FLOAT")
    return tmp_path


def test_means_and_reconstructions_are_measured_like_those_of_a_run(place: Path, folder: Path) -> None:
    evaluated = subject.load(place / "run")
    found = published.measure(folder, evaluated)
    settings = mfcc_dtw.Settings.at(RATE)
    takes = [mfcc_dtw.features(sound[0].numpy(), settings) for sound in evaluated.waveforms]
    by_hand = mfcc_dtw.deviation(takes[0], takes[:3], mfcc_dtw.pairwise(takes[:3]))
    assert found.deviations[0].mean == pytest.approx(by_hand.mean, rel=1e-3)
    assert found.deviations[1].mean is not None
    assert found.snr_db.tolist() == pytest.approx(
        [20.0, 20.0], abs=1.5
    )  # peaks of the noise change the scale


def test_published_sounds_are_printed_as_a_row(
    place: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(place / "run"), "--published", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Published sounds beside this run"))
    assert lines[at + 1].split() == ["6", "7", "average", "SNR,", "dB,", "median"]
    assert [line.split("  ")[0] for line in lines[at + 2 : at + 4]] == ["this run, DC-VAE", str(folder)]


@pytest.mark.parametrize(
    ("name", "label"),
    [("6", 0), ("mean-Six", 0), ("digit_7_mean", 1), ("67", None), ("six to seven", None), ("mean", None)],
)
def test_name_of_a_published_mean_contains_exactly_one_class(name: str, label: int | None) -> None:
    assert published.class_of(name, ("6", "7")) == label


def test_errors_name_the_file_that_cannot_be_used(place: Path, folder: Path, tmp_path: Path) -> None:
    evaluated = subject.load(place / "run")
    (folder / "means" / "eight.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"eight\.wav: no class, or several, in its name"):
        published.measure(folder, evaluated)
    (folder / "means" / "eight.wav").rename(folder / "means" / "6.wav")
    with pytest.raises(DataError, match=r"means/6\.wav: cannot be read"):
        published.measure(folder, evaluated)
    (folder / "means" / "6.wav").unlink()
    (folder / "means" / "digit_7.wav").rename(folder / "means" / "6.wav")
    with pytest.raises(DataError, match=r"mean six\.wav: a second mean of its class"):
        published.measure(folder, evaluated)
    with pytest.raises(DataError, match="no sub-folder means or reconstructions"):
        published.measure(folder / "means", evaluated)
