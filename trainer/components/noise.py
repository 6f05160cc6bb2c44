"""Makes the noise of the modal decoder (`trainer.models.modal`): tables of noise in bands.

One table contains Gaussian noise. The other table contains ringing noise, which consists of dense partials.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.components.layout import band_shapes, smoothing_samples

NOISE_PERIOD = 16_384
"""Longest period of the noise, in samples; it is rounded down to a multiple of the latent frame."""
PARTIAL_HZ = 40.0
"""Mean distance between neighbouring partials of ringing noise."""
PARTIAL_SPREAD = 0.5
"""Standard deviation, in nepers, of the variation in the levels of partials that is added to the variation of
Gaussian noise."""
EVEN_FRAMES = 12
"""Number of frames at the start of the noise over which its power is nearly constant."""
SEEDS = ((16, False), (17, True))
"""Seed of each table, and whether it is ringing noise instead of Gaussian noise.

All sounds share the tables. Eleven pairs of seeds were tried. With this pair, the power at the multiples of
the frame rate is about that of recordings (`bench.sounds.timbre.grid_db`).
"""


def noise_table(
    bands: int, hop_length: int, sample_rate: int, seed: int = 0, ringing: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make Gaussian or ringing noise of unit power in mel-spaced bands that overlap by half.

    Every sound starts at the beginning of the table; each band is therefore rotated to begin where its power
    is nearly constant. The signs of the bands are chosen to keep the peak of their sum low.

    Returns:
        float32 [bands, T], with values rounded to float16, and int64 [bands], the period of each band in
        frames. T is the longest period. Periods differ; the sum of the bands therefore does not repeat.
    """
    random = np.random.default_rng(seed)
    longest = NOISE_PERIOD // hop_length
    table = np.zeros((bands, longest * hop_length), np.float32)
    periods = longest - np.arange(bands)
    smoothing = smoothing_samples(bands, sample_rate)
    begun = np.zeros(EVEN_FRAMES * hop_length)
    for band, period in enumerate((periods * hop_length).tolist()):
        shape = band_shapes(
            bands, sample_rate, np.fft.rfftfreq(period, 1.0 / sample_rate).astype(np.float64)
        )[band]
        spectrum = np.fft.rfft(random.standard_normal(period)) * np.sqrt(shape)
        if ringing:
            spectrum *= _sparse(random, len(spectrum), sample_rate / period)
        spectrum[0] = 0.0
        sound = np.fft.irfft(spectrum, period)
        sound = sound / np.sqrt(np.mean(sound**2))
        sound = np.roll(sound, -_even_start(sound, smoothing[band], hop_length))
        first = np.resize(sound, len(begun))
        if np.abs(begun - first).max() < np.abs(begun + first).max():
            sound, first = -sound, -first
        begun += first
        table[band, :period] = sound
    return table.astype(np.float16).astype(np.float32), periods.astype(np.int64)


def _sparse(random: np.random.Generator, bins: int, bin_hz: float) -> NDArray[np.float64]:
    """Return gains [bins]: a partial of random level and frequency in each interval of `PARTIAL_HZ`."""
    cells = np.arange(int(bins * bin_hz / PARTIAL_HZ))
    at = ((cells + random.random(len(cells))) * (PARTIAL_HZ / bin_hz)).astype(int)
    gains = np.zeros(bins)
    gains[at] = np.exp(PARTIAL_SPREAD * random.standard_normal(len(at)))
    return gains


def _even_start(sound: NDArray[np.float64], smoothing: float, hop_length: int) -> int:
    """Return the sample index in periodic noise after which the smoothed power stays nearest to 1."""
    period = len(sound)
    ahead = np.arange(period)
    window = np.fft.rfft(np.exp(-0.5 * (ahead / smoothing) ** 2))
    after = np.fft.irfft(np.fft.rfft(sound**2) * window.conj(), period)  # smoothed over later samples only
    before = np.fft.irfft(np.fft.rfft(sound**2) * window, period)
    total = np.exp(-0.5 * (ahead / smoothing) ** 2).sum()
    uneven = np.abs(np.log(np.maximum(after / total, 1e-9)))
    around = np.abs(np.log(np.maximum((before + after - sound**2) / (2 * total - 1), 1e-9)))
    for frame in range(2, EVEN_FRAMES, 2):
        uneven = np.maximum(uneven, np.roll(around, -frame * hop_length))
    return int(np.argmin(uneven))


def noise_tables(
    bands: int, hop_length: int, sample_rate: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the tables and periods of Gaussian noise, then of ringing noise: [2 · bands, T], [2 · bands]."""
    pairs = [noise_table(bands, hop_length, sample_rate, seed, kind) for seed, kind in SEEDS]
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])
