"""The metadata of an exported decoder."""

from __future__ import annotations

import torch

from export.describe import describe
from trainer.config import Config
from trainer.models.vae import build
from trainer.run.checkpoint import Anchors, Checkpoint

SMALL = {"sample_rate": 8000, "length": 1024, "latent_dim": 2, "hop_length": 64, "bands": 8, "hidden": 8}
CONFIG = Config.from_dict({"model": {"architecture": "modal", **SMALL, "values": 4, "modes": 8, "knots": 6}})


def test_a_centre_of_one_candidate_is_the_middle_point_of_the_class() -> None:
    torch.manual_seed(0)
    model = build(CONFIG.model, 1).eval()
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.5, 0.0], [0.0, 9.0]])
    anchors = Anchors(tuple("abcd"), (0, 0, 0, 0), points)
    saved = Checkpoint(CONFIG, model.state_dict(), ("kick",), anchors, "CC0-1.0", ())
    assert describe(saved, model, "kit", candidates=1).classes[0].centroid == (1.0, 0.0)
