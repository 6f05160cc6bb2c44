"""The modal decoder: a drum as oscillators, band noise, and a learned onset.

    z ─► pitch net (float64) ─► frequencies of all oscillators
    z ─► hidden ─► hidden ─┬─► knots ─► levels of noise bands and free oscillators, frame by frame
                           ├─► level and decay of each mode
                           ├─► the first samples (onset)
                           └─► the frame at which the sound ends (gate)

- Four *free* oscillators have the frequencies f₁ and f₁·r₂ … f₁·r₄. f₁ sweeps downwards like that of a drum
  head, f₁(t) = f₁ (1 + s e^(-t/τ)). A path from one drum to another glides them.
- *Modes* are damped sinusoids. Each has a narrow frequency zone of its own; the zones lie side by side.
- *Noise* is Gaussian noise in mel-spaced bands. The place of a sample alone selects it from a table, so the
  sound does not depend on the size of the chunks.

Nothing looks ahead. Each frame hands on the phases, the levels and the decay so far of the oscillators, and
the levels of the noise bands. Levels move on straight lines within a frame, so a change of z makes no step.
Frequencies and phases are float64: an error of 1e-7 in a frequency is another phase after a second.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from trainer.config import ModelConfig
from trainer.data.partials import DECAYS, RATIOS, SWEEP_S, half_zone, zones_hz

LEAK = 0.2
FREE = 4
"""Free oscillators."""
PITCH_HIDDEN = 64
LOWEST_HZ, SPREAD = 110.0, 1.2
"""f₁ is LOWEST_HZ · e^(SPREAD · tanh)."""
MAX_SWEEP = 4.0
NOISE_PERIOD = 16_384
"""Samples of the longest period of noise; less what is left over by whole frames."""
TRAINING_NOISE = 2**17
"""Places of the table that training draws noise from."""
FIRST_KNOTS = 8
"""Knots of the first frames, one each; later ones are spaced evenly on a logarithmic scale."""
ONSET_SAMPLES = 512
GATE_S = 0.02
"""Length of the fade to silence."""
LOUDEST, LOUDEST_MODE = 1.0, -0.5
"""Largest log level of a noise band or free oscillator, and of a mode."""
QUIET = -9.0
"""Log level at the start of training."""


def knot_frames(frames: int, knots: int) -> NDArray[np.int64]:
    """int64 [knots]: the frames at which values are learned, from 0 to `frames`, ever further apart."""
    first = min(FIRST_KNOTS, knots - 1)
    later = np.geomspace(first, frames, knots - first)
    found = np.maximum(np.concatenate((np.arange(first), later)).round().astype(np.int64), np.arange(knots))
    found[-1] = frames
    return found


def knot_weights(frames: int, knots: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each frame boundary 0 … frames: the knot at or before it, and the share of the knot after.

    Returns:
        int64 [frames + 1], below knots - 1, and float32 [frames + 1], 0 to 1.
    """
    at = knot_frames(frames, knots)
    boundary = np.arange(frames + 1)
    before = np.clip(np.searchsorted(at, boundary, side="right") - 1, 0, knots - 2)
    share = (boundary - at[before]) / (at[before + 1] - at[before])
    return before, share.astype(np.float32)


def noise_table(
    bands: int, hop_length: int, sample_rate: int, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Gaussian noise of unit power in mel-spaced bands that overlap by half.

    Returns:
        float32 [bands, T], the longest period, and int64 [bands], the period of each band in frames: it
        repeats after so many. Periods differ, so that the sum of the bands does not repeat.
    """
    random = np.random.default_rng(seed)
    longest = NOISE_PERIOD // hop_length
    table = np.zeros((bands, longest * hop_length), np.float32)
    mel = np.linspace(0.0, 2595.0 * np.log10(1.0 + sample_rate / 1400.0), bands + 2)
    edges = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    periods = longest - np.arange(bands)
    for band, period in enumerate((periods * hop_length).tolist()):
        hz = np.fft.rfftfreq(period, 1.0 / sample_rate)
        low, middle, high = edges[band : band + 3]
        rise = np.clip((hz - low) / max(middle - low, 1.0), 0.0, 1.0) if band else np.ones_like(hz)
        fall = np.clip((high - hz) / (high - middle), 0.0, 1.0)
        if band == bands - 1:
            fall = np.ones_like(hz)
        shape = np.sqrt(np.where(hz < middle, rise, fall))
        spectrum = np.fft.rfft(random.standard_normal(period)) * shape
        spectrum[0] = 0.0
        sound = np.fft.irfft(spectrum, period)
        table[band, :period] = sound / np.sqrt(np.mean(sound**2))
    return table, periods.astype(np.int64)


class Pitch(nn.Module):
    """z [..., D] -> the frequencies of all oscillators, by a small network of its own."""

    zones: Tensor

    def __init__(self, latent_dim: int, modes: int, sample_rate: int) -> None:
        super().__init__()
        self.first = nn.Linear(latent_dim, PITCH_HIDDEN)
        self.second = nn.Linear(PITCH_HIDDEN, PITCH_HIDDEN)
        self.out = nn.Linear(PITCH_HIDDEN, FREE + 2 + modes)
        with torch.no_grad():
            self.out.weight.mul_(0.3)
        zones = torch.from_numpy(zones_hz(modes, sample_rate)).log()
        self.register_buffer("zones", zones, persistent=False)
        self.zone_width = half_zone(modes, sample_rate)

    def forward(self, z: Tensor) -> dict[str, Tensor]:
        """log_f1 [...], log_ratio [..., 3], sweep [...], log_tau [...], log_mode [..., modes]."""
        x = z
        for layer in (self.first, self.second, self.out):
            x = functional.linear(x, layer.weight.to(z), layer.bias.to(z))
            x = torch.tanh(x) if layer is self.out else functional.leaky_relu(x, LEAK)
        low, high = (math.log(edge) for edge in SWEEP_S)
        ratio = [0.5 * (math.log(b * a) + math.log(b / a) * x[..., 1 + i]) for i, (a, b) in enumerate(RATIOS)]
        return {
            "log_f1": math.log(LOWEST_HZ) + SPREAD * x[..., 0],
            "log_ratio": torch.stack(ratio, -1),
            "sweep": 0.5 * MAX_SWEEP * (1.0 + x[..., FREE]),
            "log_tau": 0.5 * (high + low + (high - low) * x[..., FREE + 1]),
            "log_mode": self.zones.to(x) + self.zone_width * x[..., FREE + 2 :],
        }


class ModalDecoder(nn.Module):
    """z [B, D] or [B, F, D] -> audio [B, 1, T]."""

    noise: Tensor
    periods: Tensor
    start_phase: Tensor
    knot: Tensor
    share: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.sample_rate, self.hop_length = config.sample_rate, config.hop_length
        self.frames = config.length // config.hop_length
        self.modes, self.bands = config.modes, config.bands
        self.knots = min(config.knots, self.frames + 1)
        self.onset_frames = min(self.frames, -(-ONSET_SAMPLES // self.hop_length))
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
        self.free_phase = nn.Linear(width, FREE)
        self.onset = nn.Linear(width, self.onset_frames * self.hop_length)
        self.end = nn.Linear(width, 1)
        self.pitch = Pitch(config.latent_dim, self.modes, self.sample_rate)
        with torch.no_grad():
            self.levels.bias.fill_(-6.0)
            self.mode_heads.weight.mul_(0.3)
            self.mode_heads.bias[: self.modes].fill_(QUIET)
            self.onset.weight.mul_(0.05)
            self.onset.bias.zero_()
            self.end.bias.fill_(0.0)
        self._long_noise: Tensor | None = None
        table, periods = noise_table(self.bands, self.hop_length, self.sample_rate)
        knot, share = knot_weights(self.frames, self.knots)
        phase = np.random.default_rng(1).uniform(0.0, 1.0, self.modes)
        for name, value in (
            ("noise", table),
            ("periods", periods),
            ("start_phase", phase),
            ("knot", knot),
            ("share", share),
        ):
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    # ---- parameters of a sound

    def boundary_levels(self, hidden: Tensor, count: int) -> Tensor:
        """Log levels at frame boundaries 0 … count: [B, count + 1, bands + FREE]; hidden [B, width]."""
        last = int(self.knot[count]) + 2
        values = torch.einsum("bh,kvh->bkv", hidden, self.knot_values[:last]) + self.knot_bias[:last]
        knot, share = self.knot[: count + 1], self.share[: count + 1, None]
        return self.levels(torch.lerp(values[:, knot], values[:, knot + 1], share))

    def mode_levels(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Log level at the start and decay, in nepers a second, of each mode: [..., modes] each."""
        level, decay = self.mode_heads(hidden).chunk(2, -1)
        low, high = (math.log(edge) for edge in DECAYS)
        return level, torch.exp(low + (high - low) * torch.sigmoid(decay))

    def end_frame(self, hidden: Tensor) -> Tensor:
        """The frame at which the sound has ended: [...], 0 to `frames` + the fade."""
        return torch.sigmoid(self.end(hidden)[..., 0]) * (self.frames + self.gate_frames)

    @property
    def gate_frames(self) -> float:
        """Frames of the fade to silence."""
        return GATE_S * self.sample_rate / self.hop_length

    def free_hz(self, found: dict[str, Tensor], seconds: Tensor) -> Tensor:
        """Frequencies of the free oscillators, [..., FREE], at times [...]."""
        sweep = 1.0 + found["sweep"] * torch.exp(-seconds / found["log_tau"].exp())
        first = found["log_f1"].exp() * sweep
        return torch.cat((first[..., None], first[..., None] * found["log_ratio"].exp()), -1)

    def first_phase(self, hidden: Tensor) -> Tensor:
        """The phase at which each free oscillator starts, in cycles, -1 to 1: [..., FREE]."""
        return torch.tanh(self.free_phase(hidden))

    # ---- sound

    def forward(self, z: Tensor) -> Tensor:
        if z.dim() == 2 and self.training:
            deterministic, noise = self.parts(z, self.frames, z.new_zeros(len(z), dtype=torch.int64))
            return (deterministic + noise)[:, None]
        if z.dim() == 2:
            z = z[:, None].expand(-1, self.frames, -1)
        return self.stream(z)[:, None]

    def parts(self, z: Tensor, count: int, places: Tensor) -> tuple[Tensor, Tensor]:
        """The deterministic part and the noise of the first `count` frames: [B, T] each.

        For z [B, D] that stays. Frequencies get no gradient.

        Args:
            places: int64 [B], where in the table the noise of each sound begins, below `TRAINING_NOISE`.
        """
        hop, batch = self.hop_length, len(z)
        hidden = self.hidden(z)
        log_levels = self.boundary_levels(hidden, count).clamp(max=LOUDEST)
        levels = log_levels.exp()
        gate = self._gate(self.end_frame(hidden)[:, None], torch.arange(count + 1, device=z.device))
        levels = levels * gate[..., None]
        ramp = torch.arange(hop, device=z.device) / hop

        with torch.no_grad():
            table = self._fresh_noise(places, count)
        ends = torch.stack((levels[:, :-1, : self.bands], levels[:, 1:, : self.bands]), 2)
        pair = ends @ table  # [B, F, 2, hop]
        noise = torch.lerp(pair[:, :, 0], pair[:, :, 1], ramp).reshape(batch, -1)

        with torch.no_grad():
            found = {name: value.double() for name, value in self.pitch(z.detach()).items()}
            second = torch.arange(count + 1, device=z.device, dtype=torch.float64) * (hop / self.sample_rate)
            wide = {name: value[:, None] for name, value in found.items()}
            hz = self.free_hz(wide, second[None].expand(batch, -1)) / self.sample_rate  # cycles a sample
            steps = 0.5 * (hz[:, :-1] + hz[:, 1:]) * hop
            start = torch.cumsum(steps, 1) - steps
            start = (start - start.floor()).float()
            m = torch.arange(hop, device=z.device, dtype=torch.float32)
            cycles = start[..., None] + hz[:, :-1, :, None].float() * m
            cycles = cycles + (hz[:, 1:] - hz[:, :-1]).float()[..., None] * (m * m / (2 * hop))
            angle = 2 * math.pi * cycles
            sine, cosine = angle.sin(), angle.cos()  # [B, F, FREE, hop]
        phase = (2 * math.pi * self.first_phase(hidden))[:, None, :, None]
        wave = sine * phase.cos() + cosine * phase.sin()
        free = levels[:, :, self.bands :]
        amplitude = torch.lerp(free[:, :-1, :, None], free[:, 1:, :, None], ramp)
        audio = (wave * amplitude).sum(2).reshape(batch, -1)

        level, decay = self.mode_levels(hidden)
        boundary = level[:, None] - decay[:, None] * second[None, :, None].float()
        envelope = boundary.clamp(max=LOUDEST_MODE).exp() * gate[..., None]  # [B, F + 1, modes]
        with torch.no_grad():
            turn = found["log_mode"].exp() / self.sample_rate
            at = self.start_phase + turn[:, None] * (torch.arange(count, device=z.device)[:, None] * hop)
            angle = (2 * math.pi * (at - at.floor())).float()  # [B, F, modes]
            within = 2 * math.pi * (turn[..., None].float() * m)  # [B, modes, hop]
            early, late = 1.0 - ramp, ramp
            table = torch.cat(
                (within.cos() * early, within.sin() * early, within.cos() * late, within.sin() * late), 1
            )
            sine, cosine = angle.sin(), angle.cos()
        rows = torch.cat(
            (
                envelope[:, :-1] * sine,
                envelope[:, :-1] * cosine,
                envelope[:, 1:] * sine,
                envelope[:, 1:] * cosine,
            ),
            2,
        )
        audio = audio + (rows @ table).reshape(batch, -1)
        first = min(count, self.onset_frames) * hop
        audio = audio + functional.pad(self.onset(hidden)[:, :first], (0, count * hop - first))
        return audio, noise

    def _fresh_noise(self, places: Tensor, count: int) -> Tensor:
        """Noise of all bands from places [B] of a long table on: [B, count, bands, hop]."""
        if self._long_noise is None:
            length = TRAINING_NOISE + self.frames * self.hop_length
            place = torch.arange(length, device=self.noise.device) % (self.periods[:, None] * self.hop_length)
            self._long_noise = torch.gather(self.noise, 1, place)
        length = count * self.hop_length
        some = torch.stack([self._long_noise[:, i : i + length] for i in places.tolist()])
        return some.view(len(places), self.bands, count, self.hop_length).transpose(1, 2)

    def _gate(self, end: Tensor, boundary: Tensor) -> Tensor:
        """1 until the fade before `end`, or before the last frame, then a straight line to 0."""
        return ((end.clamp(max=self.frames) - boundary) / self.gate_frames).clamp(0.0, 1.0)

    def stream(self, z: Tensor) -> Tensor:
        """The sound for z [B, F, D] of every frame from 0 on, as a stream plays it: [B, F * hop]."""
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
        every = torch.cat((levels.clamp(max=LOUDEST).exp(), modes), -1) * gates[..., None]
        starts = torch.cat((every[:, :1, 0], every[:, :-1, 1]), 1)  # a level goes on from where it was
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
            noise = self.noise.unflatten(1, (-1, hop))[torch.arange(self.bands, device=z.device), rows]
            levels = torch.stack((starts[:, some], ends[:, some]), 2)  # [B, F, 2, bands + K]
            pair = levels[..., : self.bands] @ noise + levels[..., self.bands :] @ torch.sin(angle)
            pieces.append((pair * ramp).sum(2))
        audio = torch.cat(pieces, 1)
        first = min(count, self.onset_frames)
        rows = self.onset.weight.view(self.onset_frames, hop, -1)[:first]
        bias = self.onset.bias.view(self.onset_frames, hop)[:first]
        onset = torch.einsum("bfh,fmh->bfm", hidden[:, :first], rows) + bias
        audio = torch.cat((audio[:, :first] + onset, audio[:, first:]), 1)
        return audio.reshape(batch, -1)

    def _levels_at(self, hidden: Tensor, boundary: Tensor) -> Tensor:
        """Log levels at one boundary of each frame: hidden [B, F, width] -> [B, F, bands + FREE]."""
        knot, share = self.knot[boundary], self.share[boundary, None]
        values = []
        for step in (0, 1):
            weight, bias = self.knot_values[knot + step], self.knot_bias[knot + step]
            values.append(torch.einsum("bfh,fvh->bfv", hidden, weight) + bias)
        return self.levels(torch.lerp(values[0], values[1], share))
