"""Tests for the loss term that compares the modal decoder's parameters with the components of recordings.

The components are the partials and noise bands of a sound; modes are its ringing partials.
"""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from trainer.components.analysis import Components
from trainer.config import ModelConfig
from trainer.losses.components import AUDIBLE, component_term, components_at
from trainer.models.modal import ModalDecoder

SMALL = ModelConfig(
    "modal", 16_000, 60 * 32, 4, hop_length=32, bands=6, hidden=12, values=5, modes=7, knots=9
)


@pytest.fixture
def decoder() -> ModalDecoder:
    torch.manual_seed(0)
    made = ModalDecoder(SMALL)
    with torch.no_grad():
        made.levels.bias.fill_(-2.0)
        made.mode_heads.bias[: SMALL.modes].fill_(-2.0)
        made.presence.bias.fill_(30.0)
    return made


@torch.no_grad()
def _own(decoder: ModalDecoder, z: torch.Tensor) -> Components:
    """Return the components of the sound that the decoder makes at z, a position in latent space."""
    hidden, found = decoder.hidden(z), decoder.pitch(z)
    levels, (level, decay) = decoder.knot_levels(hidden), decoder.mode_levels(hidden)
    end = (decoder.end_frame(hidden) - decoder.gate_frames) * decoder.hop_length / decoder.sample_rate
    return Components(
        log_f1=found["log_f1"],
        sweep=found["sweep"],
        log_tau=found["log_tau"],
        log_ratio=found["log_ratio"],
        free_level=levels[..., decoder.bands :],
        phase=decoder.first_phase(hidden),
        free_weight=torch.ones(len(z), 4),
        log_mode=found["log_mode"],
        log_level=level,
        log_decay=decay.log(),
        mode_weight=torch.ones_like(level),
        noise_level=levels[..., : decoder.bands],
        ringing=decoder.ringing_share(hidden),
        end_s=end,
    )


Z = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))


def test_the_term_is_zero_for_the_components_of_the_decoder_itself(decoder: ModalDecoder) -> None:
    assert component_term(decoder, Z, _own(decoder, Z)).item() == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(Components) if "weight" not in field.name]
)
def test_a_difference_in_any_component_raises_the_term(decoder: ModalDecoder, name: str) -> None:
    own = _own(decoder, Z)
    moved = dataclasses.replace(own, **{name: getattr(own, name) + 0.05})
    z = Z.clone().requires_grad_()
    term = component_term(decoder, z, moved)
    assert term.item() > 1e-4
    term.backward()
    assert z.grad is not None
    assert z.grad.abs().max() > 0
    learns = any(p.grad is not None and p.grad.abs().max() > 0 for p in decoder.parameters())
    assert learns == (name != "log_f1")  # no weight affects f1: the first coordinate of z is the pitch


def test_term_is_smallest_if_a_modes_probability_is_the_fraction_of_sounds_with_the_mode(
    decoder: ModalDecoder,
) -> None:
    own = _own(decoder, Z)
    sometimes = dataclasses.replace(own, mode_weight=torch.full_like(own.mode_weight, 0.25))
    with torch.no_grad():
        decoder.presence.weight.zero_()
        terms = []
        for odds in (0.1, 1 / 3, 1.0):
            decoder.presence.bias.fill_(math.log(odds))
            terms.append(component_term(decoder, Z, sometimes).item())
    assert terms[1] == min(terms)


def test_a_decoder_trained_on_its_own_components_keeps_the_probabilities_of_its_modes(
    decoder: ModalDecoder,
) -> None:
    with torch.no_grad():
        decoder.presence.bias.fill_(-1.0)
        own = components_at(decoder, Z)
    component_term(decoder, Z, own).backward()
    assert decoder.presence.bias.grad is not None
    assert decoder.presence.bias.grad.abs().max() < 1e-6


@torch.no_grad()
def test_differences_of_inaudible_levels_do_not_count(decoder: ModalDecoder) -> None:
    own = _own(decoder, Z)
    silent = torch.full_like(own.noise_level, AUDIBLE - 6.0)
    decoder.levels.weight[: decoder.bands] = 0.0
    decoder.levels.bias[: decoder.bands] = AUDIBLE - 9.0
    assert component_term(decoder, Z, dataclasses.replace(own, noise_level=silent)).item() < 0.01


@torch.no_grad()
def test_frequencies_count_only_where_the_sound_is_tonal(decoder: ModalDecoder) -> None:
    own = _own(decoder, Z)
    noisy = dataclasses.replace(own, free_weight=torch.zeros(3, 4), log_f1=own.log_f1 + 1.0)
    assert component_term(decoder, Z, noisy).item() == pytest.approx(0.0, abs=1e-4)
