"""Tests for when `trainer play` exports new versions of a model, and for the training times that it prints.

A quality stands for a number of passes over the sounds; the time for these passes depends on the machine.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from export.play.__main__ import QUALITIES
from export.play.job import Job
from export.play.learner import _report_nothing
from export.play.learning import Watcher, _result, pause_s
from export.play.published import Published
from trainer.config import Config
from trainer.run.adapt import Adaptation, nothing


class Slow(Published):
    """Makes versions, each of which takes `TOOK_S` seconds on the test's clock; keeps the model file."""

    TOOK_S = 60.0

    def __init__(self, path: Path, clock: list[float]) -> None:
        super().__init__(path)
        self.clock, self.begun = clock, list[float]()

    def offer(self, run: Adaptation, look: object = nothing) -> None:
        self.begun.append(self.clock[0])
        self.clock[0] += self.TOOK_S


def test_a_version_that_takes_a_minute_is_followed_by_another_after_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    job = Job(tmp_path, tmp_path, Config(), None, QUALITIES)
    published = Slow(tmp_path / "kit.onnx", clock)
    watcher = Watcher(job, None, published, nothing, lambda: False)  # type: ignore[arg-type]
    while clock[0] < 1000 + 8 * 60:  # eight minutes; a pass over the sounds takes a second
        watcher.offer_when_due()
        clock[0] += 1
    assert published.begun == [1010, 1130, 1250, 1370]


@pytest.mark.parametrize(
    ("took_s", "pause"), [(0.2, 10), (1, 10), (3, 30), (5.9, 59), (20, 60), (60, 60), (150, 150)]
)
def test_pause_after_a_version_grows_with_the_time_that_the_version_took(took_s: float, pause: float) -> None:
    assert pause_s(took_s) == pytest.approx(pause)


def _watched(tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> Watcher:
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    job = Job(tmp_path, tmp_path, Config(), None, {"sketch": 60, "good": 200})
    return Watcher(job, None, Slow(tmp_path / "kit.onnx", clock), nothing, lambda: False)  # type: ignore[arg-type]


def test_total_time_of_each_quality_includes_the_analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    watcher = _watched(tmp_path, clock, monkeypatch)
    clock[0] += 40 + 2  # the analysis takes 40 s, and the first pass 2 s
    watcher.finished_epoch({"epoch": 1, "seconds": 2.0})
    assert capsys.readouterr().out == (
        "total time, with the analysis, of each --quality on this machine: "
        "sketch 2 min 40 s, good 7 min 20 s\n"
    )


def test_continued_run_prints_the_time_left_for_each_quality(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    watcher = _watched(tmp_path, clock, monkeypatch)
    clock[0] += 1 + 2  # reading the stored analysis takes 1 s, and the pass 2 s
    watcher.finished_epoch({"epoch": 101, "seconds": 2.0})
    assert capsys.readouterr().out == "time left for each --quality on this machine: good 3 min 21 s\n"


def test_analysis_of_the_sounds_is_announced_once_and_only_if_it_takes_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    _watched(tmp_path, clock, monkeypatch).analysed(6, 6)
    assert capsys.readouterr().out == ""
    watcher = _watched(tmp_path, clock, monkeypatch)
    for done in range(7):
        watcher.analysed(done, 6)
    assert capsys.readouterr().out.count("analysing your sounds: ") == 1


def test_stopped_run_counts_its_own_passes_and_prints_the_distance_with_two_digits(tmp_path: Path) -> None:
    job = Job(tmp_path, tmp_path, Config().replace("fit", epochs=200), None, QUALITIES)
    state = SimpleNamespace(epoch=800, config=Config().replace("fit", epochs=800))
    published = Published(tmp_path / "kit.onnx")
    published.distance_db = 0.6
    first, _, saved, _ = _result(job, SimpleNamespace(state=state), published, stopped=True)  # type: ignore[arg-type]
    assert first == "0.60 dB from your sounds on average: near"
    assert saved.startswith("saved after 800 of 800 passes; ")


def test_early_stop_names_the_model_of_an_earlier_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(tmp_path / "kit", tmp_path, Config(), None, QUALITIES)
    _report_nothing(job)
    assert capsys.readouterr().out == "no new version was saved\n"
    job.model.touch()
    _report_nothing(job)
    assert f"; to play the model: {job.serve_command}\n" in capsys.readouterr().out
