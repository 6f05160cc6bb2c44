"""The term that teaches the modal decoder frequencies, levels and decays found in the recordings."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.data.partials import Partials
from trainer.models.modal import ModalDecoder

FEWEST = 4.0
"""The modes of a sound count as at least so many: one clear partial is not all of a sound."""
UNUSED = -8.0
"""Log level that a mode without a partial in its zone may keep."""


def partial_term(decoder: ModalDecoder, z: Tensor, targets: Partials) -> Tensor:
    """Return the mean distance of the oscillators at z [B, D] from the partials of B sounds.

    Distances are in nepers of frequency, level or decay, each times how clearly the sound has the partial.
    """
    found, hidden = decoder.pitch(z), decoder.hidden(z)
    level, decay = decoder.mode_levels(hidden)
    pitch = targets.f1_weight * (found["log_f1"] - targets.log_f1).abs()
    ratio = targets.ratio_weight * (found["log_ratio"] - targets.log_ratio).abs()
    sweep = (found["sweep"] - targets.sweep).abs() + (found["log_tau"] - targets.log_tau).abs()
    weight = targets.mode_weight
    count = weight.sum(1).clamp(min=FEWEST)

    def over_modes(distance: Tensor) -> Tensor:
        return ((weight * distance).sum(1) / count).mean()

    zone = over_modes((found["log_mode"] - targets.log_mode).abs() / decoder.pitch.zone_width)
    loud = over_modes((level - targets.log_level).abs())
    fall = over_modes((decay.log() - targets.log_decay).abs())
    idle = (torch.relu(level - UNUSED) * (1.0 - weight)).mean()
    frame = targets.end_s * (decoder.sample_rate / decoder.hop_length)
    end = frame.clamp(max=decoder.frames) + decoder.gate_frames
    gate = ((decoder.end_frame(hidden) - end).abs() / (end + decoder.gate_frames)).mean()
    pitches = 2.0 * pitch.mean() + ratio.mean() + 0.3 * (targets.sweep_weight * sweep).mean()
    return pitches + 0.3 * zone + 0.5 * loud + 0.3 * fall + 0.1 * idle + 0.5 * gate
