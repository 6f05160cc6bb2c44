"""The checkpoint from which the model `tiny_model` was exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export import models
from trainer.run.checkpoint import LAST, Checkpoint, write


@pytest.fixture(scope="session")
def tiny_checkpoint() -> Checkpoint:
    """The checkpoint from which `tiny_model` was exported."""
    return models.tiny()


@pytest.fixture
def tiny_run(tiny_checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """A run folder with `tiny_checkpoint` as its last checkpoint."""
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / LAST, tiny_checkpoint)
    return tmp_path / "run"
