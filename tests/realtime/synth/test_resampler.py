"""Tests for the resampler: its sound compared with soxr's, and the response of its filter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soxr

from realtime.synth.voices.resampler import RateError, Resampler

PAIRS = [
    (22050, 48000),
    (22050, 44100),
    (8000, 48000),
    (8000, 44100),
    (44100, 48000),
    (48000, 44100),
    (22050, 96000),
    (44100, 22050),
    (22000, 44100),
]


def noise(samples: int) -> np.ndarray:
    return (0.3 * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)


def tone(part: float, lower: int, rate: int) -> np.ndarray:
    """Return one second of a sine, faded in and out: float64 [rate].

    Its frequency is the fraction `part` of the Nyquist frequency at the rate `lower`.
    """
    seconds = np.arange(rate) / rate
    return np.sin(2 * np.pi * round(part * lower / 2) * seconds) * np.sin(np.pi * seconds) ** 2


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_tones_within_the_band_are_preserved(rate_in: int, rate_out: int) -> None:
    resampler, lower = Resampler(rate_in, rate_out), min(rate_in, rate_out)
    for part in (0.01, 0.3, 0.7, 0.9):
        ours = resampler.resample(tone(part, lower, rate_in).astype(np.float32))
        # the limit is -90 dB; the error of soxr is 8e-4 for 0.9
        assert np.abs(ours - tone(part, lower, rate_out)).max() < 3e-5


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_length_and_delay_equal_those_of_soxr(rate_in: int, rate_out: int) -> None:
    resampler = Resampler(rate_in, rate_out)
    for samples in (33, 1000, 5000):
        assert len(resampler.resample(noise(samples))) == len(
            soxr.resample(noise(samples), rate_in, rate_out)
        )
    sound = tone(0.3, min(rate_in, rate_out), rate_in).astype(np.float32)
    soxrs = soxr.resample(sound, rate_in, rate_out, quality="HQ")
    assert np.abs(resampler.resample(sound) - soxrs).max() < 1e-5


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_frequencies_beyond_the_band_are_suppressed(rate_in: int, rate_out: int) -> None:
    """The filter suppresses frequencies above 109 % of the band, including images of the band."""
    resampler = Resampler(rate_in, rate_out)
    nyquist = min(rate_in, rate_out) / 2
    for part in (0.3, 0.9, 1.1):
        if part * nyquist > rate_in / 2:
            continue
        sound = resampler.resample(tone(part, min(rate_in, rate_out), rate_in).astype(np.float32))
        hertz = np.fft.rfftfreq(len(sound), 1 / rate_out)
        level = np.abs(np.fft.rfft(sound)) / (rate_out / 4)  # relative to the level of the tone
        wrong = np.abs(hertz - part * nyquist) > 50 if part < 1 else np.ones(len(hertz), bool)
        assert level[wrong].max() < 3e-5  # -90 dB


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_samples_that_count_as_ready_do_not_depend_on_later_input(rate_in: int, rate_out: int) -> None:
    resampler = Resampler(rate_in, rate_out)
    half = resampler.half
    padded = np.zeros(4000 + 2 * half, np.float32)
    padded[half : half + 4000] = noise(4000)
    whole = resampler.resample(noise(4000))
    for known in (half - 1, half, half + 1, 1000, 1999):
        settled = resampler.ready(known)
        out = np.zeros(len(whole), np.float32)
        cut = padded.copy()
        cut[half + known :] = np.nan
        resampler.run(cut, out, 0, settled)
        np.testing.assert_allclose(out[:settled], whole[:settled], atol=1e-7)
        if settled < len(whole):  # the next sample would need unknown input
            assert (settled * rate_in) // rate_out + half >= known


def test_resampling_in_parts_does_not_change_the_sound() -> None:
    resampler = Resampler(22050, 48000)
    sound = noise(3000)
    whole = resampler.resample(sound)
    padded = np.pad(sound, resampler.half)
    out = np.zeros_like(whole)
    cuts = [0, 1, 319, 320, 321, 960, 2000, len(whole)]
    for first, last in pairwise(cuts):
        resampler.run(padded, out, first, last)
    np.testing.assert_allclose(out, whole, atol=1e-7)


def test_equal_rates_pass_the_samples_through() -> None:
    resampler = Resampler(22050, 22050)
    assert resampler.half == 0
    np.testing.assert_array_equal(resampler.resample(noise(777)), noise(777))


@pytest.mark.parametrize("rate_out", [47999, 0, -48000])
def test_unsupported_rates_are_refused(rate_out: int) -> None:
    with pytest.raises(RateError, match=str(rate_out)):
        Resampler(22050, rate_out)
