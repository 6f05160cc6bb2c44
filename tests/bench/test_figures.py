"""Tests for the figure that compares training runs; each run has a column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from matplotlib import image

from bench import figures
from trainer.evaluation import subject


def test_each_run_has_a_column(
    make_run: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, output = make_run(takes=8), tmp_path / "figure.png"
    evaluated = subject.load(run)
    outputs = subject.outputs_of(evaluated)
    sounds = figures.path(evaluated, outputs, (0, 1))
    torch.testing.assert_close(sounds[0], outputs.learned_audio[0, 0])
    torch.testing.assert_close(sounds[-1], outputs.learned_audio[1, 0])

    widths = []
    for runs in ([run], [run, run / "last.safetensors"]):
        assert figures.main([*map(str, runs), "-o", str(output)]) == 0
        widths.append(image.imread(output).shape[1])
    assert widths[1] == 2 * widths[0]
    assert figures.main([str(tmp_path / "sounds"), "-o", str(output)]) == 2
    assert capsys.readouterr().err.startswith("bench.figures: ")
