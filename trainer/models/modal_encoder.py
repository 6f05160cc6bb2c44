"""The encoder for the modal decoder: it hears the envelope, the pitch of the body, and the partials.

    audio ─┬─► log-mel levels over time ─► convolutions ───────┐
           ├─► levels of quarter tones below 1.5 kHz ─► dense ─┼─► mean, log_var
           └─► levels of the zones of the modes ─► dense ──────┘

The windows of the mel levels are too short to distinguish a tone from noise, or the pitches of two kicks. So
two more branches analyse long windows of the same sound.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.components.layout import half_zone, zones_hz
from trainer.config import ModelConfig
from trainer.models.mb import LEAK, MBEncoder

TONES_HZ = (30.0, 1500.0)
"""Lowest tone and upper limit."""
PER_OCTAVE = 24
"""Tones in an octave."""
TONE_WINDOWS = ((0, 4096), (4096, 4096), (1024, 16_384))
"""Start and length, in samples, of the windows for the tones of the body."""
ZONE_WINDOWS = ((1024, 8192), (1024, 32_768), (17_408, 16_384))
"""The same for the zones of the modes."""
WIDTHS = (96, 96)
"""Widths of the dense layers in each of the two branches."""
LEAST_POWER = 1e-9
OFFSET, SCALE = 10.0, 5.0
"""They bring log powers to about unit spread."""


class ModalEncoder(MBEncoder):
    """Audio [B, 1, T] -> mean, log_var [B, D].

    Attributes:
        tone_windows: start and length, in samples, of each window for the tones.
        triangles: for each of them, the centres and half-widths of the tones in bins, [tones] each.
        zone_windows: start and length, in samples, of each window for the zones.
        spans: for each of them, the first and the last bin of each zone, [modes] each.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        rate = config.sample_rate
        self.tone_windows = _within(TONE_WINDOWS, config.length)
        self.zone_windows = _within(ZONE_WINDOWS, config.length)
        self.triangles = [_triangles(length, rate) for _, length in self.tone_windows]
        self.spans = [_spans(length, rate, config.modes) for _, length in self.zone_windows]
        for i, (middles, widths) in enumerate(self.triangles):
            bins = np.arange(math.ceil((middles + widths).max()))[:, None]
            shares = np.maximum(0.0, 1.0 - np.abs(bins - middles) / widths).astype(np.float32)
            self.register_buffer(f"shares{i}", torch.from_numpy(shares), persistent=False)
        for i, (first, last) in enumerate(self.spans):
            self.register_buffer(f"bins{i}", torch.from_numpy(within(first, last)), persistent=False)
        self.tones = _dense(sum(len(middles) for middles, _ in self.triangles))
        self.zones = _dense(2 * sum(len(first) for first, _ in self.spans))
        self.end_with(self.mean.in_features + 2 * WIDTHS[-1], config.latent_dim)

    def features(self, audio: Tensor) -> Tensor:
        """audio [B, 1, T] -> the input of the last layers, [B, F]."""
        tones, zones = [], []
        for i, (begin, length) in enumerate(self.tone_windows):
            shares = self.get_buffer(f"shares{i}")
            tones.append(_level(_power(audio, begin, length)[:, : len(shares)] @ shares))
        for i, (begin, length) in enumerate(self.zone_windows):
            inside = _power(audio, begin, length)[:, self.get_buffer(f"bins{i}")]
            zones += [_level(inside.amax(2)), _level(inside.mean(2))]
        course = self.convs(self.levels(audio)).flatten(1)
        return torch.cat((course, self.tones(torch.cat(tones, 1)), self.zones(torch.cat(zones, 1))), 1)


def within(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bins of each zone, [modes, most]; a zone with fewer bins repeats its last one."""
    return np.minimum(first[:, None] + np.arange(int((last - first).max()) + 1), last[:, None])


def _within(windows: tuple[tuple[int, int], ...], length: int) -> list[tuple[int, int]]:
    """Return the windows that fit into `length` samples; if none does, one window of this length."""
    return [one for one in windows if sum(one) <= length] or [(0, length)]


def _dense(inputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in WIDTHS:
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(LEAK)]
        inputs = width
    return nn.Sequential(*layers)


def _power(audio: Tensor, begin: int, length: int) -> Tensor:
    """Return the power [B, bins] in a Hann window; that of a tone is the square of its amplitude."""
    window = torch.hann_window(length, device=audio.device) * (4.0 / length)
    return torch.view_as_real(torch.fft.rfft(audio[:, 0, begin : begin + length] * window)).square().sum(-1)


def _level(power: Tensor) -> Tensor:
    return ((power + LEAST_POWER).log() + OFFSET) / SCALE


def _triangles(length: int, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre and half-width of the triangle of each tone, in bins; half-widths are at least 1."""
    low, high = TONES_HZ[0], min(TONES_HZ[1], 0.4 * rate)
    count = math.floor(math.log2(high / low) * PER_OCTAVE) + 1
    middles = low * 2.0 ** (np.arange(count) / PER_OCTAVE) * length / rate
    return middles, np.maximum(1.0, middles * (2.0 ** (1.0 / PER_OCTAVE) - 1.0))


def _spans(length: int, rate: int, modes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    zones, half = zones_hz(modes, rate) * (length / rate), half_zone(modes, rate)
    first = np.floor(zones * math.exp(-half)).astype(np.int64)
    last = np.maximum(first, np.ceil(zones * math.exp(half)).astype(np.int64) - 1)
    return first, np.minimum(last, length // 2)
