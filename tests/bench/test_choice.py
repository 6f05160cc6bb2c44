"""Tests for the comparison of training runs with their validation sounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import choice
from trainer.data import splits

MakeRun = Callable[..., Path]


def test_only_validation_sounds_are_measured(make_run: MakeRun) -> None:
    evaluated = choice.load_for_validation(make_run(takes=8, validation_fraction=0.25), None)
    config = evaluated.saved.config
    parts = splits.parts(evaluated.sounds, config.data, config.fit.seed)
    assert evaluated.test.tolist() == parts.validation.tolist() != []
    others = {*evaluated.saved.anchors.names} | {evaluated.sounds.names[i] for i in parts.test.tolist()}
    assert not {*evaluated.names} & others


def test_the_command_compares_runs(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(make_run(name, takes=12, validation_fraction=0.4)) for name in ("one", "other")]
    assert choice.main([*runs, "--json"]) == 0
    one, other = json.loads(capsys.readouterr().out).values()
    assert one == other  # the runs have the same recipe and the same seed
    assert 0.0 <= one["1-NN"] <= 1.0 <= one["largest / mean step"] <= one["worst"]
    assert choice.main(runs) == 0
    assert "8 validation sounds" in capsys.readouterr().out


def test_measure_that_needs_more_sounds_is_printed_as_a_dash(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choice.main([str(make_run(takes=8, validation_fraction=0.25))]) == 0
    assert "highest deviation -" in capsys.readouterr().out


def test_runs_that_cannot_be_compared_are_refused(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    known = str(make_run("known", takes=12, validation_fraction=0.4))
    without = str(make_run("without", takes=12))
    assert choice.main([known, without]) == 2
    assert "trained without validation sounds" in capsys.readouterr().err
    assert choice.main([known, str(make_run("else", takes=12, validation_fraction=0.4, seed=1))]) == 2
    assert "their validation sounds differ" in capsys.readouterr().err
