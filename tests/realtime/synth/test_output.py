"""Tests for the output after the voices: gain, DC block, limiter, knee (a soft clipper) and level meters.

The samples are always finite and within ±1.
"""

from __future__ import annotations

import numpy as np
import pytest

from realtime.synth.output import THRESHOLD, Finish, Output, amplitude, limit


def noise(peak: float, samples: int = 1000) -> np.ndarray:
    return (peak * np.random.default_rng(0).uniform(-1, 1, samples)).astype(np.float32)


def test_dc_block_removes_dc_and_keeps_the_sound_at_any_block_size() -> None:
    time_s = np.arange(96_000) / 48_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * time_s).astype(np.float32)
    heard = []
    for size in (128, 1000):
        output = Output(48_000, finish=Finish(dc_block_hz=3.0))
        bus = np.stack((tone + np.float32(0.4), tone))
        for at in range(0, 96_000, size):
            output.process(bus[:, at : at + size], at)
        heard.append(bus)
    np.testing.assert_allclose(heard[0], heard[1], atol=1e-6)
    last = heard[0][:, 72_000:]
    np.testing.assert_allclose(last.mean(axis=1), 0.0, atol=1e-4)
    np.testing.assert_allclose(last[1], tone[72_000:], atol=0.3 * 2 * 3 / 440)
    assert output.ringing


def test_samples_below_the_threshold_of_the_knee_pass_unchanged() -> None:
    bus = noise(THRESHOLD)
    bus[:2] = THRESHOLD, -THRESHOLD
    before = bus.copy()
    Output(48000).process(bus[np.newaxis], 0)
    np.testing.assert_array_equal(bus, before)


@pytest.mark.parametrize("peak", [0.95, 2.0, 1e3, 3e38])
def test_output_never_exceeds_full_scale(peak: float) -> None:
    bus = noise(peak)
    bus[:2] = peak, -peak
    quiet = np.abs(bus) <= THRESHOLD
    before = bus.copy()
    Output(48000).process(bus[np.newaxis], 0)
    assert np.abs(bus).max() <= 1.0
    np.testing.assert_array_equal(bus[quiet], before[quiet])
    np.testing.assert_array_equal(np.sign(bus), np.sign(before))


def test_knee_is_smooth_and_rising() -> None:
    x = np.linspace(0.85, 1.5, 6501, dtype=np.float32)  # in steps of 1e-4
    y = x.copy()
    limit(y)
    slope = np.diff(y.astype(np.float64)) / 1e-4
    assert (slope > -1e-3).all()
    assert np.abs(np.diff(slope)).max() < 0.01
    assert slope[:400] == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_block_with_nan_or_infinity_is_silenced_and_counted(bad: float) -> None:
    output = Output(48000)
    bus = noise(0.5)
    bus[500] = bad
    output.process(bus[np.newaxis], 0)
    np.testing.assert_array_equal(bus, 0.0)
    assert output.muted == 1
    bus = noise(0.5)
    output.process(bus[np.newaxis], 1000)
    np.testing.assert_array_equal(bus, noise(0.5))


def test_gain_of_zero_db_is_exactly_one() -> None:
    assert amplitude(0.0) == 1.0
    assert amplitude(-20.0) == pytest.approx(0.1)


def test_gain_ramp_is_linear_over_five_milliseconds() -> None:
    output = Output(48000)
    output.set_gain(-20.0, 1000)
    bus = np.full(500, 0.5, np.float32)
    for at in range(0, 500, 60):  # this block size is arbitrary
        output.process(bus[at : at + 60][np.newaxis], 1000 + at)
    line = 1 + np.arange(240) / 240 * (0.1 - 1)
    np.testing.assert_allclose(bus[:240], 0.5 * line, rtol=1e-6)
    np.testing.assert_allclose(bus[240:], 0.05, rtol=1e-6)


def test_new_gain_ramp_starts_at_the_current_gain() -> None:
    output = Output(48000)
    output.set_gain(-120.0, 0)
    bus = np.full(240, 0.5, np.float32)
    output.process(bus[:120][np.newaxis], 0)
    output.set_gain(0.0, 120)
    output.process(bus[120:][np.newaxis], 120)
    assert np.abs(np.diff(bus)).max() <= 0.5 / 240 + 1e-6
    last = np.full(240, 0.5, np.float32)
    output.process(last[np.newaxis], 360)
    np.testing.assert_array_equal(last, 0.5)


def test_meters_follow_the_sound_and_decay() -> None:
    output = Output(48_000)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(96_000) / 48_000).astype(np.float32)
    bus = np.stack((tone, 0.5 * tone))
    for at in range(0, 96_000, 480):
        output.process(bus[:, at : at + 480], at)
    shares = 1.0 - np.exp(-2.0 / 0.3)
    np.testing.assert_allclose(output.peak(96_000), (0.5, 0.25), rtol=1e-6)
    np.testing.assert_allclose(output.rms(96_000), np.sqrt(np.array((0.125, 0.03125)) * shares), rtol=1e-3)
    # the displayed peak falls by 20 dB per second in silence, too
    np.testing.assert_allclose(output.peak(144_000), (0.05, 0.025), rtol=1e-6)
    assert output.rms(96_000 + 14_400) == pytest.approx(output.rms(96_000) * np.exp(-0.5))
    output.process(bus[:, :480].copy(), 144_000)
    assert output.rms(144_480)[0] > output.rms(144_480)[1] > 0.0


def test_headroom_and_gain_add_up() -> None:
    bus = noise(0.5)[np.newaxis].copy()
    before = bus.copy()
    output = Output(48_000, 6.0, Finish(headroom_db=12.0))
    output.process(bus, 0)
    np.testing.assert_allclose(bus, before * amplitude(-6.0), rtol=1e-6)
    output.set_gain(0.0, -1_000)
    output.process(before, 1_000)
    assert output.gain_db == 0.0
    np.testing.assert_allclose(before, noise(0.5)[np.newaxis] * amplitude(-12.0), rtol=1e-6)


def test_limiter_keeps_the_sound_below_the_knee() -> None:
    output = Output(48_000, finish=Finish(limiter=True))
    bus = np.stack((noise(3.0), noise(3.0)))
    output.process(bus, 0)
    assert output.delay == 71
    assert np.abs(bus).max() == pytest.approx(THRESHOLD, abs=1e-5)
    assert output.ringing
