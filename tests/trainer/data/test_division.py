"""Tests for the division of drum kits into parts: complete kits are held out for validation and test.

A recipe names the kits of each part; the manifest of the collection lists its files.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from trainer.__main__ import main
from trainer.data import division
from trainer.errors import ConfigError, DataError

HEAD = "file,class,source,licence,kit,drum,velocity,group\n"
RECIPE = """
[leave_out]
drum = ["*-off"]
[train]
leave_out_licences = ["CC-BY-SA*"]
[validation]
kits = ["room"]
per_drum = 2
[test]
kits = ["machine"]
"""


def _row(
    name: str, kit: str, drum: str, velocity: str = "", licence: str = "CC0-1.0 (a)", group: str = ""
) -> str:
    return f"{name}.flac,kick,a {kit},{licence},{kit},{drum},{velocity},{group}\n"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "all"
    folder.mkdir()
    rows = [_row(f"r{k}", "room", "big drum", f"{k / 5:.3f}", group="room/big") for k in (1, 2, 3, 4, 5)]
    rows += [_row("m1", "machine", "low"), _row("m2", "machine", "low-off")]
    rows += [
        _row("h1", "hall", "low"),
        _row("h2", "hall", "low"),
        _row("s1", "shared", "low", licence="CC-BY-SA-4.0"),
    ]
    for row in rows:
        (folder / row.split(",")[0]).write_text(row)
    (folder / "manifest.csv").write_text(HEAD + "".join(rows))
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_part_contains_unchanged_files_of_its_own_kits(
    collection: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["divide", str(collection), "--recipe", str(recipe), "--out", str(out)]) == 0
    assert "validation: 2 sounds of 1 kits: kick 2\n" in capsys.readouterr().out
    originals = {
        part: sorted(row["original"] for row in _rows(out / part)) for part in ("train", "validation", "test")
    }
    assert originals == {
        "train": ["h1.flac", "h2.flac"],  # without the share-alike sound s1
        "validation": ["r2.flac", "r4.flac"],  # the middle hit of each half of the five hits
        "test": ["m1.flac"],  # without the drum that the recipe leaves out
    }
    for part in (*originals, "layers"):
        for row in _rows(out / part):
            assert (out / part / row["file"]).read_bytes() == (collection / row["original"]).read_bytes()
    assert [row["file"] for row in _rows(out / "train")] == [
        "kick/a-hall__low__v-__1.flac",
        "kick/a-hall__low__v-__2.flac",
    ]


def test_part_layers_contains_all_hits_of_a_held_out_drum(
    collection: Path, recipe: Path, tmp_path: Path
) -> None:
    division.divide(collection, division.read(str(recipe)), tmp_path / "out")
    layers = _rows(tmp_path / "out" / "layers")
    assert [row["velocity"] for row in layers] == ["0.200", "0.400", "0.600", "0.800", "1.000"]
    assert {row["part"] for row in layers} == {"validation"}


def test_division_that_would_separate_near_duplicates_is_refused(
    collection: Path, recipe: Path, tmp_path: Path
) -> None:
    text = (collection / "manifest.csv").read_text()
    (collection / "manifest.csv").write_text(text.replace("low,,\n", "low,,twins\n"))
    with pytest.raises(DataError, match=r"near-duplicates in train and test: group twins"):
        division.divide(collection, division.read(str(recipe)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (HEAD, "file,class\n", "no column drum, group, kit, licence, source, velocity"),
        ("h1.flac", "h9.flac", "h9.flac does not exist"),
        ("0.200", "soft", "r1.flac has velocity 'soft', not a number"),
        ("h1.flac,kick", "h1.flac,", "h1.flac has no class"),
        (
            ",machine,",
            ",machines,",
            "no kit machine, which the recipe holds out; --recipe FILE.toml names other kits",
        ),
        ("h1.flac,kick", "h1.flac,../..", "h1.flac of class ../.. is not within the collection"),
        ("h1.flac,kick", "h1.flac,a/b", "h1.flac of class a/b is not within the collection"),
        ("h1.flac", "../all/h1.flac", "../all/h1.flac of class kick is not within the collection"),
        ("h1.flac", "/etc/hostname", "/etc/hostname of class kick is not within the collection"),
    ],
)
def test_error_names_the_fault_of_a_manifest(
    before: str,
    after: str,
    message: str,
    collection: Path,
    recipe: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = collection / "manifest.csv"
    path.write_text(path.read_text().replace(before, after))
    assert main(["divide", str(collection), "--recipe", str(recipe), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tests]\n", r"no table \[tests\]"),
        ("[test]\nkit = []\n", r"\[test\] has no key kit; use kits, per_drum"),
        ('["te\\nst"]\n', r"no table \['te\\nst'\]"),
        ('[test]\n"ki\\nts" = []\n', r"\[test\] has no key 'ki\\nts'; use kits, per_drum"),
        ("[test]\nkits = 'a'\n", "it must be a list of strings"),
        ("[test]\nper_drum = -1\n", "it must be a whole number"),
        ("[", "recipe.toml"),
    ],
)
def test_error_names_the_fault_of_a_recipe(text: str, message: str, recipe: Path) -> None:
    recipe.write_text(text)
    with pytest.raises(ConfigError, match=message):
        division.read(str(recipe))


def test_error_for_an_unknown_recipe_names_the_bundled_ones() -> None:
    with pytest.raises(ConfigError, match="bundled recipes: drums9"):
        division.read("drums10")


def test_the_bundled_recipe_holds_out_no_kit_twice() -> None:
    held = division.read("drums9").held_out
    kits = [*held["validation"].kits, *held["test"].kits]
    assert len(set(kits)) == len(kits)
    assert len(held["test"].kits) >= 8
