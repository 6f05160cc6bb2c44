"""The metadata of a model file stays the same when written and read; inconsistent metadata is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from realtime.model.schema import (
    INFO_KEY,
    SCHEMA_KEY,
    Anchor,
    ClassInfo,
    DrumInfo,
    LatentStats,
    ModelInfo,
    MorphInfo,
    Pca,
)
from realtime.util.errors import ModelError

INFO = ModelInfo(
    name="two",
    architecture="dc",
    sample_rate=22050,
    hop_length=32,
    length=1024,
    latent_dim=2,
    latent=LatentStats((0.0, 1.0), (1.0, 2.0), (-1.0, -2.0), (1.0, 3.0)),
    pca=Pca(((1.0, 0.0), (0.0, 1.0)), (2.0, 1.0)),
    classes=(ClassInfo("kick", (0.5, 0.25), 0.1), ClassInfo("snare", (-0.5, 0.0), 0.2)),
    anchors=(Anchor("kick/one", 0, (0.5, 0.5), (0.1, 0.2)),),
    loudness_db=-12.5,
    config_hash="ab",
    licence="CC0-1.0",
    credits=("somebody",),
    tools={"torch": "2.13.0"},
    training={"epochs": 3},
)


def test_metadata_is_the_same_after_writing_and_reading() -> None:
    assert ModelInfo.from_metadata(INFO.to_metadata()) == INFO


def test_directions_of_drums_are_kept_and_change_no_digest_of_files_without_them() -> None:
    known = dataclasses.replace(INFO, drums=(DrumInfo((0.5, 1.0), 2.0, (0.0, -1.0)),))
    assert ModelInfo.from_metadata(known.to_metadata()) == known
    assert known.digest != INFO.digest == "901ac68c6b8843e970cc1776d223120c5a7d6e63d4a2ebaaa4c9f0b4a60db63c"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("z", [1.0], "drum z is not a list of 2"),
        ("velocity", [1.0, "x"], "drum velocity is 'x', not a finite"),
        ("reach", 0.0, "the reach of a drum is 0, less than 0.001"),
    ],
)
def test_damaged_drum_is_refused_with_the_reason(key: str, value: Any, message: str) -> None:
    drum = {"z": [0.0, 0.0], "reach": 1.0, "velocity": [0.0, 0.0]} | {key: value}
    content = json.loads(INFO.to_metadata()[INFO_KEY]) | {"drums": [drum]}
    with pytest.raises(ModelError, match=message):
        ModelInfo.from_metadata({SCHEMA_KEY: "1", INFO_KEY: json.dumps(content)})


def test_proposed_morph_is_kept_and_a_damaged_one_is_refused() -> None:
    known = dataclasses.replace(INFO, morph=MorphInfo(1, 0, 150))
    assert ModelInfo.from_metadata(known.to_metadata()) == known
    content = json.loads(known.to_metadata()[INFO_KEY])
    for key, value, message in (
        ("end", 2, "end is 2, not a whole"),
        ("ms", 0, "ms is 0, not a whole number"),
    ):
        damaged = content | {"morph": content["morph"] | {key: value}}
        with pytest.raises(ModelError, match=message):
            ModelInfo.from_metadata({SCHEMA_KEY: "1", INFO_KEY: json.dumps(damaged)})


def test_frames_duration_and_named_points_follow_from_the_metadata() -> None:
    assert INFO.frames == 32
    assert INFO.duration_ms == pytest.approx(1024 / 22.05)
    assert INFO.point("snare") == (-0.5, 0.0)
    assert INFO.point("kick/one") == INFO.point("One") == (0.5, 0.5)
    with pytest.raises(ModelError, match="did you mean snare"):
        INFO.point("snair")
    with pytest.raises(ModelError, match="classes are kick, snare"):
        INFO.point("zzzzzz")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("length",), 1000, "not a multiple"),
        (("length",), 10**12, "length"),
        (("sample_rate",), "fast", "sample_rate"),
        (("sample_rate",), True, "sample_rate"),
        (("latent_dim",), 3, "3 numbers"),
        (("classes",), [], "classes"),
        (("classes", 1, "name"), "kick", "names must be unique"),
        (("classes", 0, "centroid"), [1.0], "2 numbers"),
        (("classes", 0, "centroid", 0), "x", "finite number"),
        (("anchors", 0, "label"), 2, "label"),
        (("anchors", 0, "label"), -1, "label"),
        (("anchors", 0), 5, "object"),
        (("loudness_db",), None, "loudness_db"),
        (("pca", "basis"), [[1.0, 0.0]] * 3, "3 axes"),
        (("credits",), "me", "list"),
        (("name",), 7, "name"),
    ],
)
def test_error_names_the_inconsistent_field(path: tuple[Any, ...], value: Any, message: str) -> None:
    content = json.loads(INFO.to_metadata()[INFO_KEY])
    target = content
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(ModelError, match=message):
        ModelInfo.from_metadata({SCHEMA_KEY: "1", INFO_KEY: json.dumps(content)})


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "not a soundmorph model"),
        ({INFO_KEY: "{}"}, "schema version none"),
        ({SCHEMA_KEY: "2", INFO_KEY: "{}"}, "reads version 1"),
        ({SCHEMA_KEY: "1", INFO_KEY: "{"}, "not JSON"),
        ({SCHEMA_KEY: "1", INFO_KEY: "[" * 100_000}, "nested more than 32 deep"),
        ({SCHEMA_KEY: "1", INFO_KEY: "[]"}, "object"),
        ({SCHEMA_KEY: "1", INFO_KEY: '{"loudness_db": NaN}'}, "NaN is not a finite number"),
    ],
)
def test_foreign_metadata_is_refused(metadata: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelInfo.from_metadata(metadata)


def test_nan_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dataclasses.replace(INFO, loudness_db=float("nan")).to_metadata()
