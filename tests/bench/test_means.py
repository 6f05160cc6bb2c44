"""Tests for `bench.means`, which compares the mean waveform of several takes of a digit with other takes.

The deviation is equation 2 of the paper; it is lower for a more typical sound.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import soundfile
import torch

from bench import means
from trainer import config as configs
from trainer.data import splits
from trainer.data.sounds import Sounds, prepare

RATE = 8000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixteen takes of each of two digits: decaying tones of 200 and 2,000 Hz at random phases."""
    time, source = torch.arange(1600) / RATE, torch.Generator().manual_seed(0)
    for label, frequency_hz in ((3, 200.0), (8, 2000.0)):
        for take in range(16):
            phase = 2 * math.pi * torch.rand(1, generator=source)
            noise = 0.02 * torch.randn(1600, generator=source)
            sound = torch.exp(-10 * time) * (torch.sin(2 * math.pi * frequency_hz * time + phase) + noise)
            soundfile.write(tmp_path / f"{label}_jackson_{take}.wav", 0.5 * sound.numpy(), RATE, "FLOAT")
    return tmp_path


@pytest.fixture
def prepared(folder: Path) -> tuple[Sounds, splits.Parts]:
    config = configs.read("digits").replace("data", test_fraction=0.5)
    sounds = prepare(folder, config.model, config.data)
    return sounds, splits.parts(sounds, config.data, 0)


def test_mean_is_over_the_requested_number_of_takes(prepared: tuple[Sounds, splits.Parts]) -> None:
    takes = prepared[0].waveforms[:8, 0]
    single = means.means_of(takes, 1, "a")
    assert len(single) == means.DRAWS
    assert all(any(torch.equal(one, take) for take in takes) for one in single)
    assert torch.equal(means.means_of(takes, 1, "a"), single)
    for count in (0, 8, 9):
        torch.testing.assert_close(means.means_of(takes, count, "a"), takes.mean(0, keepdim=True))


def test_scaling_a_mean_to_peak_1_changes_its_deviation_only_where_takes_cancel_out(
    prepared: tuple[Sounds, splits.Parts],
) -> None:
    sounds, parts = prepared
    takes = means.Takes(sounds, parts.test, RATE)
    own, other = (means.rows(sounds, parts.train, takes, ahead) for ahead in (0, 1))
    assert len(own) == len(means.COUNTS)
    single, whole = own[0], own[-1]
    assert single[0] == pytest.approx(single[1])  # a take has a peak of 1
    assert whole[1] < whole[0]  # tones at random phases cancel
    assert min(other[0][1], other[-1][1]) > max(single[1], whole[1])
    assert means.noise(sounds, takes) > single[1]


def test_louder_noise_makes_a_take_less_typical(prepared: tuple[Sounds, splits.Parts]) -> None:
    sounds, parts = prepared
    takes = means.Takes(sounds, parts.test, RATE)
    found = means.noisy(sounds, parts.train, takes)
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 1.0


def test_output_has_a_row_for_each_alignment_and_a_line_for_each_level_of_noise(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert means.main(["--data", str(folder), "--align-ms", "0", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:8]] == ["| 0"] * 4 + ["| 5"] * 2
    assert len(lines) == 8 + len(means.RATIOS_DB) + 1
    assert lines[8].startswith("a take with white noise, 10 dB below it: +")
    assert lines[-1].startswith("white noise: +")
    assert means.main(["--data", str(folder), "--include", "*_[0-4].wav"]) == 2
    assert capsys.readouterr().err == "bench.means: each class needs 3 test takes or more\n"
