"""The loss term that makes the loudness change evenly along the path from one sound to another.

The loudness of a drum is its energy in the first 0.4 s, the block of ITU-R BS.1770, with the K-weighting of
this standard. It follows from the parameters of the modal decoder, so no sound is decoded. z is a point in
latent space.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainer.components.layout import FREE, band_middles_hz
from trainer.models.modal import LOUDEST, LOUDEST_MODE, ModalDecoder

BLOCK_S = 0.4
SILENT = 1e-9
"""Energy, in s, that is added to that of every sound: silence then has a finite logarithm."""
SOFT = 1e-3
"""Energy of a band in an interval, or of a mode, relative to the largest, below which its share of the
gradient falls; louder ones have equal shares."""
FLAT = 1e-3
"""Change of a log power between two knots below which the mean power is computed by a series."""
K_WEIGHTING = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
"""Coefficients (b, a) of the two filters in tables 1 and 2 of BS.1770, for `K_RATE`."""
K_RATE = 48_000.0


def k_weighting(hz: Tensor) -> Tensor:
    """Return the factor, in power, of the K-weighting at frequencies in Hz of any shape, float64."""
    turn = hz.double() * (2.0 * math.pi / K_RATE)
    gain = torch.ones_like(turn)
    for zeros, poles in K_WEIGHTING:
        gain = gain * _power(zeros, turn) / _power(poles, turn)
    return gain


def log_energy(decoder: ModalDecoder, z: Tensor) -> Tensor:
    """Return the loudness of the sounds at z [B, D] as the natural logarithm of an energy: [B].

    The energy is the K-weighted energy of the first 0.4 s: a sum over noise bands and oscillators, as if they
    did not interfere. The gradient is not that of the sum, which would raise the loudest band at its loudest
    moment, and no other: descending it would make a click. Instead, it moves all audible levels.
    """
    hidden = decoder.hidden(z)
    knot_levels = decoder.knot_levels(hidden).clamp(max=LOUDEST)
    mode_level, decay = decoder.mode_levels(hidden)
    mode_level = mode_level.clamp(max=LOUDEST_MODE)
    with torch.no_grad():
        cells = _energies(decoder, z, hidden, knot_levels, mode_level, decay)
        audible = cells / (cells + SOFT * cells.amax(1, keepdim=True) + SILENT)
    levels = torch.cat((0.5 * (knot_levels[:, :-1] + knot_levels[:, 1:]).flatten(1), mode_level), 1)
    moved = 2.0 * (audible * levels).sum(1) / audible.sum(1)
    return (cells.sum(1) + SILENT).log() + moved - moved.detach()


def _energies(
    decoder: ModalDecoder, z: Tensor, hidden: Tensor, knot_levels: Tensor, mode_level: Tensor, decay: Tensor
) -> Tensor:
    """Return the K-weighted energies of the sounds at z [B, D], in the first 0.4 s: [B, cells].

    The cells are each noise band and free oscillator in each interval between two knots, then each mode.
    """
    found, hop_s = decoder.pitch(z), decoder.hop_length / decoder.sample_rate
    end = (decoder.end_frame(hidden) - 0.5 * decoder.gate_frames) * hop_s
    end = end.clamp(min=hop_s, max=BLOCK_S)[:, None]
    knots = decoder.knot_frame.to(z) * hop_s
    since, length = knots[:-1], knots.diff()
    inside = ((end - since) / length).clamp(0.0, 1.0)  # share of each interval before the end, [B, knots - 1]

    bands = torch.from_numpy(band_middles_hz(decoder.bands, decoder.sample_rate)).to(z.device)
    at_knots = {name: value[:, None] for name, value in found.items()}
    middles = (since + 0.5 * length).expand(len(z), -1)
    free_hz = decoder.free_hz(at_knots, middles)
    weight = torch.cat(
        (k_weighting(bands).to(z).expand(*middles.shape, -1), 0.5 * k_weighting(free_hz).to(z)), 2
    )
    mean = _mean_power(decoder, knot_levels, inside)
    between = (mean * weight * (inside * length)[..., None]).flatten(1)
    mode = 0.5 * decoder.mode_gate(hidden).square() * (2.0 * mode_level).exp()
    mode = mode * k_weighting(found["log_mode"].exp()).to(z)
    return torch.cat((between, mode * -torch.expm1(-2.0 * decay * end) / (2.0 * decay)), 1)


def loudness_term(decoder: ModalDecoder, z: Tensor, between: Tensor) -> Tensor:
    """Return the mean distance, in nepers, of the loudness from the straight line between two sounds.

    Args:
        z: points [B, D]; the paths lead from point 0 to point 1, from 2 to 3, …
        between: the position on each path at which the loudness is compared, 0 to 1: [B // 2], at least one.
    """
    pairs = len(between)
    first, second = z[: 2 * pairs : 2], z[1 : 2 * pairs : 2]
    places = torch.cat((first, second, torch.lerp(first, second, between[:, None])))
    one, other, middle = log_energy(decoder, places).chunk(3)
    return 0.5 * (middle - torch.lerp(one, other, between)).abs().mean()


def _mean_power(decoder: ModalDecoder, levels: Tensor, inside: Tensor) -> Tensor:
    """Return the mean power of noise bands and free oscillators in each interval between two knots.

    Within a frame, amplitudes change linearly; from frame to frame, log levels do. At the start of a sound,
    oscillators and low bands fade in.

    Args:
        levels: log levels at the knots, [B, knots, bands + FREE].
        inside: share of each interval before the end of the sound, [B, knots - 1].

    Returns:
        [B, knots - 1, bands + FREE].
    """
    before, after = levels[:, :-1].exp(), levels[:, 1:].exp()
    begins = torch.cat((decoder.begins[: decoder.bands], levels.new_zeros(FREE)))
    faded = torch.cat((before[:, :1] * begins, before[:, 1:]), 1)
    linear = (faded.square() + faded * after + after.square()) / 3.0
    slope = 2.0 * levels.diff(dim=1) * inside[..., None]
    peak = (2.0 * levels[:, :-1] + slope.clamp(min=0.0)).exp()
    fall = slope.abs()
    flat = fall < FLAT
    steep = torch.where(flat, torch.ones_like(fall), fall)
    steady = peak * torch.where(flat, 1.0 - 0.5 * fall, -torch.expm1(-steep) / steep)
    return torch.where((decoder.knot_frame.diff() == 1)[:, None], linear, steady)


def _power(coefficients: tuple[float, float, float], turn: Tensor) -> Tensor:
    """Return |c₀ + c₁ e^(-iω) + c₂ e^(-2iω)|² at the angles ω."""
    first, second, third = coefficients
    once = 2.0 * second * (first + third) * torch.cos(turn)
    twice = 2.0 * first * third * torch.cos(2.0 * turn)
    return first**2 + second**2 + third**2 + once + twice
