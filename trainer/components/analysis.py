"""Analyses recorded drums into the targets of the modal decoder.

    recording ─► free oscillators ─► modes ─► noise
                 (sweeping partials)  (ringing partials)  (the rest, in bands)

A loss on spectra does not tell a tone from a noise of equal energy. A loss on waveforms silences an
oscillator whose phase is off. So each recording is analysed once, and the decoder learns its components.
Together they sound like the recording, because each is measured on the residual of those before it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft, signal, special
from torch import Tensor

from trainer.components.between import share_between
from trainer.components.layout import (
    DECAYS,
    FREE,
    MAX_SWEEP,
    RATIOS,
    SWEEP_S,
    band_shapes,
    band_widths_hz,
    half_zone,
    knot_frames,
    smoothing_samples,
    zones_hz,
)
from trainer.components.noise import EVEN_FRAMES
from trainer.components.ringing import ringing_share
from trainer.config import ModelConfig

Array = NDArray[np.float64]
Row = tuple[Array | float, ...]
"""The components of one sound."""

QUIET = -12.0
"""Log level of a component that a sound does not have."""
QUIET_DB = -70.0
"""Level below the peak at which a sound counts as ended."""

SLOW_HZ = 4410.0
"""Lowest sample rate for the analysis of free oscillators."""
PITCH_HZ = (30.0, 480.0)
"""Range of the search for f₁."""
HIGHEST_FREE_HZ = 1500.0
BODY_S = (0.06, 0.3)
"""Start and end of the part of a drum in which its pitch is heard, after the attack and the sweep."""
FIT_S = 0.25
"""Length of the part, from the start of a sound, to which the sweep is fitted."""
FIT_WINDOW_S, RATIO_WINDOW_S = 0.03, 0.06
SIMPLER = 0.02
"""Share of the energy that a sweep must explain in addition to that of a constant frequency."""
SWEEPS = (0.08, 0.16, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
TRACK_S, TRACK_CYCLES = 0.008, 0.9
"""Half the window for the level of an oscillator, in seconds and in cycles. The longer one applies."""
TONAL_S, TONAL_CYCLES = 0.02, 2.5
"""The same for its tonality. A level over such a long window explains a tone, but little of noise."""
TONAL = (0.55, 0.85)
"""Shares of the energy around an oscillator that it explains: weight 0 up to the first, 1 from the second."""
AROUND = (0.6, 1.7)
"""Band around an oscillator, relative to its frequency, whose energy it should explain."""
STEADY_S, STEADY_CYCLES, STEADY, STEADY_AROUND, STEADY_FROM_S = 0.05, 6.0, (0.7, 0.9), (0.84, 1.19), 0.03
"""The four values above for a partial that is steady after the attack, with others near it.

STEADY_FROM_S is the end of the attack.
"""
STEADY_TRACK = 3.0
"""Length of the window for the level of such a partial, relative to the window for any other partial."""
LOUDER = 1.5
"""Energy of another oscillator after the attack, relative to the first, from which it replaces the first."""
PHASE_S = 0.05
"""Length of the beginning over which the initial phase is averaged."""

SKIP_S = 0.02
"""Length of the attack, which the analysis of modes skips."""
LONGEST_WINDOW = 32_768
SHORTEST_WINDOW = 1500
SOLVED = 16_384
"""Samples to which the levels of the modes are fitted."""
PROMINENCE_DB, RANGE_DB = 14.0, 75.0
"""Least level of a mode above the floor around it, and greatest below the strongest bin.

The highest of 10,000 bins of noise is 11 dB above their median.
"""
FLOOR_HZ = 300.0
"""Width of the blocks of the spectrum whose medians are the floor."""
OVER_NOISE = 1.3
"""Energy that is subtracted from a zone as noise, relative to the noise expected from the floor."""
LOUDEST_MODE = -0.5
LEAST_NOISE = 0.1
"""Least share of a band's power that the subtraction of the modes leaves."""
SPACING = 0.4
"""Standard deviation of the window that averages the power at a knot, relative to the distance of knots."""
BLOCK = 16
"""Samples in a block; power is averaged over time block by block."""


@dataclass(frozen=True)
class Components:
    """Targets, one row a sound; levels are natural logarithms of amplitudes, weights are 0 to 1.

    Attributes:
        log_f1, sweep, log_tau: [N], parameters of f(t) = f₁ (1 + sweep · e^(-t/τ)), the frequency of the
            strongest partial below 480 Hz.
        log_ratio: [N, FREE - 1], ratios of the other free oscillators to f₁.
        free_level: [N, knots, FREE], at the knots.
        phase: [N, FREE], at the start, in cycles.
        free_weight: [N, FREE], how tonal the sound is around each free oscillator.
        log_mode, log_level, log_decay, mode_weight: [N, modes], of the strongest partial in each zone.
        noise_level: [N, knots, bands], at the knots.
        ringing: [N, bands], share of the power of each noise band that lies in dense partials.
        end_s: [N], time after which the sound stays 70 dB below its peak.
    """

    log_f1: Tensor
    sweep: Tensor
    log_tau: Tensor
    log_ratio: Tensor
    free_level: Tensor
    phase: Tensor
    free_weight: Tensor
    log_mode: Tensor
    log_level: Tensor
    log_decay: Tensor
    mode_weight: Tensor
    noise_level: Tensor
    ringing: Tensor
    end_s: Tensor

    def __getitem__(self, index: Tensor | slice) -> Components:
        return Components(*(getattr(self, item.name)[index] for item in fields(self)))

    def to(self, device: torch.device) -> Components:
        """Return the same targets on a device."""
        return Components(*(getattr(self, item.name).to(device) for item in fields(self)))


def joined(parts: Sequence[Components]) -> Components:
    """Return the components of all parts, one after another."""
    return Components(
        *(torch.cat([getattr(part, item.name) for part in parts]) for item in fields(Components))
    )


class Sweep(NamedTuple):
    """f(t) = f₁ (1 + sweep · e^(-t/τ)), in Hz and seconds."""

    f1: float
    sweep: float
    tau: float

    def cycles(self, time: Array) -> Array:
        """Return the phase at `time` [T], in cycles, 0 at 0."""
        return _cycles(np.array([self]), time)[0]


class Free(NamedTuple):
    """The free oscillators of a sound, and the sound without them."""

    sweep: Sweep
    log_ratio: Array
    level: Array
    phase: Array
    weight: Array
    rest: Array


class Modes(NamedTuple):
    """Log frequency, log level at the start, log decay and weight of the mode of each zone: [modes] each."""

    log_hz: Array
    log_level: Array
    log_decay: Array
    weight: Array


def analyse(
    waveforms: Tensor, config: ModelConfig, progress: Callable[[int, int], None] | None = None
) -> tuple[Components, Tensor]:
    """Analyse sounds float32 [N, 1, T] on all cores: half a second of one core for 1.5 s at 44.1 kHz.

    An exception that `progress` raises ends the work.

    Returns:
        The components, and the part of each sound that its free oscillators play, float16 [N, 1, T].
    """
    rows, bodies = [], []
    executor = ThreadPoolExecutor(os.cpu_count())  # numpy and scipy release Python's lock most of the time
    try:
        for row, body in executor.map(lambda sound: _analysed(sound, config), waveforms):
            rows.append(row)
            bodies.append(torch.from_numpy(body.astype(np.float16)))
            if progress is not None:
                progress(len(rows), len(waveforms))
    finally:
        executor.shutdown(cancel_futures=True)
    columns = zip(*rows, strict=True)
    components = Components(*(torch.tensor(np.array(column), dtype=torch.float32) for column in columns))
    return components, torch.stack(bodies)[:, None]


def analyse_one(sound: Tensor, config: ModelConfig) -> Row:
    """Analyse a sound float32 [1, T]; return its components in the order of `Components`."""
    return _analysed(sound, config)[0]


def _analysed(sound: Tensor, config: ModelConfig) -> tuple[Row, Array]:
    """Return the components of a sound [1, T], and the part that its free oscillators play: [T]."""
    rate, wave = config.sample_rate, sound[0].double().numpy()
    knots = knot_frames(config.length // config.hop_length, config.knots) * config.hop_length
    end = _end(wave)
    free = _free(wave, rate, end, knots / rate)
    modes = _modes(free.rest, rate, end, config.modes)
    noise = _noise(free.rest, modes, rate, knots, config.bands, EVEN_FRAMES * config.hop_length)
    taken = np.exp(modes.log_hz[modes.weight > 0.0])
    rings = ringing_share(free.rest, taken, rate, int(SKIP_S * rate), end, config.bands, config.hop_length)
    f1, sweep, tau = free.sweep
    oscillators = (free.log_ratio, free.level, free.phase, free.weight)
    row = (math.log(f1), sweep, math.log(tau), *oscillators, *modes, noise, rings, end / rate)
    return row, wave - free.rest


def _end(sound: Array) -> int:
    loud = np.abs(sound) > np.abs(sound).max() * 10 ** (QUIET_DB / 20)
    return int(np.flatnonzero(loud)[-1]) + 1 if loud.any() else 1


def _spectrum(sound: Array, rate: int, begin: int, length: int) -> tuple[Array, Array]:
    """Return the power in dB of a windowed part, zero-padded, and the frequencies of its bins."""
    part = sound[begin : begin + length]
    part = part * np.hanning(len(part))
    size = max(LONGEST_WINDOW, 2 << (len(part) - 1).bit_length())
    power = np.abs(np.fft.rfft(part, size)) ** 2
    level: Array = 10 * np.log10(power + 1e-16)
    return level, np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)


# ---- free oscillators


def _free(sound: Array, rate: int, end: int, knot_s: Array) -> Free:
    """Fit the free oscillators. The first is the strongest tonal partial after the attack."""
    free, energies = _fitted(sound, rate, knot_s, _strongest(sound, rate, end))
    loudest = int(np.argmax(energies))
    if energies[loudest] > LOUDER * energies[0]:
        hz = free.sweep.f1 * math.exp(free.log_ratio[loudest - 1])
        if hz <= PITCH_HZ[1]:
            free, _ = _fitted(sound, rate, knot_s, hz)
    return free


def _fitted(sound: Array, rate: int, knot_s: Array, hz: float) -> tuple[Free, list[float]]:
    """Fit f₁ near `hz`, and its sweep. Then fit each further oscillator to the residual of those before.

    Returns:
        The oscillators, and the energy of each from 60 to 300 ms, weighted by how tonal it is.
    """
    factor = max(1, int(rate / SLOW_HZ))
    slow = signal.resample_poly(sound, 1, factor)
    slow_rate = rate / factor
    time, fine = np.arange(len(slow)) / slow_rate, np.arange(len(sound)) / rate
    few = min(len(slow), int(FIT_S * slow_rate))
    sweep = _fit(slow[:few], slow_rate, hz)
    base, fine_base = sweep.cycles(time), sweep.cycles(fine)
    left, rest = slow.copy(), sound.copy()
    ratios, levels, phases, weights, energies = [], [], [], [], []
    for number in range(FREE):
        ratio = _ratio(left[:few], base[:few], slow_rate, RATIOS[number - 1], sweep.f1) if number else 1.0
        hz = ratio * sweep.f1
        turn = np.exp(2j * np.pi * ratio * base)
        track = max(TRACK_S, TRACK_CYCLES / hz)
        weight = 0.0
        if hz < HIGHEST_FREE_HZ:
            mine = _tracked(left, ratio * base, int(max(TONAL_S, TONAL_CYCLES / hz) * slow_rate)) * turn
            weight = _tonality(left, mine.real, slow_rate, (hz * AROUND[0], hz * AROUND[1]), TONAL)
        if not number and weight < 1.0:
            mine = _tracked(left, base, int(max(STEADY_S, STEADY_CYCLES / hz) * slow_rate)) * turn
            near = (hz * STEADY_AROUND[0], hz * STEADY_AROUND[1])
            steady = _tonality(left, mine.real, slow_rate, near, STEADY, STEADY_FROM_S)
            if steady > weight:
                weight, track = steady, STEADY_TRACK * track
        wave = _tracked(left, ratio * base, int(track * slow_rate))
        level = np.interp(knot_s, time, np.abs(wave)) * weight
        start = wave[: int(PHASE_S * slow_rate)]
        ratios.append(math.log(ratio))
        levels.append(np.log(level + math.exp(QUIET)))
        phases.append(float(np.angle((start * np.abs(start)).sum())) / (2 * math.pi) + 0.25)  # of a sine
        weights.append(weight)
        body = weight * np.abs(wave[int(BODY_S[0] * slow_rate) : int(BODY_S[1] * slow_rate)])
        energies.append(float((body**2).sum()))
        left = left - weight * (wave * turn).real
        whole = np.interp(fine, time, wave.real) + 1j * np.interp(fine, time, wave.imag)
        rest = rest - weight * (whole * np.exp(2j * np.pi * ratio * fine_base)).real
    free = Free(sweep, np.array(ratios[1:]), np.stack(levels, 1), np.array(phases), np.array(weights), rest)
    return free, energies


def _strongest(sound: Array, rate: int, end: int) -> float:
    """Return the frequency of the strongest partial in `PITCH_HZ`, after the sweep."""
    begin = int(BODY_S[0] * rate) if end > 0.16 * rate else int(0.3 * end)
    level, bins = _spectrum(sound, rate, begin, max(1024, min(int(BODY_S[1] * rate), end) - begin))
    inside = np.flatnonzero((bins >= PITCH_HZ[0]) & (bins <= PITCH_HZ[1]))
    return float(bins[inside[int(np.argmax(level[inside]))]])


def _fit(sound: Array, rate: float, f1: float) -> Sweep:
    """Return the sweep near `f1` along which the beginning of a sound has most energy."""
    time = np.arange(len(sound)) / rate
    taus = np.geomspace(*SWEEP_S, 12)
    near = f1 * np.linspace(0.92, 1.08, 7)
    still = [(hz, 0.0, SWEEP_S[0]) for hz in near]
    best = _best(sound, rate, time, [*still, *((hz, s, tau) for hz in near for s in SWEEPS for tau in taus)])
    for finer in (1.0, 0.4):
        steps = finer * np.linspace(-1.0, 1.0, 7)
        f1s = np.clip(best.f1 * (1.0 + 0.03 * steps), *PITCH_HZ)
        sweeps = np.minimum(best.sweep * np.exp(0.25 * steps), MAX_SWEEP) if best.sweep else [0.0]
        near_taus = np.clip(best.tau * np.exp(0.3 * steps), *SWEEP_S) if best.sweep else [best.tau]
        best = _best(sound, rate, time, [(hz, s, tau) for hz in f1s for s in sweeps for tau in near_taus])
    return best


def _best(sound: Array, rate: float, time: Array, candidates: list[tuple[float, float, float]]) -> Sweep:
    rows = np.array(candidates)
    scores = [
        _energy(sound, _cycles(some, time), int(FIT_WINDOW_S * rate))
        for some in np.array_split(rows, -(-len(rows) // 200))
    ]
    score = np.concatenate(scores) * (1.0 - SIMPLER * np.minimum(rows[:, 1], 1.0))
    return Sweep(*rows[int(np.argmax(score))].tolist())


def _cycles(rows: Array, time: Array) -> Array:
    """Return the phases [N, T] of sweeps, rows of f₁, sweep and τ: [N, 3]."""
    f1, sweep, tau = (column[:, None] for column in rows.T)
    return np.asarray(f1 * (time + sweep * tau * (1.0 - np.exp(-time / tau))))


def _energy(sound: Array, cycles: Array, window: int) -> Array:
    """Return the energy of a sound along phases [..., T], summed coherently within windows: [...]."""
    turned = sound * np.exp(-2j * np.pi * cycles)
    starts = np.arange(0, max(1, len(sound) - window + 1), window // 2)
    picked = turned[..., np.minimum(starts[:, None] + np.arange(window), len(sound) - 1)]
    return np.asarray((np.abs(picked @ np.hanning(window + 2)[1:-1]) ** 2).sum(-1))


def _ratio(sound: Array, base: Array, rate: float, bounds: tuple[float, float], f1: float) -> float:
    """Return the ratio to f₁ within `bounds` at which a sound has most energy."""
    ratios = np.geomspace(*bounds, 60)
    ratios = ratios[ratios * f1 < HIGHEST_FREE_HZ]
    if not len(ratios):
        return math.sqrt(bounds[0] * bounds[1])
    return float(ratios[int(np.argmax(_energy(sound, ratios[:, None] * base, int(RATIO_WINDOW_S * rate))))])


def _tracked(sound: Array, cycles: Array, half: int) -> NDArray[np.complex128]:
    """Return the amplitude c(t) [T] for which Re(c · e^(2πi · cycles)) is nearest to a sound.

    Least squares within a Hann window of 2 · half + 1 samples around each.
    """
    cosine, sine = np.cos(2 * np.pi * cycles), np.sin(2 * np.pi * cycles)
    window = np.hanning(2 * half + 1)

    def around(values: Array) -> Array:
        return np.asarray(signal.fftconvolve(values, window, "same"))

    cc, ss, cs = around(cosine * cosine), around(sine * sine), around(cosine * sine)
    xc, xs = around(sound * cosine), around(sound * sine)
    ridge = 1e-3 * (cc + ss) + 1e-12
    determinant = (cc + ridge) * (ss + ridge) - cs * cs
    a, b = (xc * (ss + ridge) - xs * cs) / determinant, (xs * (cc + ridge) - xc * cs) / determinant
    return np.asarray(a - 1j * b)


def _tonality(
    sound: Array,
    mine: Array,
    rate: float,
    band_hz: tuple[float, float],
    shares: tuple[float, float],
    from_s: float = 0.0,
) -> float:
    """Return a score, 0 to 1, for the share of a band's energy up to 0.3 s that an oscillator explains.

    Args:
        mine: the oscillator, with its level measured over a long window, [T].
        shares: the share up to which the score is 0, and the share from which it is 1.
        from_s: time in seconds from which the energy counts.
    """
    first, last = int(from_s * rate), int(BODY_S[1] * rate)
    limits = [band_hz[0], min(band_hz[1], 0.45 * rate)]
    filters = signal.butter(2, limits, "bandpass", fs=rate, output="sos")
    around, missed = (signal.sosfiltfilt(filters, part[:last])[first:] for part in (sound, sound - mine))
    share = 1.0 - float((missed**2).sum()) / (float((around**2).sum()) + 1e-12)
    return float(np.clip((share - shares[0]) / (shares[1] - shares[0]), 0.0, 1.0))


# ---- modes


def _floor(level: Array, block: int) -> Array:
    """Return the median of each block of bins, on straight lines between the middles of the blocks."""
    count = max(1, len(level) // block)
    medians = np.median(level[: count * block].reshape(count, -1), 1)
    return np.interp(np.arange(len(level)), (np.arange(count) + 0.5) * block, medians)


def _modes(sound: Array, rate: int, end: int, modes: int) -> Modes:
    """Find the strongest partial in each zone, with the energy of all partials of the zone."""
    zones, half = zones_hz(modes, rate), half_zone(modes, rate)
    nothing = math.log(math.sqrt(DECAYS[0] * DECAYS[1]))
    found = Modes(np.log(zones), np.full(modes, QUIET), np.full(modes, nothing), np.zeros(modes))
    begin = int(SKIP_S * rate)
    length = min(LONGEST_WINDOW, end - begin)
    if length < SHORTEST_WINDOW:
        return found
    level, bins = _spectrum(sound, rate, begin, length)
    step = bins[1]
    floor = _floor(level, int(FLOOR_HZ / step))
    power = 10 ** (level / 10)
    halves = [_spectrum(sound, rate, begin + offset, length // 2)[0] for offset in (0, length // 2)]
    half_step = rate / (2 * (len(halves[0]) - 1))
    lobe = max(1, round(2 * len(level) / length))  # half the width of a partial of the Hann window
    which, hz, decay, gain = [], [], [], []
    for mode, zone in enumerate(zones):
        first, last = (int(zone * math.exp(sign * half) / step) for sign in (-1, 1))
        last = min(last, len(level) - 2)
        if last - first < 2:
            continue
        at = first + int(np.argmax(level[first : last + 1]))
        before, middle, after = level[at - 1 : at + 2]
        if middle < max(before, after) or middle < max(floor[at] + PROMINENCE_DB, level.max() - RANGE_DB):
            continue
        noise = OVER_NOISE * 10 ** (floor[at] / 10) / math.log(2) * (last + 1 - first)
        own = power[max(0, at - lobe) : at + lobe + 1].sum()
        energy = float(np.clip((power[first : last + 1].sum() - noise) / own, 0.0, 4.0))
        if energy < 0.0025:
            continue
        near = round(float(bins[at] / half_step))
        nepers = (halves[0][near] - halves[1][near]) / 20 * math.log(10)
        bend = before - 2 * middle + after
        which.append(mode)
        hz.append(float(bins[at]) + (0.5 * (before - after) / bend * step if bend else 0.0))
        decay.append(float(np.clip(nepers / (length / 2 / rate), *DECAYS)))
        gain.append(math.sqrt(energy))
    if which:
        level_there = np.log(_amplitudes(sound[: min(end, SOLVED)], rate, hz, decay) * gain + 1e-9)
        found.log_hz[which], found.log_decay[which] = np.log(hz), np.log(decay)
        found.log_level[which] = np.clip(level_there, QUIET, LOUDEST_MODE)
        found.weight[which] = np.minimum(1.0, gain)
    return found


def _amplitudes(sound: Array, rate: int, hz: list[float], decay: list[float]) -> Array:
    """Return the initial amplitudes of damped sinusoids whose sum is nearest to a sound.

    Least squares, with little weight on the attack.
    """
    time = np.arange(len(sound))[:, None] / rate
    envelope = np.exp(-time * np.array(decay))
    angle = 2 * np.pi * time * np.array(hz)
    waves = np.concatenate((envelope * np.cos(angle), envelope * np.sin(angle)), 1)
    weight = np.where(time < 0.005, 0.1, 1.0)
    gram = (weight * waves).T @ waves
    gram[np.diag_indices_from(gram)] *= 1.02
    both = np.linalg.solve(gram + 1e-12 * np.eye(len(gram)), (weight * waves).T @ sound)
    return np.hypot(*np.split(both, 2))


# ---- noise


def _noise(sound: Array, modes: Modes, rate: int, knots: NDArray[np.int64], bands: int, even: int) -> Array:
    """Return log levels of the bands at the knots, [knots, bands], without the power of the modes."""
    size = fft.next_fast_len(len(sound) + 8 * int(smoothing_samples(bands, rate).max()), real=True)
    shapes, windows = (
        _shapes(bands, rate, size),
        _windows(bands, rate, len(sound), tuple(knots.tolist()), even),
    )
    spectrum = fft.rfft(sound, size)
    whole = len(sound) // BLOCK * BLOCK
    power, short = np.zeros((len(knots), bands)), np.zeros((len(knots), bands))
    for band, (first, amplitude) in enumerate(shapes):
        part = np.zeros_like(spectrum)
        part[first : first + len(amplitude)] = spectrum[first : first + len(amplitude)] * amplitude
        filtered = fft.irfft(part, size)[:whole].reshape(-1, BLOCK)
        window, short[:, band] = windows[band]
        power[:, band] = window @ (np.einsum("ij,ij->i", filtered, filtered) / BLOCK)
    used = np.flatnonzero(modes.weight)
    taken_hz = np.exp(modes.log_hz[used])
    level = modes.log_level[used] - np.exp(modes.log_decay[used]) * (knots / rate)[:, None]
    tonal = 0.5 * np.exp(2 * level) @ band_shapes(bands, rate, taken_hz).T
    left = np.maximum(power - tonal, LEAST_NOISE * power)
    left = np.minimum(left, power * share_between(sound, taken_hz, rate, knots, bands))
    return np.asarray(0.5 * np.log(left + math.exp(2 * QUIET)) + short)


@cache
def _shapes(bands: int, rate: int, size: int) -> list[tuple[int, Array]]:
    """Return the first bin and the amplitudes of each band's filter, without its zeros."""
    every = np.sqrt(band_shapes(bands, rate, np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)))
    used = [np.flatnonzero(shape) for shape in every]
    return [(int(bins[0]), shape[bins[0] : bins[-1] + 1]) for shape, bins in zip(every, used, strict=True)]


@cache
def _windows(
    bands: int, rate: int, length: int, knots: tuple[int, ...], even: int
) -> list[tuple[NDArray[np.float32], Array]]:
    """Return, for each band, the weights of the mean power at each knot, and the bias of its logarithm.

    The mean is over a Gaussian window, longer where knots are further apart. For a noise, the logarithm of
    this mean is lower by ln(n/2) - ψ(n/2) on average, with n degrees of freedom within the window. Not so in
    the first frames, where the power of the decoder's noise is even.

    Returns:
        float32 [knots, blocks], weights, and float64 [knots], nepers of amplitude.
    """
    middle = (np.arange(length // BLOCK) + 0.5) * BLOCK
    at = np.minimum(np.array(knots), length - 1)[:, None]
    apart = SPACING * np.gradient(np.array(knots, np.float64))[:, None]
    found = []
    for shortest, width in zip(smoothing_samples(bands, rate), band_widths_hz(bands, rate), strict=True):
        window = np.exp(-0.5 * ((middle - at) / np.maximum(shortest, apart)) ** 2) + 1e-30
        window /= window.sum(1, keepdims=True)
        seconds = BLOCK / rate / (window**2).sum(1)
        half = np.maximum(1.0, width * seconds)
        bias = np.where(np.array(knots) <= even, 0.0, 0.5 * (np.log(half) - special.digamma(half)))
        found.append((window.astype(np.float32), bias))
    return found
