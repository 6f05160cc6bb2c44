"""Tests for the choice of the two sounds in the morph that a model proposes."""

from __future__ import annotations

import numpy as np
import pytest

from export import first_morph

RATE = 22_050
TIME_S = np.arange(RATE) / RATE


def tone(hz: float, ring_s: float) -> np.ndarray:
    """Return a sine that falls by 60 dB in `ring_s` seconds."""
    return (np.sin(2 * np.pi * hz * TIME_S) * 10 ** (-3 * TIME_S / ring_s)).astype(np.float32)


def noise(ring_s: float) -> np.ndarray:
    sound = np.diff(np.random.default_rng(0).uniform(-1, 1, RATE + 1)) * 10 ** (-3 * TIME_S / ring_s)
    return sound.astype(np.float32)


@pytest.mark.parametrize(
    ("sounds", "ends"),
    [
        # the short sounds end too early for a glide
        ((tone(60, 0.05), noise(0.8), noise(0.05), tone(120, 0.8)), {1, 3}),
        # the two tones with the most different pitches are chosen
        ((tone(100, 0.6), tone(130, 0.6), tone(2000, 0.6)), {0, 2}),
    ],
)
def test_chosen_ends_ring_long_and_differ(sounds: tuple[np.ndarray, ...], ends: set[int]) -> None:
    found = first_morph.find(np.stack(sounds), RATE)
    assert found is not None
    assert {found.start, found.end} == ends
    assert found.ms in first_morph.TIMES_MS


def test_start_of_the_morph_is_still_sounding_when_its_end_begins() -> None:
    """The swell differs from both tones, but only the long tone is still sounding when the swell begins."""
    swell = tone(1000, 1.0) * np.clip((TIME_S - 0.1) / 0.2, 0.0, 1.0)
    found = first_morph.find(np.stack([tone(60, 0.1), tone(60, 1.0), swell.astype(np.float32)]), RATE)
    assert found is not None
    assert (found.start, found.end) == (1, 2)


def test_shorter_sounds_have_a_shorter_glide() -> None:
    long, short = (
        first_morph.find(np.stack([tone(100, ring_s), noise(ring_s)]), RATE) for ring_s in (1.5, 0.3)
    )
    assert long is not None
    assert short is not None
    assert short.ms < long.ms


def test_silence_is_never_an_end_of_the_morph() -> None:
    silent = np.zeros(RATE, np.float32)
    for sounds in ([noise(0.5)], [noise(0.5), silent], [noise(0.5), np.full(RATE, np.nan)], [silent, silent]):
        assert first_morph.find(np.stack(sounds), RATE) is None
