"""The loss term with which the modal decoder learns the components of recordings.

The components are oscillators, modes (damped sinusoids) and noise (`trainer.components`). z is a point in
latent space.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from trainer.components.analysis import Components
from trainer.models.modal import ModalDecoder

AUDIBLE = -8.0
"""Log level below which differences in level lose their weight: 70 dB below full scale."""
FEWEST = 4.0
"""Smallest divisor of a mean over the modes of a sound."""
PRESENCE = 0.3
"""Weight of the cross-entropy of the modes' probabilities."""
PITCH = 5.0
"""Weight of the difference in f₁, the lowest frequency, of which a tenth of an octave is clearly audible."""
STEEP = 2.0
"""Slope, per neper of level around `AUDIBLE`, of the weight of a free oscillator or of a noise band."""
AFTER_S = 0.01
"""Time in seconds after the end of a sound during which its levels are still learnt."""


def component_term(decoder: ModalDecoder, z: Tensor, components: Components) -> Tensor:
    """Return the mean distance of the decoder's parameters at z [B, D] from the components of B sounds.

    Distances between levels, frequencies and decays are in nepers. Distances between frequencies and between
    phases are weighted by how tonal the sound is near the oscillator's frequency.
    """
    hidden, found = decoder.hidden(z), decoder.pitch(z)
    first = components.free_weight[:, 0]
    pitch = first * (found["log_f1"] - components.log_f1).abs()
    ratio = (components.free_weight[:, 1:] * (found["log_ratio"] - components.log_ratio).abs()).sum(1)
    bent = components.sweep / (components.sweep + 0.3)
    sweep = (found["sweep"].log1p() - components.sweep.log1p()).abs()
    sweep = first * (sweep + bent * (found["log_tau"] - components.log_tau).abs())
    turn = 1.0 - torch.cos(2 * math.pi * (decoder.first_phase(hidden) - components.phase))
    phase = (components.free_weight * turn).sum(1)

    levels = decoder.knot_levels(hidden)
    noise = _distance(levels[..., : decoder.bands], components.noise_level).mean(2)
    free = _distance(levels[..., decoder.bands :], components.free_level).sum(2)
    end = components.end_s * (decoder.sample_rate / decoder.hop_length)
    lasts = (decoder.knot_frame <= end[:, None] + AFTER_S * decoder.sample_rate / decoder.hop_length).to(z)
    over_time = ((noise + 0.5 * free) * lasts).sum(1) / lasts.sum(1)

    level, decay = decoder.mode_levels(hidden)
    weight = components.mode_weight
    count = weight.sum(1).clamp(min=FEWEST)
    zone = (weight * (found["log_mode"] - components.log_mode).abs() / decoder.pitch.half_zone).sum(1) / count
    fall = (weight * (decay.log() - components.log_decay).abs()).sum(1) / count
    loud = (weight * _distance(level, components.log_level)).sum(1) / count
    presence = functional.binary_cross_entropy_with_logits(decoder.presence(hidden), weight, reduction="none")
    modes = loud + PRESENCE * presence.sum(1) / count + 0.3 * zone + 0.3 * fall

    audible = torch.sigmoid(STEEP * (components.noise_level.amax(1) - AUDIBLE))
    rings = (audible * (decoder.ringing_share(hidden) - components.ringing).abs()).sum(1) / audible.sum(
        1
    ).clamp(min=1.0)

    gate = end.clamp(max=decoder.frames) + decoder.gate_frames
    late = (decoder.end_frame(hidden) - gate).abs() / (gate + decoder.gate_frames)
    oscillators = PITCH * pitch + ratio + 0.3 * sweep + 0.3 * phase
    return (oscillators + over_time + modes + rings + 0.5 * late).mean()


def components_at(decoder: ModalDecoder, z: Tensor) -> Components:
    """Return a decoder's parameters at z [B, D] as components, as if the decoded sounds had been analysed."""
    hidden, found = decoder.hidden(z), decoder.pitch(z)
    levels = decoder.knot_levels(hidden)
    noise, free = levels[..., : decoder.bands], levels[..., decoder.bands :]
    level, decay = decoder.mode_levels(hidden)
    frames = (decoder.end_frame(hidden) - decoder.gate_frames).clamp(min=0.0)
    return Components(
        log_f1=found["log_f1"],
        sweep=found["sweep"],
        log_tau=found["log_tau"],
        log_ratio=found["log_ratio"],
        free_level=free,
        phase=decoder.first_phase(hidden),
        free_weight=torch.sigmoid(STEEP * (free.amax(1) - AUDIBLE)),
        log_mode=found["log_mode"],
        log_level=level,
        log_decay=decay.log(),
        mode_weight=torch.sigmoid(decoder.presence(hidden)),
        noise_level=noise,
        ringing=decoder.ringing_share(hidden),
        end_s=frames * (decoder.hop_length / decoder.sample_rate),
    )


def _distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return the audible difference between log levels, in nepers."""
    return (functional.softplus(ours - AUDIBLE) - functional.softplus(theirs - AUDIBLE)).abs()
