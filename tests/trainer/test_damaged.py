"""Well-formed files with damaged content are either refused with a message of one line, or can be used."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from tests.damage import accepted, changed, damaged, toml_file
from tests.trainer.checkpoints import parts
from trainer.config import Config, DataConfig, ModelConfig
from trainer.data import division, fetch
from trainer.data.audio import read
from trainer.data.sounds import prepare
from trainer.errors import ConfigError, TrainerError
from trainer.run import checkpoint
from trainer.run.checkpoint import Anchors, Checkpoint

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "..",
        "/etc/hostname",
        "../secret.wav",
        "a/b",
        "\0",
        "9" * 5000,
        "1e999",
        '"',
        "x" * 300,
        "\x1b[31m",
        "\r",
    ]
)
TABLES: dict[str, Any] = {
    "description": "a recipe",
    "leave_out": {"drum": ["*-off"]},
    "train": {"leave_out_licences": ["CC-BY-SA*"]},
    "validation": {"kits": ["room"], "per_drum": 2},
    "test": {"kits": ["hall"]},
}


@given(damaged(Config().to_dict()))
def test_a_configuration_is_refused_or_the_same_after_writing_and_reading(tables: dict[str, Any]) -> None:
    if (found := accepted(lambda: Config.from_toml(toml_file(tables)), ConfigError)) is not None:
        assert Config.from_toml(found.to_toml()) == found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def facts(place: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the metadata and the tensors of a checkpoint."""
    parameter = torch.nn.Parameter(torch.ones(2))
    optimiser = torch.optim.Adam([parameter])
    parameter.grad = torch.ones(2)
    optimiser.step()
    saved = Checkpoint(
        config=Config(),
        model={"a": parameter.detach()},
        classes=("kick", "snare"),
        anchors=Anchors(("x", "y"), (1, 0), torch.rand(2, 4)),
        licence="CC0-1.0",
        credits=("kit",),
        epoch=3,
        position=1,
        step=7,
        totals={"kl": 0.25},
        seconds=1.5,
        best=0.5,
        history=[{"epoch": 1, "train": {"kl": 0.5}}],
        data={"folder": "/x", "digest": "00"},
        optimisers={"joint": optimiser.state_dict()},
    )
    checkpoint.write(place / "whole.safetensors", saved)
    return parts(place / "whole.safetensors")


@FEW
@given(st.data())
def test_a_checkpoint_is_refused_or_can_be_written_again(
    place: Path, facts: tuple[dict[str, Any], dict[str, torch.Tensor]], data: st.DataObject
) -> None:
    path = place / "a.safetensors"
    told, tensors = facts
    save_file(tensors, path, {checkpoint.KEY: json.dumps(data.draw(damaged(told)))})
    if (found := accepted(lambda: checkpoint.load(path), TrainerError)) is not None:
        checkpoint.write(path, found)
        assert checkpoint.load(path).step == found.step


@FEW
@given(damaged(TABLES))
def test_a_recipe_for_a_division_is_refused_or_has_its_parts(place: Path, tables: dict[str, Any]) -> None:
    path = place / "recipe.toml"
    path.write_text(toml_file(tables), encoding="utf-8")
    if (found := accepted(lambda: division.read(str(path)), ConfigError)) is not None:
        assert set(found.held_out) == {"validation", "test"}


@pytest.fixture(scope="module")
def collection(place: Path) -> Path:
    """A folder with six sounds of three kits; the tests write its `manifest.csv`."""
    folder = place / "all"
    folder.mkdir()
    for number in range(6):
        tone = 0.5 * np.sin(np.arange(600.0) * (0.1 + 0.05 * number))
        soundfile.write(folder / f"{number}.wav", tone, 8000)
    return folder


HELD_OUT = {"validation": division.HeldOut(("room",), 0), "test": division.HeldOut(("hall",), 0)}
RECIPE = division.Recipe("", (), (), HELD_OUT)
COLUMNS = ("file", "class", "source", "licence", "kit", "drum", "velocity", "group")


@st.composite
def manifests(draw: st.DrawFn) -> list[list[str]]:
    """Generate the rows of a manifest in which a few fields have random text."""
    kits = ("room", "hall", "attic")
    rows = [[f"{n}.wav", "kick", "a", "CC0-1.0", kits[n % 3], "low", f"{n / 5}", ""] for n in range(6)]
    rows.insert(0, list(COLUMNS))
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.sampled_from(rows[1:] if draw(st.integers(0, 9)) else rows))
        row[draw(st.integers(0, len(row) - 1))] = draw(TEXTS)
    if draw(st.booleans()):
        draw(st.sampled_from(rows)).append(draw(TEXTS))
    return rows


def write_manifest(folder: Path, rows: list[list[str]]) -> None:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows(rows)


@FEW
@given(manifests())
def test_a_manifest_is_refused_or_names_sounds(collection: Path, rows: list[list[str]]) -> None:
    write_manifest(collection, rows)
    model = ModelConfig(sample_rate=8000, length=1024)
    if (sounds := accepted(lambda: prepare(collection, model, DataConfig()), TrainerError)) is not None:
        assert len(sounds.names) == 6


@FEW
@given(manifests())
def test_a_division_is_refused_or_writes_only_into_its_folder(
    place: Path, collection: Path, rows: list[list[str]]
) -> None:
    write_manifest(collection, rows)
    before = {path for path in place.rglob("*") if collection not in path.parents}
    out = place / "out"
    for part, members in (
        accepted(lambda: division.divide(collection, RECIPE, out), TrainerError, OSError) or {}
    ).items():
        for row in members:
            assert (out / part / row["file"]).resolve().is_relative_to(out.resolve() / part)
    shutil.rmtree(out, ignore_errors=True)
    assert {path for path in place.rglob("*") if collection not in path.parents} == before


@pytest.fixture(scope="module")
def archive(place: Path, collection: Path) -> bytes:
    with zipfile.ZipFile(place / "whole.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3):
            file.write(collection / f"{number}.wav", f"data-1.0/recordings/{number}_jackson_0.wav")
    return (place / "whole.zip").read_bytes()


@FEW
@given(st.data())
def test_an_archive_is_refused_or_unpacked(place: Path, archive: bytes, data: st.DataObject) -> None:
    path = place / "changed.zip"
    path.write_bytes(data.draw(changed(archive, 400)))
    out = place / "digits"
    accepted(lambda: fetch._unpack(path, out, fetch.DATA_SETS["fsdd"], checked=True), TrainerError)
    shutil.rmtree(out, ignore_errors=True)
    assert not out.with_name("digits.part").exists()


@given(st.data())
def test_a_sound_file_is_refused_or_read(place: Path, collection: Path, data: st.DataObject) -> None:
    path = place / "changed.wav"
    path.write_bytes(data.draw(changed((collection / "0.wav").read_bytes(), 100)))
    if (found := accepted(lambda: read(path), TrainerError)) is not None:
        assert found[0].dtype == np.dtype(np.float32)
        assert found[0].ndim == 2
        assert found[1] > 0
