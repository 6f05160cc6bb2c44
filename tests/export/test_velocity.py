"""Tests for directions of velocity: the changes in z (position in latent space) from soft to hard hits.

The directions are measured on takes (recordings of single hits at known velocities), and written to the model
file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from export import facts, velocity
from export.errors import ExportError
from export.layers import Lines, layers, lines
from export.to_onnx import export
from export.velocity import DRAWN, REACH, SHARED, Directions, adjusted, directions, unmixed
from realtime.model import verify
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.expression import Expression
from realtime.model.schema import DrumInfo
from trainer.config import ModelConfig
from trainer.models.modal import ModalDecoder


def _takes(slopes: list[list[float]], drums: int, layers: int) -> tuple[torch.Tensor, list[float], list[int]]:
    """Return z, velocity and class of takes; each drum has its own z, and each class its own direction."""
    places = torch.randn(len(slopes), drums, 1, 2, generator=torch.Generator().manual_seed(0))
    velocity = torch.linspace(0.2, 1.0, layers)
    points = places + velocity[:, None] * torch.tensor(slopes)[:, None, None]
    labels = [label for label in range(len(slopes)) for _ in range(drums * layers)]
    return points.reshape(-1, 2), velocity.tolist() * (len(slopes) * drums), labels


def test_direction_of_each_class_is_recovered_from_many_takes() -> None:
    slopes = [[1.0, 0.0], [0.5, -2.0]]
    points, velocities, labels = _takes(slopes, drums=200, layers=5)
    groups = [str(i // 5) for i in range(len(points))]
    found = directions(points, layers(velocities, groups), torch.tensor(labels), 2)
    torch.testing.assert_close(found.classes, torch.tensor(slopes).double(), rtol=0.01, atol=0.01)


def test_direction_of_a_class_with_few_or_no_takes_is_drawn_towards_that_of_all_takes() -> None:
    points, velocities, labels = _takes([[1.0, 0.0]], drums=1, layers=2)
    groups = ["one"] * 2
    found = directions(points, layers(velocities, groups), torch.tensor(labels), 2)
    torch.testing.assert_close(found.classes, torch.tensor([[1.0, 0.0], [1.0, 0.0]]).double())
    both = torch.cat((points, torch.tensor([[0.0, 0.0], [0.0, 0.8]])))
    drums = layers(velocities * 2, groups + ["other"] * 2)
    found = directions(both, drums, torch.tensor([0, 0, 1, 1]), 2)
    squares = 2 * 0.4**2
    share = SHARED / (squares + SHARED)
    torch.testing.assert_close(found.classes[0], torch.tensor([1 - share / 2, share / 2]).double())


def test_each_drum_has_its_own_direction_drawn_towards_that_of_its_class() -> None:
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0], [5.0, 6.0], [9.0, 9.0]])
    drums = layers([0.0, 1.0, 0.0, 1.0, 0.5], ["a", "a", "b", "b", "alone"])
    found = directions(points, drums, torch.zeros(5, dtype=torch.int64), 1)
    torch.testing.assert_close(found.classes, torch.tensor([[0.5, 0.5]]).double())  # the mean of both drums
    assert found.places.tolist() == [[0.5, 0.0], [5.0, 5.5]]
    share = 0.5 / (0.5 + DRAWN)  # 0.5: sum of the squared deviations of a drum's velocities
    torch.testing.assert_close(found.drums[0], torch.tensor([0.5 + 0.5 * share, 0.5 - 0.5 * share]).double())
    assert (found.reach, found.spread) == pytest.approx((0.5 * REACH, 0.5))


def test_drums_with_fewer_than_two_velocities_are_left_out() -> None:
    assert layers([None] * 4, ["a"] * 4) == []
    assert layers([0.5, 0.5, None, 0.1], ["a", "a", "b", "b"]) == []


def test_noise_is_the_variance_of_takes_about_their_line() -> None:
    drums = layers([0.0, 0.5, 1.0, 0.0, 0.5, 1.0], ["a"] * 3 + ["b"] * 3)
    found = lines(
        torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [5.0, 1.0], [5.0, -2.0], [5.0, 1.0]]), drums
    )
    assert found.slope.tolist() == [[2.0, 0.0], [0.0, 0.0]]
    assert found.noise.tolist() == pytest.approx([0.0, (1 + 4 + 1) / 2])


def test_directions_are_adjusted_until_decoded_sounds_change_like_real_ones() -> None:
    config = ModelConfig(architecture="modal", sample_rate=22_050, length=8_192, hop_length=64, latent_dim=4)
    torch.manual_seed(0)
    decoder = ModalDecoder(config).eval()
    z, given = torch.zeros(3, 4), torch.zeros(3, 4)
    truth = torch.tensor([[0.6, 0.0, 0.0, 0.0], [0.0, -0.6, 0.0, 0.0], [0.0, 0.0, 0.3, 0.5]])
    with torch.no_grad():
        change = facts.of_points(decoder, z + truth / 2) - facts.of_points(decoder, z - truth / 2)
    real = Lines(torch.zeros(3, 3), change.double(), torch.ones(3, 1), torch.full((3,), 1e-8))
    start = Directions(torch.zeros(1, 4), z.double(), given.double(), spread=1.0, reach=1.0)
    found = adjusted(start, decoder, real).drums.float()
    with torch.no_grad():
        ours = facts.of_points(decoder, z + found / 2) - facts.of_points(decoder, z - found / 2)
    torch.testing.assert_close(ours, change, rtol=0.02, atol=0.004)
    unsure = adjusted(start, decoder, real._replace(noise=torch.full((3,), 1e6, dtype=torch.float64)))
    torch.testing.assert_close(unsure.drums, given.double(), rtol=0.0, atol=1e-3)


def test_unmixing_moves_hits_at_neighbouring_drums_along_their_own_directions(
    tiny_run: Path, tmp_path: Path
) -> None:
    export(tiny_run, tmp_path / "plain.onnx")
    info = verify.read(tmp_path / "plain.onnx").info
    dim = info.latent_dim
    places = torch.zeros(3, dim, dtype=torch.float64)
    places[1, 0], places[2] = 1.5, 50.0  # two drums side by side, and one far away
    given = torch.eye(3, dim, dtype=torch.float64)
    classes = torch.zeros(len(info.classes), dim, dtype=torch.float64)
    start = Directions(classes, places, given, spread=1.0, reach=1.0)

    def off(found: Directions) -> list[float]:
        drums = tuple(
            DrumInfo(tuple(place), found.reach, tuple(direction))
            for place, direction in zip(found.places.tolist(), found.drums.tolist(), strict=True)
        )
        expression = Expression(replace(info, drums=drums))
        hits = [expression.offset(place, 1.0, 2.0, 0.0, ()) for place in places.tolist()]
        return [float(each) for each in np.linalg.norm(np.array(hits) - given.numpy(), axis=1)]

    mixed, apart = off(start), off(unmixed(start, torch.zeros(3, dtype=torch.int64)))
    assert min(mixed[:2]) > 0.3
    assert max(apart[:2]) < min(mixed[:2]) / 3
    assert apart[2] < 0.01


def test_unmixing_hardly_changes_drums_at_the_same_position() -> None:
    places = torch.zeros(2, 3, dtype=torch.float64)
    given = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    start = Directions(torch.zeros(1, 3, dtype=torch.float64), places, given, spread=1.0, reach=1.0)
    found = unmixed(start, torch.zeros(2, dtype=torch.int64)).drums
    torch.testing.assert_close(found, given, rtol=0.0, atol=0.05)


def _layers(folder: Path, label: str, velocity: str = "{:.2f}") -> Path:
    """Write two drums of a class at three velocities each; harder hits are brighter."""
    (folder / label).mkdir(parents=True)
    lines = ["file,class,source,licence,group,velocity"]
    time = np.arange(4000) / 22_050
    random = np.random.default_rng(0)
    for drum in ("one", "other"):
        for hardness in (0.2, 0.6, 1.0):
            sound = np.sin(2 * np.pi * 200 * time) + hardness * random.standard_normal(len(time))
            name = f"{label}/{drum}-{hardness}.wav"
            soundfile.write(folder / name, 0.3 * sound * np.exp(-20 * time), 22_050, subtype="FLOAT")
            lines.append(f"{name},{label},kit,CC0,{drum},{velocity.format(hardness)}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_file_contains_the_directions_of_classes_and_drums(tiny_run: Path, tmp_path: Path) -> None:
    export(tiny_run, tmp_path / "plain.onnx")
    plain = verify.read(tmp_path / "plain.onnx").info
    folder = _layers(tmp_path / "layers", plain.classes[1].name)
    export(tiny_run, tmp_path / "with.onnx", velocities=folder)
    info = verify.read(tmp_path / "with.onnx").info
    assert all(each.velocity == () for each in plain.classes)
    assert {len(each.velocity) for each in info.classes} == {info.latent_dim}
    assert np.linalg.norm(info.classes[1].velocity) > 0
    assert (len(plain.drums), len(info.drums)) == (0, 2)
    assert all(drum.reach > 0 and np.linalg.norm(drum.velocity) > 0 for drum in info.drums)
    assert Encoder(encoder_path(tmp_path / "with.onnx"), info).info.decoder == info.digest


def test_folder_with_a_class_that_the_model_lacks_is_refused_with_the_reason(
    tiny_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="class gong is not one of the model's"):
        export(tiny_run, tmp_path / "a.onnx", velocities=_layers(tmp_path / "strange", "gong"))
    assert not (tmp_path / "a.onnx").exists()


def test_more_drums_than_the_limit_are_refused(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(velocity, "MAX_DRUMS", 1)
    export(tiny_run, tmp_path / "plain.onnx")
    label = verify.read(tmp_path / "plain.onnx").info.classes[1].name
    with pytest.raises(ExportError, match="2 drums have takes at two velocities; at most 1 are accepted"):
        export(tiny_run, tmp_path / "a.onnx", velocities=_layers(tmp_path / "layers", label))
