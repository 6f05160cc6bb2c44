"""Tests for the listener (a classifier trained on real sounds), and for comparisons of a run's sounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import hearing
from bench.sounds import listener
from trainer.data.mfcc_dtw import Settings, features
from trainer.evaluation import subject

RATE = 8000
Tones = Callable[[torch.Tensor], torch.Tensor]


def test_a_listener_classifies_sounds_that_it_was_not_trained_on(
    monkeypatch: pytest.MonkeyPatch, tones: Tones
) -> None:
    monkeypatch.setattr(listener, "STEPS", 60)
    torch.manual_seed(0)
    low, high = 200 + 80 * torch.rand(20), 1500 + 500 * torch.rand(20)
    sounds, labels = tones(torch.cat((low, high))), torch.arange(2).repeat_interleave(20)
    ear = listener.fit(sounds[::2], labels[::2], RATE)
    assert torch.equal(ear.probabilities(sounds[1::2]).argmax(1), labels[1::2])


def test_unevenness_is_1_for_even_steps_and_their_number_for_a_single_jump(tones: Tones) -> None:
    even = [np.full((3, 2), float(k)) for k in range(5)]
    assert hearing.unevenness(even) == pytest.approx(1.0)
    jump = [np.zeros((3, 2))] * 4 + [np.ones((3, 2))]
    assert hearing.unevenness(jump) == pytest.approx(4.0)
    real = [features(sound[0].numpy(), Settings()) for sound in tones(torch.tensor([200.0, 210.0, 1900.0]))]
    assert 1.0 < hearing.unevenness(real) <= 2.0


def test_the_command_reports_a_run(
    make_run: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(listener, "STEPS", 2)
    out = make_run()
    results = hearing.measure(subject.load(out))
    assert results["listener was trained on"] == "8 of sounds unknown to the run"
    assert 0.0 < float(str(results["STFT distance: nearest training sound"])) < 1.0
    assert hearing.main([str(out)]) == 0
    assert "listener: class centres" in capsys.readouterr().out
    assert hearing.main([str(tmp_path)]) == 2
