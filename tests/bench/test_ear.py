"""Tests for `bench.ear`, which compares real sounds with a model's reconstructions. The sounds are tones."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench import ear
from bench.sounds.learned_ear import kernel_distance
from bench.sounds.shots import Shot

MANIFEST = "file,class,source,licence,kit,drum,velocity,group\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three hits of one drum and one hit of a second drum; all are silent after 200 ms."""
    out = tmp_path / "sounds"
    (out / "tom").mkdir(parents=True)
    (out / "kick").mkdir()
    time, rows = np.arange(16_384) / 44_100, MANIFEST
    for name, drum, pitch, velocity in (
        ("tom/a.wav", "floor", 110.0, "0.3"),
        ("tom/b.wav", "floor", 112.0, "0.9"),
        ("tom/c.wav", "floor", 111.0, "0.5"),
        ("kick/d.wav", "bass", 55.0, ""),
    ):
        sound = np.where(time < 0.2, np.sin(2 * np.pi * pitch * time) * np.exp(-9 * time), 0)
        soundfile.write(out / name, 0.5 * sound, 44_100)
        rows += f"{name},{name.split('/')[0]},me,CC0-1.0,kit,{drum},{velocity},\n"
    (out / "manifest.csv").write_text(rows)
    return out


def _shot(name: str, drum: str, velocity: float) -> Shot:
    sound = np.full(4, velocity, np.float32)
    return Shot(name, "tom", "kit", drum, velocity, sound, np.zeros(0, np.float32))


def test_another_take_is_the_other_hit_of_the_drum_with_the_most_similar_velocity() -> None:
    takes = [
        _shot("a", "floor", 0.1),
        _shot("b", "floor", 0.6),
        _shot("c", "floor", 0.5),
        _shot("d", "rack", 0.51),
    ]
    found = ear.another_take(_shot("c, once more", "floor", 0.5), takes)
    assert found is not None
    assert found.name == "b"  # not the same hit under a different name, and not a different drum
    # without the name of the drum, no other hit of the same drum can be found
    assert ear.another_take(_shot("e", "", 0.5), [_shot("f", "", 0.6)]) is None


def test_the_command_measures_a_bundled_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ear.main(["drums", str(folder), "--trained", str(folder), "--search", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    everything, tom = results["sounds"]["all"], results["sounds"]["tom"]
    assert (everything["sounds"], tom["sounds"]) == (4, 3)
    assert set(everything["medians"]) == {"real", "ours", "searched", "nearest", "take", "mix"}
    each = results["each"].values()
    assert sum(one["searched"]["mel_db"] < one["ours"]["mel_db"] for one in each) >= 3
    assert everything["medians"]["real"]["silent_tail_db"] == -160.0
    assert everything["silent tails"]["real"] == 4
    assert "mel_db" not in everything["medians"]["real"]
    # the closest training sound is never the sound itself: here, it is another hit of the drum
    assert 0 < tom["medians"]["nearest"]["mel_db"] <= tom["medians"]["take"]["mel_db"]
    assert set(results["each"]) == {"tom/a", "tom/b", "tom/c", "kick/d"}


def test_the_table_has_a_part_for_each_class(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ear.main(["drums", str(folder), "--per-class", "1"]) == 0
    out = capsys.readouterr().out
    assert "\nall: 2 sounds\n" in out
    assert "\nkick: 1 sounds\n" in out
    assert "nearest" not in out.split("\n")[2].split("ours closer")[0]  # needs --trained


def test_each_mistake_is_reported_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ear.main(["no-such-model", str(folder)]) == 2
    assert ear.main(["drums", str(tmp_path / "nowhere")]) == 2
    if importlib.util.find_spec("cdpam") is None:
        assert ear.main(["drums", str(folder), "--learned"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("bench.ear: ") for line in lines)
    assert len(lines) in (2, 3)


def test_fraction_of_closer_sounds_and_medians_are_over_all_sounds() -> None:
    shot = dataclasses.replace(_shot("a", "floor", 0.1))
    pairs = [(1.0, 2.0), (3.0, 2.0), (1.0, 1.5), (0.5, 2.0)]
    compared = [
        ear.Comparison(shot, {}, {"ours": {"mel_db": ours}, "nearest": {"mel_db": nearest}})
        for ours, nearest in pairs
    ]
    assert ear.nearer(compared, "mel_db") == 0.75
    assert ear.nearer(compared, "cdpam") is None
    assert ear.medians(compared, "ours") == {"mel_db": 1.0}


def test_the_kernel_distance_is_unbiased_and_grows_with_the_difference() -> None:
    draw = np.random.default_rng(0)

    def points(mean: float, count: int) -> np.ndarray:
        found = draw.standard_normal((count, 8)) + mean
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    same = [kernel_distance(points(0.5, 12), points(0.5, 15)) for _ in range(400)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 20  # three standard errors of the mean
    assert kernel_distance(points(0.5, 50), points(0.0, 50)) > kernel_distance(
        points(0.5, 50), points(0.4, 50)
    )
