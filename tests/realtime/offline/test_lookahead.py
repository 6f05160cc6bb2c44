"""The sounds of a score are decoded in advance, each sound once, on any number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.model.decoder import Decoder
from realtime.offline.lookahead import LOOK_AHEAD, Lookahead
from realtime.offline.render import render
from realtime.synth.commands import Command, Goto, Mode, Trigger
from realtime.synth.mixer import Mixer


def hits(count: int, distinct: int, mode: str = "latch") -> list[tuple[int, Command]]:
    points = np.random.default_rng(1).standard_normal((distinct, 4)).tolist()
    return [(0, Mode(mode)), *((37 * i, Trigger(0.1, tuple(points[i % distinct]))) for i in range(count))]


def play(mixer: Mixer, score: Iterator[tuple[int, Command]]) -> np.ndarray:
    return np.concatenate([block.copy() for block in render(mixer, score)])


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_point_is_decoded_once_and_sounds_the_same(
    make_mixer: Callable[..., Mixer], decoder: Decoder, jobs: int
) -> None:
    score = hits(100, 7)
    ahead = Lookahead(decoder, jobs)
    mixer = make_mixer(22_050, voices=16)
    mixer.sound_cache = ahead
    sound = play(mixer, ahead.follow(score))
    assert ahead.decoded == 7
    assert mixer.prepared_hits == mixer.hits == 100
    ahead.close()
    np.testing.assert_allclose(sound, play(make_mixer(22_050, voices=16), iter(score)), atol=1e-5)


def test_cached_sound_continues_without_a_break_when_its_point_moves(
    make_mixer: Callable[..., Mixer], decoder: Decoder
) -> None:
    score = [*hits(1, 1, "live"), (1500, Goto((1.0, 0.5, -2.0, 0.0), 20.0))]
    ahead = Lookahead(decoder, 1)
    mixer = make_mixer(22_050)
    mixer.sound_cache = ahead
    sound = play(mixer, ahead.follow(score))
    ahead.close()
    moved = play(make_mixer(22_050), iter(score))
    rested = play(make_mixer(22_050), iter(score[:2]))
    assert np.abs(moved[: len(rested)] - rested).max() > 1e-3
    np.testing.assert_allclose(sound, moved, atol=1e-6)


def test_score_is_read_by_a_limited_number_of_hits_in_advance(decoder: Decoder) -> None:
    taken = []

    def score() -> Iterator[tuple[int, Command]]:
        for event in hits(1000, 5):
            taken.append(event)
            yield event

    ahead = Lookahead(decoder, 1)
    first = next(ahead.follow(score()))
    assert first == (0, Mode("latch"))
    assert len(taken) == LOOK_AHEAD + 2
    ahead.close()


def test_only_planned_sounds_are_returned(decoder: Decoder, tiny_model: Path) -> None:
    ahead = Lookahead(decoder, 1)
    assert ahead.get(np.zeros(4, np.float32)) is None
    ahead.plan((0.0, 0.0, 0.0, 0.0))
    sound = ahead.get(np.zeros(4, np.float32))
    assert sound is not None
    np.testing.assert_allclose(sound.audio, Decoder(tiny_model).decode(np.zeros((1, 4)))[0], atol=1e-6)
    assert not ahead.work()
    ahead.close()
