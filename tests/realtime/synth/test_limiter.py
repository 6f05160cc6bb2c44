"""The limiter keeps all samples below a ceiling, and does not change sound that is below it."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.synth.limiter import RELEASE_DB_S, Limiter

RATE, CEILING = 48_000, 0.9


def limited(sound: np.ndarray, *blocks: int) -> np.ndarray:
    """Limit a sound [2, T] and a second of silence, in blocks of these sizes in turn.

    Returns:
        The limited sound and silence without the limiter's delay: [2, samples].
    """
    limiter = Limiter(RATE, CEILING)
    bus = np.concatenate((sound, np.zeros((2, RATE), np.float32)), axis=1)
    at, turn = 0, 0
    while at < bus.shape[1]:
        size = blocks[turn % len(blocks)]
        limiter.process(bus[:, at : at + size])
        at, turn = at + size, turn + 1
    assert not limiter.ringing
    return bus[:, limiter.delay :]


def burst(peak: float) -> np.ndarray:
    chance = np.random.default_rng(0)
    envelope = peak * np.exp(-np.arange(9_000) / 2_000)
    return (chance.uniform(-1, 1, (2, 9_000)) * envelope).astype(np.float32)


def test_sound_below_the_ceiling_passes_unchanged() -> None:
    sound = burst(CEILING)
    np.testing.assert_array_equal(limited(sound, 128)[:, :9_000], sound)


@pytest.mark.parametrize("peak", [1.0, 2.7, 300.0])
def test_no_peak_exceeds_the_ceiling_and_both_channels_get_the_same_gain(peak: float) -> None:
    sound = burst(peak)
    heard = limited(sound, 128)
    assert np.abs(heard).max() <= CEILING * (1 + 1e-6)
    both = np.abs(sound).min(axis=0) > 1e-3
    gains = heard[:, :9_000][:, both] / sound[:, both]
    np.testing.assert_allclose(gains[0], gains[1], rtol=1e-5)


def test_sound_does_not_depend_on_the_block_size() -> None:
    sound = burst(2.7)
    whole = limited(sound, 10**6)
    for blocks in ((1, 7, 64), (128,), (333, 2)):
        np.testing.assert_array_equal(limited(sound, *blocks), whole)


def test_gain_falls_before_the_peak_and_returns_at_the_release_rate() -> None:
    sound = np.full((2, RATE), 0.01, np.float32)
    sound[:, 1_000] = 9.0  # 20 dB above the ceiling
    gain_db = 20 * np.log10(limited(sound, 128)[0, :RATE] / sound[0])
    assert gain_db[1_000] == pytest.approx(-20.0, abs=1e-4)
    assert gain_db[: 1_000 - 72] == pytest.approx(0.0, abs=1e-4)  # from 1.5 ms before the peak
    assert np.abs(np.diff(gain_db)).max() <= 20.0 / 72 + 1e-3  # a line without steps: there is no click
    back = gain_db[1_200:10_000]
    assert np.diff(back) == pytest.approx(RELEASE_DB_S / RATE, abs=1e-4)
