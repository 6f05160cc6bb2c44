"""Listeners (classifiers trained on real sounds) classify the sounds of a bundled model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench import recognised
from bench.sounds import listener
from bench.sounds.shots import Shot

RATE, LENGTH = 44_100, 8192


def _sound(label: str, seed: int) -> np.ndarray:
    """Return a low tone if `label` is kick, otherwise a burst of noise."""
    draw, time = np.random.default_rng(seed), np.arange(LENGTH) / RATE
    body = np.sin(2 * np.pi * (60 + 3 * seed) * time) if label == "kick" else draw.standard_normal(LENGTH) / 3
    return (body * np.exp(-20 * time)).astype(np.float32)


def _shots(first: int, count: int) -> list[Shot]:
    empty = np.zeros(0, np.float32)
    return [
        Shot(f"{label}/{seed}", label, "", "", 0.0, _sound(label, seed), empty)
        for label in ("kick", "snare")
        for seed in range(first, first + count)
    ]


def test_listeners_classify_real_sounds_that_they_were_not_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener, "STEPS", 40)
    ensemble = recognised.train_listeners(_shots(0, 8), RATE, count=2)
    assert ensemble.classes == ("kick", "snare")
    unheard = _shots(20, 6)
    assert ensemble.classify([shot.sound for shot in unheard]) == [shot.label for shot in unheard]


def test_command_classifies_real_sounds_decoded_sounds_and_class_centres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(listener, "STEPS", 2)
    for shot in _shots(0, 2):
        path = tmp_path / "sounds" / f"{shot.name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, shot.sound, RATE)
    folder = str(tmp_path / "sounds")
    assert recognised.main(["drums", folder, "--taught", folder, "--listeners", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sounds"] == 4
    assert set(found["classes"]) == {"kick", "snare"}
    assert set(found["centres recognised as"]) == {
        "clap",
        "closed-hat",
        "cymbal",
        "kick",
        "open-hat",
        "perc",
        "rim",
        "snare",
        "tom",
    }
    heard = [
        name == answer for name, answer in found["centres recognised as"].items() if name in ("kick", "snare")
    ]
    assert found["centres"] == np.mean(heard)  # classes without training sounds are left out
    difference = found["right only when ours"] - found["right only when real"]
    assert 4 * (found["ours"] - found["real"]) == pytest.approx(difference)


def test_error_names_the_classes_without_training_sounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("asked/kick/a.wav", "asked/rim/b.wav", "taught/kick/c.wav", "taught/snare/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, _sound("kick", len(name)), RATE)
    assert recognised.main(["drums", str(tmp_path / "asked"), "--taught", str(tmp_path / "taught")]) == 2
    assert f"lacks classes of {tmp_path / 'asked'}: rim\n" in capsys.readouterr().err
