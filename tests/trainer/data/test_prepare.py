"""Tests for `trainer prepare` with a folder that contains many kinds of faulty files."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from trainer.__main__ import main
from trainer.config import Config, DataConfig, ModelConfig
from trainer.data.audio import faults, prepare_signal
from trainer.data.findings import brief, show
from trainer.data.sounds import Sounds, prepare

RATE = 8000
FILES = 500
Make = Callable[[int], NDArray[np.float64]]


def drum(seed: int) -> NDArray[np.float64]:
    """Return 240 samples of decaying noise, with a peak of 0.5."""
    noise = np.random.default_rng(seed).standard_normal(240) * np.exp(-np.arange(240) / 60)
    noise -= noise.mean()
    found: NDArray[np.float64] = 0.5 * noise / np.abs(noise).max()
    return found


def _nan(seed: int) -> NDArray[np.float64]:
    sound = drum(seed)
    sound[seed % len(sound)] = np.nan
    return sound


BAD: dict[str, Make] = {
    "silent": lambda seed: np.zeros(240 + seed),
    "constant": lambda seed: np.full(240 + seed, 0.3),
    "short": lambda seed: drum(seed)[:12],
    "none": lambda seed: np.zeros(0),
    "nan": _nan,
    "stereo": lambda seed: np.stack([drum(seed), 0.5 * drum(seed)], axis=1),
    "opposed": lambda seed: np.stack([drum(seed), -drum(seed)], axis=1),
    "clipped": lambda seed: np.clip(2 * np.sin(np.pi * np.arange(240) / 20 + seed), -1, 1),
    "offset": lambda seed: drum(seed) + 0.25,
}
EACH = 4
"""Number of files of each kind: the kinds in `BAD`, three kinds that are not sounds, and duplicates."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 files in two classes: 13 kinds of faulty files, four of each, and 448 drums."""
    root = tmp_path_factory.mktemp("five-hundred")
    for label in ("kick", "snare"):
        (root / label).mkdir()
    seed = 0
    for kind, make in BAD.items():
        for _ in range(EACH):
            seed += 1
            soundfile.write(root / "kick" / f"{kind}-{seed}.wav", make(seed), RATE, subtype="FLOAT")
    for i in range(EACH):
        (root / "kick" / f"text-{i}.wav").write_text(f"not audio {i}\n")
        (root / "kick" / f"empty-{i}.flac").touch()
        (root / "kick" / f"cut-{i}.flac").write_bytes(b"fLaC\0\0\0\x22" + bytes([i]))
    for seed in range(1000, 1000 + FILES - EACH * (len(BAD) + 4)):
        label = ("kick", "snare")[seed % 2]
        soundfile.write(root / label / f"hit-{seed}.wav", drum(seed), RATE, subtype="FLOAT")
    for i in range(EACH):
        shutil.copy(root / "kick" / f"hit-{1000 + 2 * i}.wav", root / "kick" / f"twin-{i}.wav")
    assert sum(path.is_file() for path in root.rglob("*")) == FILES
    return root


def kind(name: str) -> str:
    return Path(name).stem.rpartition("-")[0]


@pytest.fixture(scope="module")
def sounds(folder: Path) -> Sounds:
    return prepare(folder, ModelConfig(sample_rate=RATE, length=256), DataConfig())


def test_500_files_with_13_kinds_of_fault_are_reported(sounds: Sounds) -> None:
    skipped = Counter((kind(item.name), item.reason.partition(":")[0]) for item in sounds.skipped)
    assert skipped == {
        ("silent", "silent"): EACH,
        ("constant", "silent"): EACH,
        ("short", "too short"): EACH,
        ("none", "empty"): EACH,
        ("nan", "has samples that are not finite numbers"): EACH,
        ("text", "cannot be read"): EACH,
        ("empty", "cannot be read"): EACH,
        ("cut", "cannot be read"): EACH,
        **{("twin", f"the same sound as kick/hit-{1000 + 2 * i}.wav"): 1 for i in range(EACH)},
    }
    adapted = Counter(
        (kind(item.name), item.fault.partition(" (")[0], item.remedy) for item in sounds.adapted
    )
    assert adapted == {
        ("stereo", "stereo", "mixed to mono"): EACH,
        ("opposed", "stereo", "channels cancel out: only the first is used"): EACH,
        ("clipped", "clipped", "kept unchanged"): EACH,
        ("offset", "DC offset +0.25", "removed"): EACH,
    }
    assert len(sounds.names) == FILES - sum(skipped.values()) == 464
    assert sounds.waveforms.abs().amax((1, 2)).tolist() == [1.0] * 464


def test_adapted_files_with_the_same_fault_share_a_line_with_their_number(sounds: Sounds) -> None:
    found = brief(sounds)
    assert len(found) == len(sounds.skipped) + 4
    assert ("kick/stereo-21.wav and 3 more", "stereo", "mixed to mono") in found


def test_prepare_reports_files_classes_and_parts(
    folder: Path, config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = tmp_path / "tiny.toml"
    toml.write_text(config.to_toml())
    shutil.copytree(folder, tmp_path / "sounds")
    (tmp_path / "sounds" / "bell").mkdir()
    soundfile.write(tmp_path / "sounds" / "bell" / "one.wav", drum(7000), RATE)
    soundfile.write(tmp_path / "sounds" / "stray.wav", drum(7001), RATE)
    assert main(["prepare", "--data", str(tmp_path / "sounds"), "--config", str(toml)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == "left out: kick/constant-5.wav: silent"
    assert "left out: stray.wav: it is beside the class folders, not in one of them" in lines
    assert "kick/offset-33.wav: DC offset +0.25: removed" in lines
    assert lines[-3] == (
        "465 sounds can be used, 37 files are left out, 16 were adapted | "
        "classes: bell 1, kick 240, snare 224"
    )
    assert lines[-2] == "372 sounds to train on, 93 for validation, 0 for the test"
    assert lines[-1] == "a class of one sound cannot be held out: bell"


def test_default_recipe_takes_the_classes_from_the_names_in_a_folder_without_sub_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for seed, name in enumerate(("kick", "BD 2", "snare", "odd")):
        soundfile.write(flat / f"{name}.wav", drum(seed), RATE)
    assert main(["prepare", "--data", str(flat)]) == 0
    assert "| classes: flat 1, kick 2, snare 1\n" in capsys.readouterr().out


def test_missing_folder_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "--data", str(tmp_path / "no")]) == 2
    assert capsys.readouterr().err == f"trainer prepare: error: {tmp_path}/no: no such folder\n"


def test_only_the_first_of_channels_that_cancel_out_is_used() -> None:
    first = drum(1)
    signal = np.stack([first, -first], axis=1).astype(np.float32)
    found = prepare_signal(signal, RATE, ModelConfig(sample_rate=RATE, length=256), DataConfig())
    np.testing.assert_allclose(found[:240], 2 * first, atol=1e-6)


@pytest.mark.parametrize(
    ("signal", "found"),
    [
        ([0.0, 1.0, 1.0, 1.0, -1.0, -1.0, 0.5, -2.0 / 3], [("clipped (3 samples)", "kept unchanged")]),
        ([0.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 0.0], []),
        ([0.0, 0.9, 0.9, 0.9, -0.9, -0.9, -0.9, 0.0], []),
    ],
)
def test_three_equal_samples_at_full_scale_in_a_row_count_as_clipped(
    signal: list[float], found: list[tuple[str, str]]
) -> None:
    column = np.array(signal, np.float32)[:, None]
    assert [fault for fault in faults(column) if fault[0].startswith("clipped")] == found


def test_report_escapes_line_breaks_in_names(capsys: pytest.CaptureFixture[str]) -> None:
    show([("low/new\nline é.wav", "silent", "left out")], sys.stdout)
    assert capsys.readouterr().out == "left out: low/new\\nline é.wav: silent\n"
