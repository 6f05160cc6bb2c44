"""The modal decoder: it makes a drum sound from z, a point in latent space, with oscillators and band noise.

    z₁ ─► f₁, the frequency of the lowest oscillator
    z ─► pitch net (float64) ─► sweep, and frequencies of all other oscillators
    z ─► hidden ─► hidden ─┬─► knots (times) ─► levels of noise bands and free oscillators, frame by frame
                           ├─► level, decay and probability of each mode
                           └─► the frame at which the sound ends (gate)

- Four *free* oscillators have the frequencies f₁ and f₁·r₂ … f₁·r₄. f₁ sweeps downwards, as the pitch of a
  drum head does: f₁(t) = f₁ (1 + s e^(-t/τ)). f₁ depends on the first coordinate of z (z₁) alone, and
  therefore glides evenly along a path from one drum to another.
- *Modes* are damped sinusoids. Each mode has its own narrow frequency zone; the zones lie side by side. The
  decoder gives each mode a probability. The mode sounds where this probability exceeds the mode's *draw*, a
  fixed number. A sound between training sounds therefore has as many clear partials as the training sounds.
  If the decoder averaged levels instead, all partials of that sound would be faint.
- *Noise* fills mel-spaced bands. A fraction of each band's power *rings*: it consists of dense partials. The
  rest is Gaussian noise. Tables hold both kinds, and the position of a sample alone selects the entry. The
  sound therefore does not depend on how the frames are divided into calls.

The decoder does not look ahead. Each frame passes some state to the next: the oscillators' phases, levels and
accumulated decay, and the levels of the noise bands. Levels change linearly within a frame; a change of z
therefore causes no step. High noise bands begin at their full level; oscillators and low noise bands fade in
during the first frame. Frequencies and phases are float64, because a relative error of 1e-7 would change the
phase within a second.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trainer.components.layout import (
    DECAYS,
    FREE,
    GATE_S,
    MAX_SWEEP,
    MIDDLE_HZ,
    RATIOS,
    SPREAD,
    SWEEP_S,
    band_starts,
    half_zone,
    knot_frames,
    zones_hz,
)
from trainer.components.noise import noise_tables
from trainer.config import ModelConfig

LEAK = 0.2
PITCH_HIDDEN = 64
PITCH_SCALE = 0.35
"""f₁ = MIDDLE_HZ · e^(SPREAD · tanh(PITCH_SCALE · z₁)): z₁ from -2 to 2 gives 44 to 272 Hz."""
LOUDEST, LOUDEST_MODE = 1.0, -0.5
"""Largest log level of a noise band or free oscillator, and of a mode."""
START_LEVEL = -9.0
"""Log level of the modes before training."""
SHARPNESS = 3.0
"""Slope of a mode's gate against the difference between the logit of the mode's probability and the draw."""


def knot_weights(
    knots: NDArray[np.int64], frame: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return, for each moment, the knot at or before it and the weight of the next knot.

    Args:
        knots: frames of the knots, ascending, [knots].
        frame: moments in frames, [N]; a moment after the last knot is treated as the last knot.

    Returns:
        int64 [N], below knots - 1, and float32 [N], 0 to 1.
    """
    before = np.clip(np.searchsorted(knots, frame, side="right") - 1, 0, len(knots) - 2)
    share = (frame - knots[before]) / (knots[before + 1] - knots[before])
    return before, share.clip(0.0, 1.0).astype(np.float32)


def draws(modes: int) -> NDArray[np.float32]:
    """Return the fixed draw of each mode as a logit, float32 [modes].

    As probabilities, the draws of any neighbouring modes are spread evenly over 0 to 1.
    """
    golden = 0.5 * (math.sqrt(5.0) - 1.0)
    uniform = ((np.arange(modes) + 0.5) * golden) % 1.0
    return np.log(uniform / (1.0 - uniform)).astype(np.float32)


class Pitch(nn.Module):
    """Computes the oscillators' frequencies from z [..., D]: f₁ from z₁, the others with a small network."""

    zones: Tensor

    def __init__(self, latent_dim: int, modes: int, sample_rate: int) -> None:
        super().__init__()
        self.first = nn.Linear(latent_dim, PITCH_HIDDEN)
        self.second = nn.Linear(PITCH_HIDDEN, PITCH_HIDDEN)
        self.out = nn.Linear(PITCH_HIDDEN, FREE + 1 + modes)
        with torch.no_grad():
            self.out.weight.mul_(0.3)
        zones = torch.from_numpy(zones_hz(modes, sample_rate)).log()
        self.register_buffer("zones", zones, persistent=False)
        self.half_zone = half_zone(modes, sample_rate)

    def forward(self, z: Tensor) -> dict[str, Tensor]:
        """Return log_f1 [...], log_ratio [..., 3], sweep [...], log_tau [...], log_mode [..., modes]."""
        x = z
        for layer in (self.first, self.second, self.out):
            x = functional.linear(x, layer.weight.to(z), layer.bias.to(z))
            x = x if layer is self.out else functional.leaky_relu(x, LEAK)
        x = torch.tanh(torch.cat((PITCH_SCALE * z[..., :1], x), -1))
        low, high = (math.log(edge) for edge in SWEEP_S)
        ratio = [0.5 * (math.log(b * a) + math.log(b / a) * x[..., 1 + i]) for i, (a, b) in enumerate(RATIOS)]
        return {
            "log_f1": math.log(MIDDLE_HZ) + SPREAD * x[..., 0],
            "log_ratio": torch.stack(ratio, -1),
            "sweep": 0.5 * MAX_SWEEP * (1.0 + x[..., FREE]),
            "log_tau": 0.5 * (high + low + (high - low) * x[..., FREE + 1]),
            "log_mode": self.zones.to(x) + self.half_zone * x[..., FREE + 2 :],
        }


class ModalDecoder(nn.Module):
    """z [B, D] or [B, F, D] -> audio [B, 1, T]."""

    noise: Tensor
    periods: Tensor
    start_phase: Tensor
    begins: Tensor
    draw: Tensor
    knot_frame: Tensor
    knot: Tensor
    share: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.sample_rate, self.hop_length = config.sample_rate, config.hop_length
        self.frames = config.length // config.hop_length
        self.modes, self.bands = config.modes, config.bands
        knots = knot_frames(self.frames, config.knots)
        self.knots = len(knots)
        width, values = config.hidden, config.values
        self.hidden = nn.Sequential(
            nn.Linear(config.latent_dim, width),
            nn.LeakyReLU(LEAK),
            nn.Linear(width, width),
            nn.LeakyReLU(LEAK),
        )
        self.knot_values = nn.Parameter(torch.randn(self.knots, values, width) * width**-0.5)
        self.knot_bias = nn.Parameter(torch.zeros(self.knots, values))
        self.levels = nn.Linear(values, self.bands + FREE)
        self.mode_heads = nn.Linear(width, 2 * self.modes)
        self.presence = nn.Linear(width, self.modes)
        self.ringing = nn.Linear(width, self.bands)
        self.free_phase = nn.Linear(width, FREE)
        self.end = nn.Linear(width, 1)
        self.pitch = Pitch(config.latent_dim, self.modes, self.sample_rate)
        with torch.no_grad():
            self.levels.bias.fill_(-6.0)
            self.mode_heads.weight.mul_(0.3)
            self.presence.weight.mul_(0.3)
            self.mode_heads.bias[: self.modes].fill_(START_LEVEL)
            self.end.bias.fill_(0.0)
        table, periods = noise_tables(self.bands, self.hop_length, self.sample_rate)
        knot, share = knot_weights(knots, np.arange(self.frames + 1.0))
        phase = np.random.default_rng(1).uniform(0.0, 1.0, self.modes)
        for name, value in (
            ("noise", table),
            ("periods", periods),
            ("start_phase", phase),
            (
                "begins",
                np.tile(band_starts(self.bands, self.sample_rate, self.hop_length), 2).astype(np.float32),
            ),
            ("draw", draws(self.modes)),
            ("knot_frame", knots),
            ("knot", knot),
            ("share", share),
        ):
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    # ---- parameters of a sound

    def knot_levels(self, hidden: Tensor) -> Tensor:
        """Return the log levels at the knots, [B, knots, bands + FREE], for hidden values [B, width]."""
        return self.levels(torch.einsum("bh,kvh->bkv", hidden, self.knot_values) + self.knot_bias)

    def mode_levels(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the modes' log levels at the start, and decays in nepers a second: [..., modes] each."""
        level, decay = self.mode_heads(hidden).chunk(2, -1)
        low, high = (math.log(edge) for edge in DECAYS)
        return level, torch.exp(low + (high - low) * torch.sigmoid(decay))

    def mode_gate(self, hidden: Tensor) -> Tensor:
        """Return the gain that follows from the probability of each mode, 0 to 1: [..., modes]."""
        return torch.sigmoid(SHARPNESS * (self.presence(hidden) - self.draw))

    def ringing_share(self, hidden: Tensor) -> Tensor:
        """Return the fraction of each noise band's power that rings, 0 to 1: [..., bands]."""
        return torch.sigmoid(self.ringing(hidden))

    def end_frame(self, hidden: Tensor) -> Tensor:
        """Return the frame at which the sound has ended, 0 to `frames` + `gate_frames`: [...]."""
        return torch.sigmoid(self.end(hidden)[..., 0]) * (self.frames + self.gate_frames)

    @property
    def gate_frames(self) -> float:
        """Length of the fade to silence, in frames."""
        return GATE_S * self.sample_rate / self.hop_length

    def free_hz(self, found: dict[str, Tensor], seconds: Tensor) -> Tensor:
        """Return the frequencies of the free oscillators, [..., FREE], at times [...]."""
        sweep = 1.0 + found["sweep"] * torch.exp(-seconds / found["log_tau"].exp())
        first = found["log_f1"].exp() * sweep
        return torch.cat((first[..., None], first[..., None] * found["log_ratio"].exp()), -1)

    def first_phase(self, hidden: Tensor) -> Tensor:
        """Return the initial phase of each free oscillator in cycles, -1 to 1: [..., FREE]."""
        return torch.tanh(self.free_phase(hidden))

    # ---- sound

    def forward(self, z: Tensor) -> Tensor:
        if z.dim() == 2:
            z = z[:, None].expand(-1, self.frames, -1)
        return self.stream(z)[:, None]

    def _gate(self, end: Tensor, boundary: Tensor) -> Tensor:
        """Return the gain of the fade to silence at frame boundaries, 0 to 1.

        The gain falls linearly from 1 to 0, which it reaches at `end`, or else at the end of the last frame.
        """
        return ((end.clamp(max=self.frames) - boundary) / self.gate_frames).clamp(0.0, 1.0)

    def stream(self, z: Tensor) -> Tensor:
        """Return the sound [B, F * hop] for z [B, F, D] of the first F frames, the same as in streaming."""
        hop, rate = self.hop_length, self.sample_rate
        batch, count = z.shape[:2]
        hidden = self.hidden(z)
        index = torch.arange(count, device=z.device)
        levels = torch.stack([self._levels_at(hidden, index), self._levels_at(hidden, index + 1)], 2)
        end = self.end_frame(hidden)
        gates = torch.stack((self._gate(end, index), self._gate(end, index + 1)), 2)
        level, decay = self.mode_levels(hidden)
        fallen = torch.cumsum(decay * (hop / rate), 1)
        before = torch.cat((torch.zeros_like(fallen[:, :1]), fallen[:, :-1]), 1)
        modes = torch.stack((level - before, level - fallen), 2).clamp(max=LOUDEST_MODE).exp()
        modes = modes * self.mode_gate(hidden)[:, :, None]
        noise, free = levels.clamp(max=LOUDEST).exp().split([self.bands, FREE], -1)
        rings = self.ringing_share(hidden)[:, :, None]
        every = torch.cat((noise * (1.0 - rings).sqrt(), noise * rings.sqrt(), free, modes), -1)
        every = every * gates[..., None]
        noises = 2 * self.bands
        begun = every[:, :1, 0, :noises] * self.begins
        begun = functional.pad(begun, (0, FREE + self.modes))  # oscillators fade in
        starts = torch.cat((begun, every[:, :-1, 1]), 1)  # each level continues from its last value
        ends = every[:, :, 1]

        found = self.pitch(z.double())
        second = index.double() * (hop / rate)
        first_hz = self.free_hz(found, second[None].expand(batch, -1))
        last_hz = self.free_hz(found, (second + hop / rate)[None].expand(batch, -1))
        mode_hz = found["log_mode"].exp()
        turn = torch.cat((first_hz, mode_hz), -1) / rate
        bend = torch.cat((last_hz, mode_hz), -1) / rate - turn
        steps = (turn + 0.5 * bend) * hop
        steps = steps - steps.floor()
        begin = torch.cat((self.first_phase(hidden[:, 0]).double(), self.start_phase.expand(batch, -1)), -1)
        at = begin[:, None] + torch.cumsum(steps, 1) - steps
        at, turn, bend = (2 * math.pi * each for each in (at - at.floor(), turn, bend))
        at, turn, bend = (each.float().to(z)[..., None] for each in (at, turn, bend[:, :, :FREE]))
        m = torch.arange(hop, device=z.device, dtype=z.dtype)
        ramp = torch.stack((1.0 - m / hop, m / hop))
        pieces = []
        for some in index.split(64):
            angle = at[:, some] + turn[:, some] * m
            angle[:, :, :FREE] += bend[:, some] * (m * m / (2 * hop))
            rows = some[:, None] % self.periods
            noise = self.noise.unflatten(1, (-1, hop))[torch.arange(noises, device=z.device), rows]
            levels = torch.stack((starts[:, some], ends[:, some]), 2)  # [B, F, 2, 2 · bands + K]
            pair = levels[..., :noises] @ noise + levels[..., noises:] @ torch.sin(angle)
            pieces.append((pair * ramp).sum(2))
        audio = torch.cat(pieces, 1)
        return audio.reshape(batch, -1)

    def _levels_at(self, hidden: Tensor, boundary: Tensor) -> Tensor:
        """Return log levels at one boundary of each frame, [B, F, bands + FREE], for hidden [B, F, width]."""
        knot, share = self.knot[boundary], self.share[boundary, None]
        values = []
        for step in (0, 1):
            weight, bias = self.knot_values[knot + step], self.knot_bias[knot + step]
            values.append(torch.einsum("bfh,fvh->bfv", hidden, weight) + bias)
        return self.levels(torch.lerp(values[0], values[1], share))
