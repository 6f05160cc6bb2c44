"""Makes sets of varied copies of the training sounds, and measures each set once; each epoch uses one set.

Without these sets, a training step spends most of its time on varying sounds and on computing their long
spectra, although neither task depends on the weights. The configuration key `[data] copies` gives the number
of sets; the first set is used again after the last set.

With `[loss] points`, a batch also contains an equal number of unvaried training sounds. The decoder learns
each of these sounds at the sound's own point, a position in latent space. Training changes the points, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from trainer.data import sampling
from trainer.data.sampling import Batch
from trainer.models.modal_encoder import ModalEncoder
from trainer.run.draws import drawn
from trainer.run.state import State

ORIGINALS = -1
"""Index that stands for the set of unvaried sounds."""
POINT_RATE = 0.02
"""Learning rate of the points, before the schedule scales it."""
AT_ONCE = 64
"""Number of sounds that are encoded at once."""


def batches(state: State) -> Iterator[Batch]:
    """Yield the remaining batches of the current epoch; a batch contains measurements instead of sounds."""
    config, size = state.config, state.config.fit.batch_size
    copies = _set(state, state.epoch % config.data.copies)
    order = sampling.epoch_order(None, torch.arange(len(copies)), config.fit.seed, state.epoch).split(size)
    if state.points is None:
        yield from map(copies.some, order[state.position :])
        return
    originals = _set(state, ORIGINALS)
    beside = torch.randperm(len(originals), generator=sampling.generator(config.fit.seed, "own", state.epoch))
    for rows, own in list(zip(order, beside.split(size), strict=True))[state.position :]:
        yield sampling.joined((copies.some(rows), originals.some(own)), len(own))


@torch.no_grad()
def give_points(state: State, points: Tensor | None = None) -> None:
    """Give each training sound its own point, and add the points to the parameters of the run's optimiser.

    The run must have exactly one optimiser.

    Args:
        points: positions in latent space, [training sounds, D]; None uses the positions that the encoder
            returns for the sounds.
    """
    if points is None:
        state.model.eval()
        originals = _set(state, ORIGINALS)
        parts = [
            originals.some(rows).to(state.device) for rows in torch.arange(len(originals)).split(AT_ONCE)
        ]
        points = torch.cat([state.model.encode(part.input)[0] for part in parts])
    every = points.new_zeros(len(state.sounds.names), points.shape[1])
    every[state.train] = points
    state.points = nn.Parameter(every.to(state.device))
    (optimiser,) = state.optimisers.values()
    group = {"params": [state.points], "lr": POINT_RATE, "base_lr": POINT_RATE, "weight_decay": 0.0}
    optimiser.add_param_group(group)


@torch.no_grad()
def _set(state: State, number: int) -> Batch:
    """Return the set of copies with the index `number`; the first call for an index makes the set."""
    if number not in state.copies:
        batches = _originals(state) if number == ORIGINALS else drawn(state, number)
        state.copies[number] = _measured(cast(ModalEncoder, state.model.encoder), batches, state.device)
    return state.copies[number]


def _originals(state: State) -> Iterator[Batch]:
    assert state.components is not None
    for indices in state.train.split(state.config.fit.batch_size):
        yield replace(sampling.batch(state.sounds, indices), components=state.components[indices])


def _measured(encoder: ModalEncoder, batches: Iterator[Batch], device: torch.device) -> Batch:
    """Join the batches into one batch, which contains measurements instead of sounds."""
    parts = []
    for batch in batches:
        empty = batch.encoder_input[:, 0, :0]
        measured = encoder.measure(batch.encoder_input.to(device)).light().to(batch.encoder_input.device)
        parts.append(replace(batch, waveform=empty, encoder_input=empty, measured=measured))
    return sampling.joined(parts)
