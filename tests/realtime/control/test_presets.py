"""The preset file contains a section for each model, is written atomically, and is kept if it is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.control.presets import FORMAT, Last, PresetError, PresetFile, Presets
from realtime.model.schema import ModelInfo
from realtime.util.errors import ControlError

FAT, THIN = (1.0, 0.1, -2.5, 1e-7), (0.0, 0.0, 0.0, 1.0)


def test_presets_survive_a_restart(info: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "new" / "presets.json"
    presets = PresetFile(path).open(info)
    assert dict(presets) == {}
    presets.store("fat", FAT)
    presets.store("dünn – schräg", THIN)
    presets.last = Last(FAT, -6.0, "latch")
    PresetFile(path).save(presets)
    again = PresetFile(path).open(info)
    assert dict(again) == {"fat": FAT, "dünn – schräg": THIN}
    assert again.last == presets.last
    assert {each.name for each in path.parent.iterdir()} == {"presets.json", ".presets.json.lock"}


def namesake(info: ModelInfo) -> ModelInfo:
    """Return a model with the name and configuration of `info` but with different sounds."""
    return replace(info, anchors=info.anchors[1:])


def test_each_model_has_its_own_presets_in_one_file(info: ModelInfo, tmp_path: Path) -> None:
    other = namesake(info)
    shelf = PresetFile(tmp_path / "presets.json")
    for model, name in ((info, "fat"), (other, "thin")):
        presets = shelf.open(model)
        presets.store(name, FAT)
        shelf.save(presets)
    assert list(shelf.open(info)) == ["fat"]
    assert list(shelf.open(other)) == ["thin"]


def test_the_next_version_of_a_model_keeps_presets_and_state(info: ModelInfo, tmp_path: Path) -> None:
    versions = [replace(info, pca=replace(info.pca, variance=(float(i),) * 4)) for i in (1, 2, 3)]
    said: list[str] = []
    shelf = PresetFile(tmp_path / "presets.json", said.append)
    for version, point in zip(versions, (FAT, THIN), strict=False):
        presets = Presets(version, {"mine": point}, Last(point, -6.0, "latch"))
        presets.patterns.store("intro")
        shelf.save(presets)
    found = shelf.open(versions[2])
    assert (dict(found), found.last, [*found.patterns.named]) == (
        {"mine": THIN},
        Last(THIN, -6.0, "latch"),
        ["intro"],
    )
    assert said == [f"the presets of an earlier version of {info.name!r} are kept: mine"]
    found.delete("mine")
    shelf.save(found)
    assert dict(shelf.open(versions[2])) == {}  # this version now has its own section
    assert dict(shelf.open(versions[0])) == {"mine": FAT}


def test_section_of_an_earlier_version_is_deleted_once_a_newer_one_has_its_presets(
    info: ModelInfo, tmp_path: Path
) -> None:
    versions = [replace(info, pca=replace(info.pca, variance=(float(i),) * 4)) for i in (1, 2, 3)]
    path = tmp_path / "presets.json"
    shelf = PresetFile(path, lambda line: None)
    shelf.save(Presets(namesake(info), {"fat": FAT}))
    shelf.save(Presets(versions[0], {"fat": FAT, "old": THIN}))
    for version in versions[1:]:
        shelf.save(Presets(version, {"fat": FAT, "thin": THIN}))
    kept = [Presets(model).key for model in (namesake(info), versions[0], versions[2])]
    assert [*json.loads(path.read_text())["models"]] == kept


def test_presets_of_a_different_model_with_the_same_name_are_offered_but_not_copied(
    info: ModelInfo, tmp_path: Path
) -> None:
    path, said = tmp_path / "presets.json", list[str]()
    of_earlier_release = f"{info.name} {info.config_hash[:16]}"
    sections = {
        of_earlier_release: {"presets": {"fat": list(FAT)}},
        f"{info.name} empty": {"presets": {}},
        f"{info.name} other-size": {"presets": {"short": [1.0]}},
        "another 0123": {"presets": {"thin": list(THIN)}},
    }
    path.write_text(json.dumps({FORMAT: 1, "models": sections}))
    shelf = PresetFile(path, said.append, "oscsend 10.0.0.1 9001")
    presets = shelf.open(info)
    assert dict(presets) == {}
    (line,) = said
    assert line.endswith(": fat. To take them over: oscsend 10.0.0.1 9001 /morph/preset/adopt")
    assert shelf.earlier(info) == {info.config_hash[:16]: {"fat": FAT}}
    presets.store("own", THIN)
    shelf.save(presets)
    assert dict(shelf.open(info)) == {"own": THIN}  # the offer is not repeated once the model has presets
    assert said == [line]
    assert json.loads(path.read_text())["models"].keys() == {*sections, presets.key}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"soundmorph_presets": 2}', b"[" * 100_000]
)
def test_broken_file_is_reported_once_and_kept_under_a_different_name(
    info: ModelInfo, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "presets.json"
    path.write_bytes(content)
    said: list[str] = []
    shelf = PresetFile(path, said.append)
    presets = shelf.open(info)
    presets.store("fat", FAT)
    shelf.save(presets)
    (line,) = said
    assert "cannot be read as presets" in line
    assert "presets.json.broken-1" in line
    assert (tmp_path / "presets.json.broken-1").read_bytes() == content
    assert dict(PresetFile(path).open(info)) == {"fat": FAT}


def test_presets_that_do_not_fit_are_left_out_and_stay_in_the_file(info: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    odd = {
        "short": [1.0],
        "text": "x",
        "nan": [float("nan")] * 4,
        "bools": [True] * 4,
        "far": [1e7] * 4,
        "good": list(FAT),
    }
    last = {"z": list(FAT), "gain_db": 1e9, "mode": "live"}
    key = Presets(info).key
    path.write_text(json.dumps({FORMAT: 1, "models": {key: {"presets": odd, "last": last}}}))
    said: list[str] = []
    shelf = PresetFile(path, said.append)
    presets = shelf.open(info)
    assert dict(presets) == {"good": FAT}
    assert presets.last is None
    assert "5 presets do not fit" in said[0]
    presets.store("short", THIN)
    shelf.save(presets)
    kept = json.loads(path.read_text())["models"][key]["presets"]
    assert kept == {**odd, "short": list(THIN), "nan": [None] * 4}


@pytest.mark.parametrize("value", ["NaN", "9" * 400, "9" * 5000, '"\\ud800"', "[" * 50 + "]" * 50])
def test_invalid_section_of_a_different_model_does_not_prevent_saving(
    info: ModelInfo, tmp_path: Path, value: str
) -> None:
    path = tmp_path / "presets.json"
    path.write_text(f'{{"{FORMAT}": 1, "models": {{"another 0123": {{"presets": {{"x": {value}}}}}}}}}')
    presets = PresetFile(path, lambda line: None).open(info)
    presets.store("fat", FAT)
    PresetFile(path, lambda line: None).save(presets)
    assert dict(PresetFile(path).open(info)) == {"fat": FAT}


def test_failed_save_raises_and_leaves_the_file_unchanged(info: ModelInfo, tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("in the way")
    presets = Presets(info, {"fat": FAT})
    with pytest.raises(PresetError, match="cannot write presets"):
        PresetFile(folder / "presets.json").save(presets)
    assert folder.read_text() == "in the way"


def test_folder_or_device_is_refused_as_a_preset_file(tmp_path: Path) -> None:
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(PresetError, match="is not a regular file"):
            PresetFile(path)


def test_number_of_presets_is_limited(info: ModelInfo) -> None:
    presets = Presets(info, {str(number): FAT for number in range(1000)})
    presets.store("7", THIN)
    with pytest.raises(ControlError, match="there are 1000 presets already"):
        presets.store("more", FAT)


def test_saves_of_several_threads_are_serialized(info: ModelInfo, tmp_path: Path) -> None:
    """Two threads save if the server ends during a save in the background."""
    shelf = PresetFile(tmp_path / "presets.json")
    presets = Presets(info, {str(number): FAT for number in range(100)})
    begin, failed = threading.Barrier(4), []

    def save() -> None:
        begin.wait()
        try:
            for _ in range(20):
                shelf.save(presets)
        except PresetError as error:
            failed.append(error)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert dict(shelf.open(info)) == dict(presets)
    assert {each.name for each in tmp_path.iterdir()} == {"presets.json", ".presets.json.lock"}


def test_two_servers_with_one_preset_file_keep_each_others_presets(info: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    first = Presets(info, {"old": FAT, "replaced": FAT, "deleted": FAT})
    PresetFile(path).save(first)
    shelves = PresetFile(path), PresetFile(path)
    one, other = (shelf.open(info) for shelf in shelves)
    one.store("of one", FAT)
    one.store("replaced", THIN)
    one.patterns.store("intro")
    other.store("of the other", THIN)
    other.delete("deleted")
    other.patterns.store("outro")
    other.last = Last(FAT, -6.0, "latch")
    for _ in range(2):
        shelves[0].save(one)
        shelves[1].save(other)
    found = PresetFile(path).open(info)
    assert dict(found) == {"old": FAT, "replaced": THIN, "of one": FAT, "of the other": THIN}
    assert found.patterns.named.keys() == {"intro", "outro"}
    assert found.last == other.last


def test_concurrent_saves_of_two_processes_lose_no_preset(
    info: ModelInfo, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "presets.json"
    code = (
        "import sys; from pathlib import Path\n"
        "from realtime.model import verify; from realtime.control.presets import PresetFile\n"
        "shelf = PresetFile(Path(sys.argv[1])); presets = shelf.open(verify.read(Path(sys.argv[2])).info)\n"
        "for number in range(20): presets.store(f'{sys.argv[3]} {number}', (0.0,) * 4); shelf.save(presets)\n"
    )
    command = [sys.executable, "-c", code, str(path), str(tiny_model)]
    programs = [subprocess.Popen([*command, name]) for name in ("a", "b")]
    assert [program.wait(60) for program in programs] == [0, 0]
    assert len(PresetFile(path).open(info)) == 40


def test_temporary_files_of_a_save_that_was_killed_are_removed(info: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    code = (
        "import os, sys; from pathlib import Path\n"
        "from realtime.control import presets\n"
        "os.fsync = lambda number: os._exit(0)\n"
        "presets.PresetFile._write(Path(sys.argv[1]), {})\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert len([*tmp_path.iterdir()]) == 1
    PresetFile(path).save(Presets(info, {"fat": FAT}))
    assert {each.name for each in tmp_path.iterdir()} == {"presets.json", ".presets.json.lock"}


def test_a_thousand_presets_are_read_and_any_others_are_reported_and_kept(
    info: ModelInfo, tmp_path: Path
) -> None:
    path, said = tmp_path / "presets.json", list[str]()
    points = {str(number): list(FAT) for number in range(1500)}
    path.write_text(json.dumps({FORMAT: 1, "models": {Presets(info).key: {"presets": points}}}))
    shelf = PresetFile(path, said.append)
    presets = shelf.open(info)
    assert list(presets) == [str(number) for number in range(1000)]
    assert said == [f"{path}: 500 presets exceed the limit of 1000 for a model and are left out"]
    presets.delete("0")
    shelf.save(presets)
    assert len(json.loads(path.read_text())["models"][presets.key]["presets"]) == 1499
