"""Tests for the modal model's encoder. One of its branches, the body, measures the pitch of a drum."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer.components.layout import MIDDLE_HZ
from trainer.config import ModelConfig
from trainer.models.modal_encoder import ModalEncoder

RATE, LENGTH, DIM = 44_100, 32_768, 6
CONFIG = ModelConfig("modal", RATE, LENGTH, DIM, bands=6, hidden=12, values=5, modes=9, knots=9)


def _encoder() -> ModalEncoder:
    torch.manual_seed(0)
    return ModalEncoder(CONFIG).eval()


def _tone(hz: float) -> Tensor:
    time = np.arange(LENGTH) / RATE
    tone = np.sin(2 * np.pi * hz * time) * np.exp(-4 * time)
    return torch.from_numpy(tone + 0.3 * np.sin(2 * np.pi * 1900.0 * time)).float()[None, None]


@pytest.mark.parametrize("hz", [41.0, 77.7, 163.0, 440.0])
def test_the_measured_pitch_is_that_of_the_lowest_partial(hz: float) -> None:
    encoder = _encoder()
    course = encoder.mean.in_features - 96 - 2 * len(encoder.peak_windows)
    with torch.no_grad():
        measured = encoder.features(_tone(hz))[0, course]
    assert MIDDLE_HZ * math.exp(measured.item()) == pytest.approx(hz, rel=0.01)


def test_the_first_coordinate_of_z_depends_only_on_the_body() -> None:
    encoder = _encoder().train()
    body = 96 + 2 * len(encoder.peak_windows)
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=0.1, weight_decay=0.01)
    encoder(_tone(80.0))[0].sum().backward()
    optimiser.step()
    first, others = encoder.mean.weight[0], encoder.mean.weight[1:]
    assert not first[:-body].any()
    assert first[-body:].all()
    assert others[:, :-body].any()


def test_a_sound_shorter_than_the_windows_can_be_encoded() -> None:
    short = ModalEncoder(ModelConfig("modal", 16_000, 1280, DIM, bands=6, hidden=12, modes=9, knots=9))
    mean, log_var = short(torch.zeros(2, 1, 1280))
    assert mean.shape == log_var.shape == (2, DIM)
    assert mean.isfinite().all()
