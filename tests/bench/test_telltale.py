"""A random forest distinguishes real sounds from a model's sounds, and names the features that it uses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench import telltale

RATE, LENGTH = 44_100, 16_384


def _sound(seed: int, attack_s: float) -> np.ndarray:
    """Return a burst of noise with a linear attack of `attack_s` seconds."""
    draw, time = np.random.default_rng(seed), np.arange(LENGTH) / RATE
    noise = draw.standard_normal(LENGTH) * np.exp(-time / draw.uniform(0.05, 0.1))
    return (noise * np.minimum(1.0, (time + 1e-4) / attack_s)).astype(np.float32)


def _features(first: int, attack_s: float) -> list[dict[str, float]]:
    return [telltale.features(_sound(seed, attack_s), RATE) for seed in range(first, first + 20)]


def test_sounds_of_one_kind_are_classified_no_better_than_by_chance() -> None:
    share, _ = telltale.classify(_features(0, 0.001), _features(100, 0.001))
    assert 0.25 < share < 0.75


def test_a_slow_attack_is_recognised_by_features_of_the_attack() -> None:
    share, importances = telltale.classify(_features(0, 0.001), _features(100, 0.01))
    assert share > 0.9
    assert importances[0].name.split(": ")[1] in ("rise", "after 5 ms", "after 20 ms", "before")
    assert sum(each.share for each in importances) == pytest.approx(1.0)


def test_the_command_measures_a_bundled_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        path = tmp_path / "snare" / f"{seed}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, _sound(seed, 0.001), RATE)
    assert telltale.main(["drums", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sounds"] == 3
    assert 0.0 <= found["right"] <= 1.0
    assert telltale.main(["drums", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("3 pairs: ")


def test_mistakes_are_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "snare" / "1.wav"
    path.parent.mkdir()
    soundfile.write(path, _sound(1, 0.001), RATE)
    assert telltale.main(["drums", str(tmp_path)]) == 2
    assert telltale.main(["no-such-model", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
