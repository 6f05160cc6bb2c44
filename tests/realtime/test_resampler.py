"""The resampler against soxr itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soxr

from realtime.resampler import RateError, Resampler

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


def soxr_out_of_silence(sound: np.ndarray, rate_in: int, rate_out: int) -> np.ndarray:
    """What soxr makes of the sound with a second of silence before it."""
    lead = np.zeros(rate_in, np.float32)
    return soxr.resample(np.concatenate([lead, sound]), rate_in, rate_out, quality="HQ")[rate_out:]


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_equals_soxr(rate_in: int, rate_out: int) -> None:
    resampler = Resampler(rate_in, rate_out)
    for samples in (33, 1000, 5000):
        ours = resampler.resample(noise(samples))
        soxrs = soxr_out_of_silence(noise(samples), rate_in, rate_out)
        assert len(ours) == len(soxr.resample(noise(samples), rate_in, rate_out))
        assert np.abs(ours - soxrs).max() < 2e-6  # -114 dB


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_what_is_settled_does_not_depend_on_what_comes(rate_in: int, rate_out: int) -> None:
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
        if settled < len(whole):  # and not one sample fewer than could be
            assert (settled * rate_in) // rate_out + half >= known


def test_any_cut_into_runs_is_the_same_sound() -> None:
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
def test_rates_that_cannot_be_reached(rate_out: int) -> None:
    with pytest.raises(RateError, match=str(rate_out)):
        Resampler(22050, rate_out)
