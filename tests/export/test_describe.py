"""Tests for the metadata of an exported decoder."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import nn

from export import first_morph
from export.describe import describe
from realtime.model.schema import ModelInfo
from trainer.config import Config
from trainer.models.modal import ModalDecoder
from trainer.models.vae import build
from trainer.run import checkpoint
from trainer.run.base import BASE
from trainer.run.checkpoint import Anchors, Checkpoint

SMALL = {"sample_rate": 8000, "length": 1024, "latent_dim": 2, "hop_length": 64, "bands": 8, "hidden": 8}
CONFIG = Config.from_dict({"model": {"architecture": "modal", **SMALL, "values": 4, "modes": 8, "knots": 6}})


def test_a_centre_chosen_from_one_candidate_is_the_middle_point_of_the_class() -> None:
    torch.manual_seed(0)
    model = build(CONFIG.model, 1).eval()
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.5, 0.0], [0.0, 9.0]])
    anchors = Anchors(tuple("abcd"), (0, 0, 0, 0), points)
    saved = Checkpoint(CONFIG, model.state_dict(), ("kick",), anchors, "CC0-1.0", ())
    assert describe(saved, model, "kit", candidates=1).classes[0].centroid == (1.0, 0.0)


@pytest.mark.parametrize("seed", range(6))
@torch.no_grad()
def test_centre_of_a_pitched_class_does_not_have_a_faint_pitch(seed: int) -> None:
    """All sounds are one oscillator, so all pitches are equally clear. The first sound is faint, but for some
    encoders the most typical."""
    torch.manual_seed(seed)
    model = build(CONFIG.model, 1).eval()
    decoder = cast(ModalDecoder, model.decoder)
    layers = [layer for layer in decoder.hidden if isinstance(layer, nn.Linear)]
    for weights in (*(layer.weight for layer in layers), decoder.knot_values):
        weights.zero_()
        weights[..., 0, 0] = 1.0
    decoder.levels.weight.fill_(1.0)
    decoder.levels.bias.fill_(-12.0)
    decoder.levels.bias[CONFIG.model.bands] = -4.0
    points = torch.tensor([[0.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
    anchors = Anchors(tuple("abc"), (0, 0, 0), points)
    saved = Checkpoint(CONFIG, model.state_dict(), ("kick",), anchors, "CC0-1.0", ())
    assert describe(saved, model, "kit").classes[0].centroid[0] == 2.0


@torch.no_grad()
def test_proposed_morph_is_the_best_one_between_the_class_centres() -> None:
    torch.manual_seed(0)
    model = build(CONFIG.model, 3).eval()
    points = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    anchors = Anchors(tuple("abc"), (0, 1, 2), points)
    saved = Checkpoint(CONFIG, model.state_dict(), ("kick", "snare", "tom"), anchors, "CC0-1.0", ())
    info = describe(saved, model, "kit")
    assert info.morph is not None
    assert info.morph == first_morph.find(model.decode(points)[:, 0].numpy(), CONFIG.model.sample_rate)
    assert ModelInfo.from_metadata(info.to_metadata()) == info


@torch.no_grad()
def test_centre_is_not_a_sound_that_is_nearer_to_another_class() -> None:
    """The most typical snare of the bundled drums is nearer to the rims."""
    base = checkpoint.load(BASE)
    kept = [k for k, label in enumerate(base.anchors.labels) if base.classes[label] in ("rim", "snare")]
    labels = tuple(int(base.classes[base.anchors.labels[k]] == "snare") for k in kept)
    points = base.anchors.mean[kept].float()
    anchors = Anchors(tuple(base.anchors.names[k] for k in kept), labels, points)
    saved = replace(base, classes=("rim", "snare"), anchors=anchors)
    model = build(base.config.model, len(base.classes)).eval()
    checkpoint.fill(model, base)
    centre = torch.tensor(describe(saved, model, "kit").classes[1].centroid)
    (again,) = model.encode(model.decode(centre[None]))[0]
    rim, snare = (torch.cdist(again[None], points[torch.tensor(labels) == label]).mean() for label in (0, 1))
    assert snare < rim
