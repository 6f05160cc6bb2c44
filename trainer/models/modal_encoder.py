"""The encoder for the modal decoder (`trainer.models.modal`): it measures envelope, pitch and partials.

           measurements (`Inputs`)                               networks
    audio ─┬─► log-mel levels over time ───────────────────────► convolutions ─┐
           ├─► strongest low partial ─► spectrum around it ────► dense ────────┼─► mean, log_var
           └─► levels of the zones of the modes ───────────────► dense ────────┘

The windows of the mel levels are too short to distinguish a tone from noise, or the pitches of two kicks.
Therefore, two more branches analyse long windows of the same sound. The *body* branch measures the frequency
of the strongest low partial. Its network gets the spectrum at fixed intervals from that partial, and need not
learn each pitch separately; the 1,513 training sounds of the bundled drums would be too few for that. The
*zones* branch measures the level in the frequency zone of each mode (damped sinusoid).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.components.inputs import Inputs
from trainer.components.layout import MIDDLE_HZ, half_zone, zones_hz
from trainer.config import ModelConfig
from trainer.models.mb import LEAK, MBEncoder

BODY_HZ = (25.0, 520.0)
"""Range in which the encoder looks for the strongest low partial."""
PEAK_WINDOWS = ((2048, 8192), (2048, 4096), (2048, 16_384))
"""Start and length, in samples, of the windows in which that partial is measured.

Its frequency in the first window is the origin of the intervals.
"""
BODY_WINDOWS = (
    *((0, 1024), (512, 2048), (2048, 2048), (4096, 4096), (8192, 4096), (12_288, 8192), (20_480, 8192)),
    *((32_768, 16_384), (1024, 16_384)),
)
"""Start and length, in samples, of the windows in which the spectrum around that partial is measured."""
PER_OCTAVE, BELOW, ABOVE = 24, 24, 60
"""Numbers of spectral levels: in an octave, below that partial, and above that partial."""
DROPOUT = 0.2
"""Fraction of the inputs of a dense layer that are set to zero in training."""
ZONE_WINDOWS = ((1024, 8192), (1024, 32_768), (17_408, 16_384))
"""Start and length, in samples, of the windows in which the zones of the modes are measured."""
WIDTHS = (96, 96)
"""Widths of the two dense layers in each of the branches body and zones."""
LEAST_POWER = 1e-9
LEAST_BEND = 1e-3
"""Smallest bend of the parabola at a peak; it prevents a division by zero in a flat spectrum."""
OFFSET, SCALE = 10.0, 5.0
"""Offset and divisor that scale log powers to about unit spread."""


class ModalEncoder(MBEncoder):
    """Audio [B, 1, T] -> mean, log_var [B, D], for a latent space of D dimensions.

    The first coordinate of the mean is the pitch (`trainer.models.modal`). It comes from the body branch
    alone: the other branches fit the training sounds too closely to find the pitch of a new sound.

    Attributes:
        peak_windows, body_windows, zone_windows: start and length, in samples, of each window.
        ranges: for each peak window, the first and the last bin in which the partial may lie.
        spans: for each zone window, the first and the last bins of all zones, [modes] each.
        intervals: intervals around the partial as natural logarithms of frequency ratios, float32.
    """

    intervals: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.rate = config.sample_rate
        self.peak_windows = _fitting(PEAK_WINDOWS, config.length)
        self.body_windows = _fitting(BODY_WINDOWS, config.length)
        self.zone_windows = _fitting(ZONE_WINDOWS, config.length)
        self.ranges = [_range(length, self.rate) for _, length in self.peak_windows]
        self.spans = [_spans(length, self.rate, config.modes) for _, length in self.zone_windows]
        for i, (first, last) in enumerate(self.spans):
            self.register_buffer(f"bins{i}", torch.from_numpy(_zone_bins(first, last)), persistent=False)
        steps = torch.arange(-BELOW, ABOVE + 1, dtype=torch.float32)
        self.register_buffer("intervals", steps * (math.log(2.0) / PER_OCTAVE), persistent=False)
        peaks = 2 * len(self.peak_windows)
        self.dropped = nn.Dropout(DROPOUT)
        self.body = _dense(peaks + len(self.body_windows) * len(self.intervals), DROPOUT)
        self.zones = _dense(2 * sum(len(first) for first, _ in self.spans))
        others = self.mean.in_features + WIDTHS[-1]
        self.end_with(others + peaks + WIDTHS[-1], config.latent_dim)
        with torch.no_grad():
            self.mean.weight[0, :others] = 0.0
        self.mean.weight.register_hook(lambda slope: _masked(others, slope))

    def forward(self, audio: Tensor | Inputs) -> tuple[Tensor, Tensor]:
        flat = self.features(audio)
        return self.mean(flat), self.log_var(flat)

    def features(self, audio: Tensor | Inputs) -> Tensor:
        """Return the input of the last layers, [B, F], for audio [B, 1, T] or for the result of `measure`."""
        found = audio.to(torch.float32) if isinstance(audio, Inputs) else self.measure(audio)
        course = self.dropped(self.convs(found.course).flatten(1))
        return torch.cat((course, self.zones(found.zones), found.peaks, self.body(found.body)), 1)

    def measure(self, audio: Tensor) -> Inputs:
        """Return the measurements of audio [B, 1, T]."""
        origin, peaks = self._peaks(audio)
        body = [peaks]
        for begin, length in self.body_windows:
            level = _level(_power(audio, begin, length))
            place = (origin + self.intervals).exp() * (length / self.rate)
            place = place.clamp(max=level.shape[1] - 2)
            bin_ = place.floor().long()
            body.append(torch.lerp(level.gather(1, bin_), level.gather(1, bin_ + 1), place - bin_))
        zones = []
        for i, (begin, length) in enumerate(self.zone_windows):
            inside = _power(audio, begin, length)[:, self.get_buffer(f"bins{i}")]
            zones += [_level(inside.amax(2)), _level(inside.mean(2))]
        return Inputs(self.levels(audio), peaks, torch.cat(body, 1), torch.cat(zones, 1))

    def _peaks(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Return ln(Hz) of the strongest low partial [B, 1], and pitches and levels of all windows: [B, 2 W].

        A parabola through the levels of three bins gives the frequency between bins.
        """
        logs, levels = [], []
        for (begin, length), (first, last) in zip(self.peak_windows, self.ranges, strict=True):
            level = _level(_power(audio, begin, length))
            top = level[:, first : last + 1].argmax(1, keepdim=True) + first
            below, at, above = (level.gather(1, top + step) for step in (-1, 0, 1))
            bend = (below - 2.0 * at + above).clamp(max=-LEAST_BEND)
            off = (0.5 * (below - above) / bend).clamp(-0.5, 0.5)
            logs.append(((top + off) * (self.rate / length)).log())
            levels.append(at)
        return logs[0], torch.cat((*(log - math.log(MIDDLE_HZ) for log in logs), *levels), 1)


def _zone_bins(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bins of each zone, [modes, most]; a zone with fewer bins repeats its last bin."""
    return np.minimum(first[:, None] + np.arange(int((last - first).max()) + 1), last[:, None])


def _fitting(windows: tuple[tuple[int, int], ...], length: int) -> list[tuple[int, int]]:
    """Return the windows that fit into `length` samples; if none does, one window of this length."""
    return [one for one in windows if sum(one) <= length] or [(0, length)]


def _dense(inputs: int, dropout: float = 0.0) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Dropout(dropout)] if dropout else []
    for width in WIDTHS:
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(LEAK)]
        inputs = width
    return nn.Sequential(*layers)


def _power(audio: Tensor, begin: int, length: int) -> Tensor:
    """Return the power [B, bins] in a Hann window; the power of a tone is the square of its amplitude."""
    window = torch.hann_window(length, device=audio.device) * (4.0 / length)
    return torch.view_as_real(torch.fft.rfft(audio[:, 0, begin : begin + length] * window)).square().sum(-1)


def _level(power: Tensor) -> Tensor:
    return ((power + LEAST_POWER).log() + OFFSET) / SCALE


def _masked(first: int, slope: Tensor) -> Tensor:
    """Return the gradient of the last layer's weights; it is 0 in the first row before column `first`."""
    slope = slope.clone()
    slope[0, :first] = 0.0
    return slope


def _range(length: int, rate: int) -> tuple[int, int]:
    """Return the first and the last bin of `BODY_HZ`, at least one from either end of the spectrum."""
    first = max(1, math.ceil(BODY_HZ[0] * length / rate))
    return first, max(first, min(math.floor(BODY_HZ[1] * length / rate), length // 2 - 1))


def _spans(length: int, rate: int, modes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    zones, half = zones_hz(modes, rate) * (length / rate), half_zone(modes, rate)
    first = np.floor(zones * math.exp(-half)).astype(np.int64)
    last = np.maximum(first, np.ceil(zones * math.exp(half)).astype(np.int64) - 1)
    return first, np.minimum(last, length // 2)
