"""The model files in tests/models, which the tests of `realtime` play, equal newly exported model files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from tests.export.models import CHECKPOINTS, FOLDER, exported


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_stored_test_model_equals_a_new_export(name: str, tmp_path: Path) -> None:
    kept, made = (Decoder(path) for path in (FOLDER / f"{name}.onnx", exported(name, tmp_path)))
    assert kept.info.config_hash == made.info.config_hash
    for ours, theirs in zip(kept.info.anchors, made.info.anchors, strict=True):
        assert (ours.name, ours.label) == (theirs.name, theirs.label)
        assert ours.z == pytest.approx(theirs.z, abs=1e-5)
    z = np.random.default_rng(0).standard_normal((1, kept.info.latent_dim)).astype(np.float32)
    np.testing.assert_allclose(kept.decode(z), made.decode(z), atol=1e-5)
    sound = np.random.default_rng(1).uniform(-1, 1, kept.info.length).astype(np.float32)
    points = [
        Encoder(encoder_path(decoder.path)).encode(sound, kept.info.sample_rate) for decoder in (kept, made)
    ]
    assert points[0] == pytest.approx(points[1], abs=1e-5)
