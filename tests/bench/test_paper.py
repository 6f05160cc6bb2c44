"""Tests for training runs that follow the paper's protocol: configurations, commands and table of results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import paper
from trainer import config as configs


@pytest.mark.parametrize("name", paper.RUNS)
def test_run_differs_from_its_bundled_configuration_only_in_speaker_and_use_of_test_sounds(name: str) -> None:
    config = paper.configuration(name, "*_theo_*")
    assert config.data.leak == (name == "paper_dc_leak")
    bundled = configs.read("paper_dc" if config.data.leak else name)
    assert config.replace("data", leak=False, include="") == bundled


def test_a_run_is_started_resumed_or_skipped_if_it_is_finished(tmp_path: Path) -> None:
    run, data = tmp_path / "paper_cc", tmp_path / "sounds"
    words = paper.command(run, data, "*", [])
    assert words is not None
    assert words[words.index("--config") + 1] == str(tmp_path / "paper_cc.toml")
    assert configs.read(str(tmp_path / "paper_cc.toml")) == paper.configuration("paper_cc", "*")

    run.mkdir()
    (run / "last.safetensors").touch()
    (run / "config.toml").write_text(paper.configuration("paper_cc", "*").replace("fit", epochs=2).to_toml())
    (run / "log.jsonl").write_text(json.dumps({"epoch": 1, "seconds": 90.0}) + "\n")
    assert (paper.command(run, data, "*", []) or [])[-2:] == ["--resume", str(run)]
    (run / "log.jsonl").write_text('{"seconds": 90.0}\n' * 2)
    assert paper.command(run, data, "*", []) is None
    assert (paper.command(run, data, "*", ["--epochs", "3"]) or [])[-2:] == ["--resume", str(run)]


def test_table_has_a_column_for_each_run() -> None:
    found = {
        "nearest_neighbour": 0.96,
        "classifier": None,
        "classes": [{"name": "six", "centre": {"mean": -0.316}}, {"name": "two", "centre": {"mean": None}}],
        "average": {
            name: {"mean": value}
            for name, value in {"centre": 0.5, "centre_at_peak": -0.1, "learned_centre": 1.0}.items()
        },
        "learned_snr_db": {"median": 6.04},
        "snr_db": {"median": -0.2},
        "stft_distance": {"median": 2.5},
        "run": {"epoch": 117, "step": 19656},
    }
    logs = {name: [{"seconds": 90.0}, {"seconds": 30.0}] for name in ("a", "b")}
    lines = paper.table({"a": found, "b": found}, logs).splitlines()
    assert lines[0] == "| | a | b |"
    assert "| deviation, six | −0.32 | −0.32 |" in lines
    assert "| deviation, two | – | – |" in lines
    assert "| classifier, on test sounds | – | – |" in lines
    assert "| SNR of test reconstructions, median | −0.2 dB | −0.2 dB |" in lines
    assert lines[-2:] == ["| epochs; steps | 117; 19656 | 117; 19656 |", "| minutes | 2.0 | 2.0 |"]
