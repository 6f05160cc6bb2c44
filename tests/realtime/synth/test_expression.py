"""Tests for hits whose z (position in latent space) is offset from the point.

The point is the current z, which the performer moves. One part of the offset depends on the velocity of the
hit, and lies along the model's direction of velocity, if there is one. The other part is random.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from realtime.model.decoder import Decoder
from realtime.model.expression import Expression
from realtime.model.schema import ModelInfo
from realtime.synth.command_log import from_json, to_json
from realtime.synth.commands import Command, Goto, Mode, Press, SetZ, Trigger, Z
from realtime.synth.mixer import Mixer, slots_for
from tests.realtime.playing import RATE

Make = Callable[..., Mixer]
VOICES = 4
Play = Callable[..., np.ndarray]
A, B, OFF = (0.5, -1.25, 0.1, 1.0), (-0.5, 0.25, 1.1, 0.0), (0.25, 0.5, -0.5, 0.125)
MOVED = [tuple(np.add(z, OFF).tolist()) for z in (A, B)]


@pytest.mark.parametrize("mode", ["live", "latch"])
@pytest.mark.parametrize("reverse", [False, True])
def test_sound_keeps_its_offset_while_the_point_glides(
    make_mixer: Make, play: Play, mode: str, reverse: bool
) -> None:
    def heard(start: Z, end: Z, offset: Z | None) -> np.ndarray:
        hit = Trigger(offset=offset, reverse=reverse)
        score = [(0, Mode(mode)), (0, SetZ(start)), (100, hit), (900, Goto(end, 30.0))]
        return play(make_mixer(), score, 9_000)

    apart = heard(A, B, OFF)
    np.testing.assert_allclose(apart, heard(MOVED[0], MOVED[1], None), atol=1e-6)
    assert np.abs(apart - heard(A, B, None)).max() > 1e-3


def performance() -> list[tuple[int, Command]]:
    hits = [Trigger(velocity=0.4 + 0.1 * n, dynamics=1.0, vary=0.5, reverse=n == 4) for n in range(6)]
    return [(0, SetZ(A)), *((1_000 * n + 17, replace(hit, pan=0.0)) for n, hit in enumerate(hits))]


def velocity_info(decoder: Decoder) -> ModelInfo:
    """Return the metadata of the decoder's model, with a direction of velocity for each class."""
    classes = tuple(replace(c, velocity=(1.0, -1.0, 0.5, 0.0)) for c in decoder.info.classes)
    return replace(decoder.info, classes=classes)


def velocity_mixer(decoder: Decoder) -> Mixer:
    """Return a mixer for four voices, whose model has a direction of velocity for each class."""
    other = decoder.sibling(capacity=slots_for(VOICES))
    other.info = velocity_info(decoder)
    return Mixer(other, RATE, voices=VOICES)


def test_every_hit_differs_and_the_log_repeats_them_exactly(
    make_mixer: Make, play: Play, decoder: Decoder
) -> None:
    mixer = velocity_mixer(decoder)
    log: list[dict[str, Any]] = []
    mixer.tap = lambda at, command: log.append(json.loads(json.dumps(to_json(at, command))))
    first = play(mixer, performance(), 12_000)
    offsets = [tuple(line["offset"]) for line in log if line["do"] == "trigger"]
    assert len(set(offsets)) == 6
    read = [from_json(line, 4) for line in log]
    again = play(make_mixer(), read, 12_000)  # the model of this mixer has no directions of velocity
    np.testing.assert_array_equal(again, first)


def test_only_hits_whose_z_is_not_cached_need_decoding(decoder: Decoder) -> None:
    mixer = velocity_mixer(decoder)
    place = np.add(A, Expression(velocity_info(decoder)).offset(A, 1.0, 1.0, 0.0, ()))
    for z in (A, place):
        mixer.sound_cache.complete(np.asarray(z, np.float32))
    hits = [Trigger(1.0, A), Trigger(1.0, A, dynamics=1.0), Trigger(0.7, A, dynamics=1.0)]
    hits += [Trigger(1.0, A, vary=0.5), Trigger(1.0, A, offset=OFF)]
    assert [mixer.streams_begun([hit]) for hit in hits] == [0, 0, 1, 1, 1]


def test_sound_does_not_depend_on_the_block_size(play: Play, decoder: Decoder) -> None:
    whole = play(velocity_mixer(decoder), performance(), 9_000, (9_000,))
    parts = play(velocity_mixer(decoder), performance(), 9_000, (37, 128, 500))
    np.testing.assert_array_equal(parts, whole)


def test_hit_without_dynamics_and_variation_has_no_offset(play: Play, decoder: Decoder) -> None:
    log: list[Command] = []
    mixer = velocity_mixer(decoder)
    mixer.tap = lambda at, command: log.append(command)
    play(mixer, [(0, Trigger(0.3))], 256)
    assert log == [Trigger(0.3)]


@pytest.mark.parametrize("reads_log", [False, True])
def test_pressure_gives_a_sounding_hit_the_timbre_of_a_different_velocity(
    make_mixer: Make, play: Play, decoder: Decoder, reads_log: bool
) -> None:
    def heard(velocity: float, *later: tuple[int, Command]) -> np.ndarray:
        hit = Trigger(velocity, touch=5, dynamics=1.0)
        score: list[tuple[int, Command | None]] = [(0, SetZ(A, 5)), (10, hit), *later]
        if reads_log:
            score = [from_json(json.loads(json.dumps(to_json(at, each or hit))), 4) for at, each in score]
        return play(velocity_mixer(decoder), score, 6_000) / velocity

    soft, hard = heard(0.25), heard(0.75)
    pressed = heard(0.25, (2_000, Press(5, 0.5)), (2_001, Press(5, 0.75)), (2_002, Press(4, 0.1)))
    np.testing.assert_allclose(pressed[:1_900], soft[:1_900], atol=1e-6)
    held = heard(0.25, (11, Press(5, 0.75)))
    np.testing.assert_allclose(held[600:], hard[600:], atol=2e-2 * np.abs(hard).max())
    assert np.abs(pressed - soft).max() > 1e-3
    plain = [(0, SetZ(A, 5)), (10, Trigger(touch=5)), (11, Press(5, 1.0))]
    mixer = velocity_mixer(decoder)
    np.testing.assert_array_equal(play(mixer, plain, 3_000), play(make_mixer(), plain[:2], 3_000))
