"""Tests for measures of glides (paths of sounds between two drums), with paths whose measures are known.

A plain mix, a crossfade of the sounds at the two ends, is measured for comparison.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import glide
from bench.sounds import partials

RATE, LENGTH = 44_100, 32_768
TIME = np.arange(LENGTH) / RATE


def _drum(hertz: float, decay: float = 6.0) -> NDArray[np.float32]:
    return (np.sin(2 * np.pi * hertz * TIME) * np.exp(-decay * TIME)).astype(np.float32)


@pytest.mark.parametrize("hertz", [50.3, 113.7, 222.2, 480.9])
def test_the_strongest_partial_is_found_to_a_fraction_of_a_hertz(hertz: float) -> None:
    sound = _drum(hertz) + 0.3 * _drum(1.5 * hertz) + 2.0 * _drum(900.0)
    assert partials.strongest_hz(partials.body(sound, RATE), RATE) == pytest.approx(hertz, abs=0.3)


def test_a_tone_is_tonal_and_noise_is_not() -> None:
    noise = np.random.default_rng(0).standard_normal(LENGTH).astype(np.float32) * np.exp(-6 * TIME)
    assert partials.is_tonal(_drum(100.0), RATE)
    assert partials.is_tonal(_drum(100.0) + 0.05 * noise, RATE)
    assert not partials.is_tonal(noise, RATE)
    assert not partials.is_tonal(_drum(100.0, decay=200.0), RATE)  # too short to have a pitch
    assert not partials.is_tonal(_drum(5000.0), RATE)
    assert not partials.is_tonal(np.zeros(LENGTH), RATE)
    assert partials.tonality(_drum(100.0), RATE) > 0.95
    assert partials.tonality(noise, RATE) < 0.3
    assert np.isnan(partials.tonality(np.zeros(LENGTH), RATE))


def test_a_glide_has_even_steps_and_a_plain_mix_one_leap() -> None:
    pitches = np.geomspace(74, 222, glide.POINTS)
    glided = [_drum(pitch) for pitch in pitches]
    found = glide.measure(glided, _drum(74.0), RATE, None)
    assert found["glides"] == pytest.approx(1.0)
    assert found["pitch"] == pytest.approx(1.0, abs=0.1)
    plain = glide.measure(glide.mixed(glided[0], glided[-1]), _drum(74.0), RATE, None)
    assert plain["pitch"] == pytest.approx(glide.POINTS - 1, rel=0.02)  # the entire interval in one step
    assert plain["glides"] < glide.GLIDES
    assert plain["loudness"] > 2.0  # two tones, each at half its amplitude: 3 dB less


def test_indistinguishable_pitches_count_as_equal() -> None:
    """In each of two clusters, pitches rise by less than 0.01 semitones per step; their ranks are equal."""
    creeping = [100.0 + 0.005 * k for k in range(8)] + [200.0 + 0.01 * k for k in range(9)]
    ranks = np.repeat([0, 1], [8, 9])
    assert glide.correlation(creeping) == pytest.approx(float(np.corrcoef(ranks, np.arange(17))[0, 1]))
    assert glide.correlation([100.0] * 17) == 0.0


def test_loudness_error_of_evenly_falling_levels_is_zero() -> None:
    levels = [10 ** (-k / 20) * _drum(200.0) for k in range(5)]
    assert glide.loudness_error(levels, RATE) == pytest.approx(0.0, abs=0.01)
    levels[2] = levels[2] * 10 ** (1.5 / 20)
    assert glide.loudness_error(levels, RATE) == pytest.approx(1.5, abs=0.01)


def test_unevenness_of_one_step_among_five_is_five() -> None:
    assert glide.unevenness([0.0, 0.0, 1.0, 0.0, 0.0]) == 5.0
    steps = glide.mel_steps([_drum(100.0), _drum(100.0), 2 * _drum(100.0)], RATE)
    assert steps[0] == 0.0
    assert 0.0 < steps[1] <= 20 * np.log10(2)  # less, because levels below the floor are treated as equal


def test_pitch_is_followed_while_it_glides_within_a_hit() -> None:
    share = np.clip((TIME - partials.FROM_S) / (partials.TO_S - partials.FROM_S), 0, 1)
    phase = 2 * np.pi * np.cumsum(100.0 * 3**share) / RATE
    pitches = glide.pitch_track(np.sin(phase) * np.exp(-3 * TIME), RATE)
    assert glide.correlation(pitches) > glide.GLIDES
    assert glide.largest_step(pitches) < 2.5
    faded = glide.crossfaded(_drum(100.0, 3.0), _drum(300.0, 3.0), RATE)
    assert glide.largest_step(glide.pitch_track(faded, RATE)) > 10


def test_the_command_measures_a_plain_mix_beside_each_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert glide.main(["drums", "--pairs", "1", "--json"]) == 0
    columns = json.loads(capsys.readouterr().out)["columns"]
    assert list(columns) == ["kick to tom", "kick to tom, plain mix", "1 pairs", "1 pairs, plain mix"]
    assert columns["kick to tom, plain mix"]["pitch"] > 10
    assert glide.main(["digits", "--pairs", "0"]) == 2
    assert capsys.readouterr().err == "bench.glide: digits has neither a kick and a tom nor two tonal drums\n"
