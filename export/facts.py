"""Measures brightness, decay and attack of sounds.

    brightness   logarithm of the centroid of the power spectrum, in Hz
    decay        logarithm of the time, in s, after which the remaining energy is 20 dB below the total energy
                 (Schroeder's decay curve, ISO 3382)
    attack       logarithm of the mean time, in s, within the first 50 ms, weighted by energy

`of_sounds` measures recordings. `of_points` measures the sounds that a modal decoder (oscillators, modes and
noise) would play at given points of the latent space. It computes them from the decoder's parameters, without
decoding a sound. Its results are differentiable.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainer.components.layout import FREE, band_middles_hz
from trainer.models.modal import LOUDEST, LOUDEST_MODE, ModalDecoder, knot_weights

WINDOW, HOP, BLOCK = 512, 256, 64
"""Window and hop of the spectrum, and block of the decay curve, in samples."""
FALL = math.log(100.0)
"""Fall of the remaining energy, in nepers: 20 dB."""
EDGE = 0.5
"""Width, in nepers of energy, of the soft threshold of the decay."""
SHORTEST_S = 0.002
"""Time added to a decay before the logarithm is taken."""
ATTACK_S = 0.05
"""Duration of the attack: the first 50 ms."""
EARLIEST_S = 1e-4
"""Time added to the mean time of an attack before the logarithm is taken."""
FINE_S, FINE, COARSE = 0.0015, 34, 100
"""Steps between the times at which parameters are evaluated: `FINE` steps of `FINE_S` seconds, then `COARSE`
growing steps."""


def of_sounds(sounds: Tensor, sample_rate: int) -> Tensor:
    """Return brightness, decay and attack of sounds [N, T]: [N, 3]."""
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(sounds, WINDOW, HOP, window=window, return_complex=True).abs().square()
    hz = torch.linspace(0.0, sample_rate / 2, spectrum.shape[1])[:, None]
    energy = sounds[:, : sounds.shape[1] // BLOCK * BLOCK].unflatten(1, (-1, BLOCK)).square().sum(2)
    decay = _decay(energy, torch.full(energy.shape[1:], BLOCK / sample_rate))
    begin = sounds[:, : round(ATTACK_S * sample_rate)].square()
    second = torch.arange(begin.shape[1]) / sample_rate
    attack = _attack(begin, second, torch.full_like(second, 1.0 / sample_rate))
    return torch.cat((_brightness(spectrum.sum((1, 2)), (spectrum * hz).sum((1, 2))), decay, attack), 1)


def of_points(decoder: ModalDecoder, z: Tensor) -> Tensor:
    """Return brightness, decay and attack of a decoder's sounds at the points z [B, D]: [B, 3]."""
    rate, hop, bands = decoder.sample_rate, decoder.hop_length, decoder.bands
    fine = FINE_S * torch.arange(FINE)
    coarse = torch.logspace(
        math.log10(FINE_S * FINE), math.log10(decoder.frames * hop / rate), COARSE, dtype=z.dtype
    )
    moments = torch.cat((fine.to(z), coarse))
    hidden, found = decoder.hidden(z), decoder.pitch(z)
    before, share = map(
        torch.from_numpy, knot_weights(decoder.knot_frame.numpy(), (moments * rate / hop).numpy())
    )
    knots = decoder.knot_levels(hidden)
    levels = torch.lerp(knots[:, before], knots[:, before + 1], share.to(z)[:, None]).clamp(max=LOUDEST)
    noise, free = (2.0 * levels).exp().split([bands, FREE], -1)
    variance, rings = decoder.noise.var(1), decoder.ringing_share(hidden)[:, None]
    noise = noise * ((1.0 - rings) * variance[:bands] + rings * variance[bands:])
    level, decay = decoder.mode_levels(hidden)
    falling = (level[:, None] - decay[:, None] * moments[:, None]).clamp(max=LOUDEST_MODE)
    modes = (2.0 * falling).exp() * decoder.mode_gate(hidden)[:, None].square()
    first = found["log_f1"].exp()[:, None]
    tones_hz = torch.cat((first, first * found["log_ratio"].exp(), found["log_mode"].exp()), 1)
    power = torch.cat((noise, 0.5 * free, 0.5 * modes), 2)
    middles = torch.from_numpy(band_middles_hz(bands, rate)).to(z)
    hz = torch.cat((middles.expand(len(z), -1), tones_hz), 1)[:, None]
    lasts = torch.sigmoid((decoder.end_frame(hidden)[:, None] - moments * rate / hop) / decoder.gate_frames)
    power = power * lasts.square()[..., None]
    step_s = torch.diff(moments, append=2 * moments[-1:] - moments[-2:-1])
    begins = moments < ATTACK_S
    attack = _attack(power.sum(2)[:, begins], moments[begins] + 0.5 * step_s[begins], step_s[begins])
    energy = power * step_s[:, None]
    brightness = _brightness(energy.sum((1, 2)), (energy * hz).sum((1, 2)))
    return torch.cat((brightness, _decay(energy.sum(2), step_s), attack), 1)


def _attack(power: Tensor, second: Tensor, step_s: Tensor) -> Tensor:
    """Return the attack [N, 1], given the power [N, T] at times `second` [T] that are `step_s` [T] apart."""
    mean_s = (power * second * step_s).sum(1) / (power * step_s).sum(1).clamp(min=1e-12)
    return (mean_s + EARLIEST_S).log()[:, None]


def _brightness(energy: Tensor, moment: Tensor) -> Tensor:
    """Return the brightness [N, 1], given the energy [N] and the sum `moment` of energy times Hz [N]."""
    return (moment / energy.clamp(min=1e-12)).clamp(min=1.0).log()[:, None]


def _decay(energy: Tensor, step_s: Tensor) -> Tensor:
    """Return the decay [N, 1], given the energies [N, T] of steps with the durations `step_s` [T]."""
    left = energy.flip(1).cumsum(1).flip(1).clamp(min=1e-20)
    within = torch.sigmoid(((left / left[:, :1]).log() + FALL) / EDGE)
    return ((within * step_s).sum(1) + SHORTEST_S).log()[:, None]
