"""Finds the free oscillators of a recorded drum: low partials whose frequencies sweep together.

A knot is a time at which the decoder learns levels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from trainer.components.layout import FREE, MAX_SWEEP, QUIET, RATIOS, SWEEP_S
from trainer.components.spectrum import spectrum

Array = NDArray[np.float64]

SLOW_HZ = 4410.0
"""Lowest sample rate to which the analysis reduces a sound."""
PITCH_HZ = (30.0, 480.0)
"""Range in which f₁, the frequency of the first oscillator, is sought."""
HIGHEST_FREE_HZ = 1500.0
"""Highest frequency of a free oscillator."""
BODY_S = (0.06, 0.3)
"""Start and end, in seconds, of the part in which the pitch is measured, after the attack and the sweep."""
FIT_S = 0.25
"""Length in seconds of the part, from the start of a sound, to which the sweep is fitted."""
FIT_WINDOW_S, RATIO_WINDOW_S = 0.03, 0.06
"""Lengths in seconds of the windows in which energy is summed coherently: for the sweep, for the ratios."""
SIMPLER = 0.02
"""Additional fraction of the energy that a sweep of an octave must explain, compared with a constant
frequency."""
SWEEPS = (0.08, 0.16, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Sweeps, relative to f₁, that are tried first."""
TRACK_S, TRACK_CYCLES = 0.008, 0.9
"""Half the length of an oscillator's level window, in seconds and in cycles; the longer time applies."""
TONAL_S, TONAL_CYCLES = 0.02, 2.5
"""Half the length of an oscillator's tonality window, in seconds and in cycles; the longer one applies.

Over such a long window, an oscillator can explain a tone, but only a small part of a noise.
"""
TONAL = (0.55, 0.85)
"""The weight of an oscillator rises from 0 to 1 between these explained fractions of the energy around it."""
LOCAL_S, LOCAL_CYCLES, LOCALLY_TONAL = 0.025, 5.0, (0.55, 0.8)
"""Settings for sounds that are tonal in only a part of their length, such as a hi-hat after its attack.

LOCAL_S and LOCAL_CYCLES are the standard deviation (the longer one applies) of the window in which the
energies are compared; LOCALLY_TONAL is like `TONAL`.
"""
AROUND = (0.6, 1.7)
"""Limits, relative to an oscillator's frequency, of the band whose energy the oscillator should explain."""
STEADY_S, STEADY_CYCLES, STEADY, STEADY_AROUND, STEADY_FROM_S = 0.05, 6.0, (0.7, 0.9), (0.84, 1.19), 0.03
"""Values of TONAL_S, TONAL_CYCLES, TONAL and AROUND for a steady partial with other partials near it.

The partial is steady after the attack, which ends at STEADY_FROM_S.
"""
STEADY_TRACK = 3.0
"""Length of the window for the level of a steady partial, relative to the window for any other partial."""
LOUDER = 1.5
"""Ratio of energies after the attack above which a different oscillator's frequency becomes f₁."""
PHASE_S = 0.05
"""Length in seconds of the part, from the start of a sound, over which the initial phase is averaged."""


class Sweep(NamedTuple):
    """The frequency of an oscillator over time, f(t) = f₁ (1 + sweep · e^(-t/τ)), in Hz and seconds."""

    f1: float
    sweep: float
    tau: float

    def cycles(self, time: Array) -> Array:
        """Return the phase at the times `time` [T], in cycles; it is 0 at time 0."""
        return _cycles(np.array([self]), time)[0]


class Oscillators(NamedTuple):
    """The free oscillators of a sound, and the sound without them.

    Attributes:
        sweep: the frequency of the first oscillator over time.
        log_ratio: log frequency ratios of the other oscillators to the first, [FREE - 1].
        level: log levels at the knots, [knots, FREE].
        phase: phases at the start, in cycles, [FREE].
        weight: how tonal the sound is near each oscillator's frequency, 0 to 1, [FREE].
        rest: the sound without the oscillators, [T].
    """

    sweep: Sweep
    log_ratio: Array
    level: Array
    phase: Array
    weight: Array
    rest: Array


def find_oscillators(sound: Array, rate: int, end: int, knot_s: Array) -> Oscillators:
    """Fit the free oscillators to a sound. The first one is the strongest tonal partial after the attack.

    Args:
        sound: float64 [T].
        end: index of the sample at which the sound ends.
        knot_s: times of the knots in seconds.
    """
    free, energies = _fit_oscillators(sound, rate, knot_s, _strongest_partial_hz(sound, rate, end))
    loudest = int(np.argmax(energies))
    if energies[loudest] > LOUDER * energies[0]:
        hz = free.sweep.f1 * math.exp(free.log_ratio[loudest - 1])
        if hz <= PITCH_HZ[1]:
            free, _ = _fit_oscillators(sound, rate, knot_s, hz)
    return free


def _fit_oscillators(sound: Array, rate: int, knot_s: Array, hz: float) -> tuple[Oscillators, list[float]]:
    """Fit f₁ near `hz`, and the sweep. Then fit each further oscillator to the residual of those before it.

    Returns:
        The oscillators, and the energy of each from 60 to 300 ms, weighted by how tonal it is.
    """
    factor = max(1, int(rate / SLOW_HZ))
    slow = signal.resample_poly(sound, 1, factor)
    slow_rate = rate / factor
    time, fine = np.arange(len(slow)) / slow_rate, np.arange(len(sound)) / rate
    few = min(len(slow), int(FIT_S * slow_rate))
    sweep = _fit_sweep(slow[:few], slow_rate, hz)
    base, fine_base = sweep.cycles(time), sweep.cycles(fine)
    left, rest = slow.copy(), sound.copy()
    ratios, levels, phases, weights, energies = [], [], [], [], []
    for number in range(FREE):
        ratio = (
            _best_ratio(left[:few], base[:few], slow_rate, RATIOS[number - 1], sweep.f1) if number else 1.0
        )
        hz = ratio * sweep.f1
        turn = np.exp(2j * np.pi * ratio * base)
        track = max(TRACK_S, TRACK_CYCLES / hz)
        weight, local = 0.0, np.zeros(len(left))
        if hz < HIGHEST_FREE_HZ:
            tone = _amplitude(left, ratio * base, int(max(TONAL_S, TONAL_CYCLES / hz) * slow_rate)) * turn
            around, unexplained = _energies(left, tone.real, slow_rate, (hz * AROUND[0], hz * AROUND[1]))
            weight = _tonality(around, unexplained, slow_rate, TONAL)
            local = _local_tonality(around, unexplained, max(LOCAL_S, LOCAL_CYCLES / hz) * slow_rate)
        if not number and weight < 1.0:
            tone = _amplitude(left, base, int(max(STEADY_S, STEADY_CYCLES / hz) * slow_rate)) * turn
            near = (hz * STEADY_AROUND[0], hz * STEADY_AROUND[1])
            steady = _tonality(*_energies(left, tone.real, slow_rate, near), slow_rate, STEADY, STEADY_FROM_S)
            if steady > weight:
                weight, track = steady, STEADY_TRACK * track
        wave = _amplitude(left, ratio * base, int(track * slow_rate))
        body = slice(int(BODY_S[0] * slow_rate), int(BODY_S[1] * slow_rate))
        energy = np.abs(wave[body]) ** 2
        wave = wave * np.maximum(weight, local)
        weight = max(weight, float((local[body] * energy).sum() / (energy.sum() + 1e-12)))
        level = np.interp(knot_s, time, np.abs(wave))
        start = wave[: int(PHASE_S * slow_rate)]
        ratios.append(math.log(ratio))
        levels.append(np.log(level + math.exp(QUIET)))
        phases.append(float(np.angle((start * np.abs(start)).sum())) / (2 * math.pi) + 0.25)  # as a sine
        weights.append(weight)
        energies.append(float((weight**2 * energy).sum()))
        left = left - (wave * turn).real
        whole = np.interp(fine, time, wave.real) + 1j * np.interp(fine, time, wave.imag)
        rest = rest - (whole * np.exp(2j * np.pi * ratio * fine_base)).real
    free = Oscillators(
        sweep, np.array(ratios[1:]), np.stack(levels, 1), np.array(phases), np.array(weights), rest
    )
    return free, energies


def _strongest_partial_hz(sound: Array, rate: int, end: int) -> float:
    """Return the frequency of the strongest partial in `PITCH_HZ`, after the sweep."""
    begin = int(BODY_S[0] * rate) if end > 0.16 * rate else int(0.3 * end)
    level, bins = spectrum(sound, rate, begin, max(1024, min(int(BODY_S[1] * rate), end) - begin))
    inside = np.flatnonzero((bins >= PITCH_HZ[0]) & (bins <= PITCH_HZ[1]))
    return float(bins[inside[int(np.argmax(level[inside]))]])


def _fit_sweep(sound: Array, rate: float, f1: float) -> Sweep:
    """Return the sweep near `f1` that explains the most energy at the beginning of a sound."""
    time = np.arange(len(sound)) / rate
    taus = np.geomspace(*SWEEP_S, 12)
    near = f1 * np.linspace(0.92, 1.08, 7)
    still = [(hz, 0.0, SWEEP_S[0]) for hz in near]
    best = _best_sweep(
        sound, rate, time, [*still, *((hz, s, tau) for hz in near for s in SWEEPS for tau in taus)]
    )
    for finer in (1.0, 0.4):
        steps = finer * np.linspace(-1.0, 1.0, 7)
        f1s = np.clip(best.f1 * (1.0 + 0.03 * steps), *PITCH_HZ)
        sweeps = np.minimum(best.sweep * np.exp(0.25 * steps), MAX_SWEEP) if best.sweep else [0.0]
        near_taus = np.clip(best.tau * np.exp(0.3 * steps), *SWEEP_S) if best.sweep else [best.tau]
        best = _best_sweep(
            sound, rate, time, [(hz, s, tau) for hz in f1s for s in sweeps for tau in near_taus]
        )
    return best


def _best_sweep(
    sound: Array, rate: float, time: Array, candidates: list[tuple[float, float, float]]
) -> Sweep:
    """Return the candidate (f₁, sweep, τ) that explains the most energy; `SIMPLER` favours small sweeps."""
    rows = np.array(candidates)
    scores = [
        _energy(sound, _cycles(some, time), int(FIT_WINDOW_S * rate))
        for some in np.array_split(rows, -(-len(rows) // 200))
    ]
    score = np.concatenate(scores) * (1.0 - SIMPLER * np.minimum(rows[:, 1], 1.0))
    return Sweep(*rows[int(np.argmax(score))].tolist())


def _cycles(rows: Array, time: Array) -> Array:
    """Return the phases [N, T], in cycles, of sweeps given as rows of f₁, sweep and τ, [N, 3]."""
    f1, sweep, tau = (column[:, None] for column in rows.T)
    return np.asarray(f1 * (time + sweep * tau * (1.0 - np.exp(-time / tau))))


def _energy(sound: Array, cycles: Array, window: int) -> Array:
    """Return the energy of a sound along phases [..., T], summed coherently within windows: [...]."""
    turned = sound * np.exp(-2j * np.pi * cycles)
    starts = np.arange(0, max(1, len(sound) - window + 1), window // 2)
    picked = turned[..., np.minimum(starts[:, None] + np.arange(window), len(sound) - 1)]
    return np.asarray((np.abs(picked @ np.hanning(window + 2)[1:-1]) ** 2).sum(-1))


def _best_ratio(sound: Array, base: Array, rate: float, bounds: tuple[float, float], f1: float) -> float:
    """Return the ratio to f₁, within `bounds`, at which a sound has the most energy."""
    ratios = np.geomspace(*bounds, 60)
    ratios = ratios[ratios * f1 < HIGHEST_FREE_HZ]
    if not len(ratios):
        return math.sqrt(bounds[0] * bounds[1])
    return float(ratios[int(np.argmax(_energy(sound, ratios[:, None] * base, int(RATIO_WINDOW_S * rate))))])


def _amplitude(sound: Array, cycles: Array, half: int) -> NDArray[np.complex128]:
    """Return the complex amplitude c(t) [T] for which Re(c · e^(2πi · cycles)) is nearest to a sound.

    The fit is by least squares, for each sample in a Hann window of 2 · half + 1 samples around it.
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


def _energies(sound: Array, tone: Array, rate: float, band_hz: tuple[float, float]) -> tuple[Array, Array]:
    """Return the energies, within a band, of a sound and of the sound minus an oscillator: [T] each.

    Args:
        tone: the oscillator, with its level measured over a long window, [T].
    """
    limits = [band_hz[0], min(band_hz[1], 0.45 * rate)]
    filters = signal.butter(2, limits, "bandpass", fs=rate, output="sos")
    around, unexplained = (signal.sosfiltfilt(filters, part) ** 2 for part in (sound, sound - tone))
    return around, unexplained


def _tonality(
    around: Array, unexplained: Array, rate: float, shares: tuple[float, float], from_s: float = 0.0
) -> float:
    """Return a score, 0 to 1, for the fraction of the energy up to 0.3 s that an oscillator explains.

    Args:
        around: energies of the sound, [T].
        unexplained: energies of the sound minus the oscillator, [T].
        shares: the fraction up to which the score is 0, and the fraction from which it is 1.
        from_s: time in seconds from which the energy counts.
    """
    part = slice(int(from_s * rate), int(BODY_S[1] * rate))
    return float(_score(around[part].sum(), unexplained[part].sum(), shares))


def _local_tonality(around: Array, unexplained: Array, spread: float) -> Array:
    """Return, for each sample, the score in a Gaussian window around it: [T].

    Args:
        spread: standard deviation of the window in samples.
    """
    offset = np.arange(-int(3 * spread), int(3 * spread) + 1)
    window = np.exp(-0.5 * (offset / spread) ** 2)
    energy, lost = (
        np.maximum(signal.fftconvolve(part, window, "same"), 0.0) for part in (around, unexplained)
    )
    return np.asarray(_score(energy + 1e-9 * energy.max(), lost, LOCALLY_TONAL))


def _score(energy: Array | float, unexplained: Array | float, shares: tuple[float, float]) -> Array | float:
    """Return a score for the explained fraction of an energy: 0 up to `shares[0]`, 1 from `shares[1]`."""
    share = 1.0 - unexplained / (energy + 1e-12)
    return np.clip((share - shares[0]) / (shares[1] - shares[0]), 0.0, 1.0)
