"""Tests for the classes of sounds in a folder without sub-folders: they follow from file names and decay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from trainer.config import DataConfig, ModelConfig
from trainer.data import by_name
from trainer.data.findings import summary
from trainer.data.sounds import prepare

RATE = 8000
MODEL = ModelConfig(sample_rate=RATE, length=RATE)


@pytest.mark.parametrize(
    ("stem", "kind"),
    [
        ("Kick_01", "kick"),
        ("BD 808 Long", "kick"),
        ("hardkick3", "kick"),
        ("SnareRim-2", "rim"),
        ("sd12", "snare"),
        ("OpenHat01", "open hat"),
        ("HHO_4", "open hat"),
        ("hihat-open", "open hat"),
        ("Hi Hat Closed", "closed hat"),
        ("CH03", "closed hat"),
        ("openhat", "open hat"),
        ("closedhat_2", "closed hat"),
        ("hatopen", "open hat"),
        ("HATCLOSED", "closed hat"),
        ("openhihat1", "open hat"),
        ("closedhihat", "closed hat"),
        ("hhopen", "open hat"),
        ("ohh", "open hat"),
        ("chh 2", "closed hat"),
        ("clsd hat", "closed hat"),
        ("HH 7", "hat"),
        ("hihat1", "hat"),
        ("ride_bell", "cymbal"),
        ("Floor Tom", "tom"),
        ("LT", "tom"),
        ("Hand Clap", "clap"),
        ("Bongo hi", "perc"),
        ("Vox 3", ""),
        ("what", ""),
        ("openchat", ""),
        ("open", ""),
        ("pride", ""),
    ],
)
def test_kind_of_drum_follows_from_the_name_of_the_file(stem: str, kind: str) -> None:
    assert by_name.kind(stem) == kind


def test_names_without_a_known_kind_are_grouped_by_their_first_words() -> None:
    stems = ["Vox 01", "vox_02", "Bass C 1", "Bass C 2", "kick", "lonely"]
    assert by_name.classes(stems, "My Kit") == ["vox", "vox", "bass c", "bass c", "kick", "My Kit"]


def _hit(path: Path, seconds: float, fall_db_s: float) -> None:
    """Write `seconds` of noise whose level falls by `fall_db_s` dB each second."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).choice([-0.5, 0.5], len(time))
    soundfile.write(path, noise * 10 ** (-fall_db_s * time / 20), RATE)


def test_hats_of_a_flat_folder_are_told_apart_by_their_decay(tmp_path: Path) -> None:
    for name, fall_s in (("HH 1", 0.1), ("HH 2", 0.5), ("HH closed", 0.45)):
        _hit(tmp_path / f"{name}.wav", 0.9, by_name.FALL_DB / fall_s)
    sounds = prepare(tmp_path, MODEL, DataConfig(labels="names"))
    found = {name: sounds.classes[label] for name, label in zip(sounds.names, sounds.labels, strict=True)}
    assert found == {"HH 1": "closed hat", "HH 2": "open hat", "HH closed": "closed hat"}
    assert set(prepare(tmp_path, MODEL, DataConfig()).classes) == {tmp_path.name}


def test_sub_folders_name_the_classes_even_if_the_names_of_their_files_differ(tmp_path: Path) -> None:
    (tmp_path / "Hats").mkdir()
    _hit(tmp_path / "Hats" / "Kick.wav", 0.2, 100.0)
    assert prepare(tmp_path, MODEL, DataConfig(labels="names")).classes == ("Hats",)


def test_sound_longer_than_the_model_is_cut_and_reported(tmp_path: Path) -> None:
    _hit(tmp_path / "long.wav", 2.0, 10.0)  # falls by 20 dB until its end
    _hit(tmp_path / "faint.wav", 2.0, 60.0)  # falls by 50 dB within 0.83 s, before the model's sounds end
    sounds = prepare(tmp_path, MODEL, DataConfig())
    (adapted,) = sounds.adapted
    assert (adapted.name, adapted.remedy) == ("long.wav", "its first 1.00 s are used")
    assert adapted.fault == "longer than 1.00 s (2.00 s)"
    assert "1 was adapted" in summary(sounds)
