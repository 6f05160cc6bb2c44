"""`trainer play` does not overwrite a training run on one folder with a run on a different folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.play.__main__ import main
from export.play.job import SOURCE, Job
from export.play.learning import _run
from trainer import config as configs
from trainer.errors import TrainerError


def _job(data: Path, out: Path, *, force: bool = False) -> Job:
    return Job(data, out, configs.read(configs.DEFAULT), None, {"good": 1}, force)


def _folder(place: Path) -> Path:
    place.mkdir(parents=True)
    return place


def test_different_folder_with_the_same_name_does_not_replace_a_run(tmp_path: Path) -> None:
    first, second = (_folder(tmp_path / place / "My Samples") for place in ("one", "two"))
    run = _folder(tmp_path / "runs" / "My Samples")
    _folder(tmp_path / "runs" / "My Samples-2")
    _job(first, run).record_source()
    _job(first, run).check()
    with pytest.raises(
        TrainerError, match=r"was trained on .*one/My Samples.*--out '.*My Samples-3'.*--force"
    ):
        _job(second, run).check()
    _job(second, run, force=True).check()


def test_a_folder_that_has_moved_keeps_its_run(tmp_path: Path) -> None:
    first = _folder(tmp_path / "one" / "kit")
    run = _folder(tmp_path / "run")
    _job(first, run).record_source()
    moved = first.rename(tmp_path / "kit")
    _job(moved, run).check()


def test_a_run_without_a_record_of_its_folder_is_accepted(tmp_path: Path) -> None:
    run = _folder(tmp_path / "run")
    _job(_folder(tmp_path / "kit"), run).check()
    assert not (run / SOURCE).exists()


def test_a_file_cannot_be_the_folder_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(TrainerError, match=r"notes\.txt: it is a file; --out takes a folder"):
        _job(_folder(tmp_path / "kit"), tmp_path / "notes.txt", force=True).check()


def test_a_run_of_trainer_fit_is_not_continued(tmp_path: Path, tiny_run: Path) -> None:
    job = _job(_folder(tmp_path / "kit"), tiny_run)
    with pytest.raises(TrainerError, match="a run of `trainer fit`; choose another folder with --out"):
        _run(job, lambda done, total: None, print)
    assert not (tiny_run / SOURCE).exists()


def test_a_tilde_stands_for_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["~/no kit"]) == 2
    assert f"{tmp_path}/no kit: no such folder" in capsys.readouterr().err
