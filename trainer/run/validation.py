"""Validates a model in training, and encodes its anchors: the training sounds as points in latent space."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from trainer.data import sampling
from trainer.losses.terms import head_terms, variational_terms, weights
from trainer.run.checkpoint import Anchors
from trainer.run.state import State


@torch.no_grad()
def encode(state: State, indices: Tensor) -> Tensor:
    """Return the encoder's means of the sounds with these indices, [N, D], on the CPU."""
    if not len(indices):
        return torch.empty(0, state.config.model.latent_dim)
    parts = indices.split(state.at_once)
    return torch.cat(
        [state.model.encode(state.sounds.waveforms[part].to(state.device))[0].cpu() for part in parts]
    )


def encode_anchors(state: State) -> Anchors:
    """Return the anchors: the learnt points of the training sounds, or else the encoder's points for them."""
    state.model.eval()
    names = tuple(state.sounds.names[i] for i in state.train.tolist())
    points = encode(state, state.train) if state.points is None else state.points.detach().cpu()[state.train]
    return Anchors(names, tuple(state.sounds.labels[state.train].tolist()), points)


def nearest_neighbour(known: Tensor, labels: Tensor, points: Tensor, truth: Tensor) -> float:
    """Return the fraction of points [M, D] whose nearest known point [N, D] has the same label."""
    nearest = torch.cdist(points, known).argmin(1)
    return (labels[nearest] == truth).double().mean().item()


def leave_one_out(points: Tensor, labels: Tensor) -> float:
    """Return the fraction of points [N, D] whose nearest other point has the same label."""
    if len(points) < 2:
        return 0.0
    nearest = torch.cdist(points, points).fill_diagonal_(math.inf).argmin(1)
    return (labels[nearest] == labels).double().mean().item()


@torch.no_grad()
def validate(state: State) -> dict[str, Any]:
    """Measure the current model, and encode the anchors.

    Returns:
        "validation": the losses by name on the validation sounds at z = mean ({} without such sounds);
        "nearest_neighbour": 1-NN (nearest-neighbour) accuracy of the validation sounds among the training
        sounds (None without validation sounds);
        "leave_one_out": 1-NN accuracy within the training sounds.
    """
    state.anchors = encode_anchors(state)
    config, known, labels = state.config, state.anchors.mean, torch.tensor(state.anchors.labels)
    found: dict[str, Any] = {
        "validation": {},
        "nearest_neighbour": None,
        "leave_one_out": leave_one_out(known, labels),
    }
    held_out = state.parts.validation
    if not len(held_out):
        return found
    values: dict[str, float] = {}
    means = []
    for indices in held_out.split(state.at_once):
        part = sampling.batch(state.sounds, indices).to(state.device)
        output = state.model(part.encoder_input)
        terms = variational_terms(output, part.waveform, config.loss, config.model.sample_rate)
        terms |= head_terms(output.heads, state.targets[indices].to(state.device))
        means.append(output.mean.cpu())
        for name, term in terms.items():
            values[name] = values.get(name, 0.0) + term.item() * len(part) / len(held_out)
    truth = state.sounds.labels[held_out]
    found["validation"] = values
    found["nearest_neighbour"] = nearest_neighbour(known, labels, torch.cat(means), truth)
    return found


def criterion(state: State, record: dict[str, Any]) -> float | None:
    """Return the weighted validation loss, which determines the best checkpoint; None if not measured."""
    values, heads = record.get("validation"), state.config.model.heads
    if not values:
        return None
    weight = weights(dataclasses.replace(state.config.loss, kl_warmup_epochs=0), state.epoch, heads)
    return sum(weight[name] * value for name, value in values.items())
