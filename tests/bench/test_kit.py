"""Tests for the distance between a model's sounds and the recordings on which its base was trained.

The base is the trained model from which a training run starts.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import soundfile
import torch

from bench import kit
from trainer.data.audio import read
from trainer.errors import TrainerError
from trainer.models.vae import build
from trainer.run import checkpoint
from trainer.run.base import BASE, adopt
from trainer.run.checkpoint import Checkpoint
from trainer.run.state import State

MEASURED = 4


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """The bundled base; the measurement is limited to `MEASURED` of its training sounds."""
    monkeypatch.setattr(kit, "BASE", MEASURED)
    return checkpoint.load(BASE)


@pytest.fixture
def state(base: Checkpoint) -> State:
    """The state of a training run with the weights of the base."""
    model = build(base.config.model, len(base.classes)).eval()
    adopt(model, base)
    return cast(State, SimpleNamespace(model=model, config=base.config))


@pytest.fixture
def folder(tmp_path: Path, base: Checkpoint, state: State) -> Path:
    """A folder with the base's recordings; sounds that the base decodes replace the real recordings."""
    for place in torch.linspace(0, len(base.anchors.names) - 1, MEASURED).round().long().tolist():
        path = tmp_path / f"{base.anchors.names[place]}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with torch.no_grad():
            sound = state.model.decode(base.anchors.mean[place : place + 1].float())[0, 0].numpy()
        soundfile.write(path, sound / np.abs(sound).max(), base.config.model.sample_rate, subtype="FLOAT")
    return tmp_path


def test_recordings_of_the_base_are_read_once_for_all_results(
    base: Checkpoint, state: State, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = list[Path]()

    def counted(path: Path) -> Any:
        paths.append(path)
        return read(path)

    monkeypatch.setattr("bench.kit.read", counted)
    recordings = kit.Recordings(folder)
    first, second = (recordings.distance_db(state, base) for _ in range(2))
    assert len(paths) == len(set(paths)) == MEASURED
    assert first == second
    assert first < 0.5  # dB: the decoder reproduces these recordings; only their preparation changes them


def test_missing_recording_of_the_base_is_named(base: Checkpoint, state: State, tmp_path: Path) -> None:
    name = base.anchors.names[0]
    with pytest.raises(
        TrainerError, match=rf"{tmp_path}: no recording {name}, on which the base was trained"
    ):
        kit.Recordings(tmp_path).distance_db(state, base)
