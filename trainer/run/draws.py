"""Draws the sounds of an epoch in random order, mixes them and varies them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from trainer.components.analysis import Components
from trainer.components.crossing import Crossing
from trainer.components.variation import Variation
from trainer.data import sampling
from trainer.data.sampling import Batch
from trainer.run.state import State


def drawn(state: State, epoch: int, position: int = 0) -> Iterator[Batch]:
    """Yield an epoch's batches from `position` onwards; their draws depend only on the seed and the epoch."""
    config, size = state.config, state.config.fit.batch_size
    sounds, partners = sampling.augmented(state.targets, state.train, config.data.averages, config.fit.seed)
    strata = sampling.strata(state.sounds, sounds, config.data.balance)
    order = sampling.epoch_order(strata, torch.arange(len(sounds)), config.fit.seed, epoch)
    chosen = [(sounds[places], partners[places]) for places in order.split(size)]
    if config.data.leak:
        leaked = sampling.epoch_order(None, state.parts.test, config.fit.seed, epoch)
        chosen += [(indices, indices) for indices in leaked.split(size)]
    shift = round(config.data.shift_ms * config.model.sample_rate / 1000)
    variation = crossing = None
    if state.components is not None:
        crossing = Crossing(config.model) if config.data.mix else None
        variation = Variation(config.model, config.data)
    for step, (indices, others) in enumerate(chosen[position:], epoch * state.steps_per_epoch + position):
        source = sampling.generator(config.fit.seed, "shift", step)
        waveform, components = _mixed(state, indices, others, crossing, step)
        batch = sampling.batch(state.sounds, indices, shift, source, waveform)
        if variation is not None and components is not None:
            draws = sampling.generator(config.fit.seed, "vary", step)
            encoder_input, components = variation(batch.encoder_input, components, draws)
            batch = replace(batch, encoder_input=encoder_input, components=components)
        yield batch


def _mixed(
    state: State, indices: Tensor, others: Tensor, crossing: Crossing | None, step: int
) -> tuple[Tensor, Components | None]:
    """Return sounds [B, 1, T], each averaged or mixed with a sound of its class, and their components.

    Each sound is averaged with its partner in `others`, which may be the sound itself. With `[data] mix`,
    partners are drawn here for a fraction of the sounds. A sound with known components then gets the body of
    its partner (the part that the free oscillators play) instead of being averaged with the partner.
    """
    config, every = state.config, state.sounds.waveforms
    waveform = every[indices]
    components = None if state.components is None else state.components[indices]
    if config.data.mix:
        draws = sampling.generator(config.fit.seed, "mix", step)
        others = sampling.partners(indices, state.targets, state.train, config.data.mix, draws)
        if crossing and components and state.components and state.bodies is not None:
            bodies, theirs = state.bodies[indices].float(), state.bodies[others].float()
            return crossing(waveform, components, bodies, (state.components[others], theirs), draws)
    if not torch.equal(indices, others):
        waveform = (waveform + every[others]) / 2
    return waveform, components
