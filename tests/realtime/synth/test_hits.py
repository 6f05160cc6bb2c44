"""Tests for settings of hits, and for cached sounds, which equal sounds that are decoded during playback.

"Point" means the current z, the position in latent space that the performer moves. A touch has its own point.
The tap of a mixer receives each command that takes effect, for the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.live.engine import Engine
from realtime.model.decoder import Decoder
from realtime.synth.commands import (
    Command,
    Goto,
    Mode,
    Panic,
    Prepare,
    SetAxis,
    SetDimension,
    SetZ,
    Stop,
    Trigger,
)
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.voices.resampler import Resampler
from realtime.synth.voices.sound_cache import CHUNK_FRAMES, PASSING, STATE_BYTES, SoundCache
from tests.realtime.playing import RATE, played, point, whole

Make = Callable[..., Mixer]
Score = Sequence[tuple[int, Command]]


def f32(z: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(z, np.float32)


A, B = point(1), point(2)


def test_full_pan_silences_the_other_side(decoder: Decoder, make_mixer: Make) -> None:
    expected = whole(decoder, A)
    heard = played(make_mixer(), [(0, Trigger(1.0, A, pan=1.0))], len(expected))
    np.testing.assert_array_equal(heard[:, 0], 0.0)
    np.testing.assert_allclose(heard[:, 1], expected, atol=3e-6)


def test_single_channel_is_the_mean_of_both_sides(decoder: Decoder, make_mixer: Make) -> None:
    mixer = make_mixer(channels=1)
    mixer.submit(Trigger(1.0, A, pan=-1.0))
    out = np.zeros((1000, 1), np.float32)
    mixer.render(out)
    np.testing.assert_allclose(out[:, 0], 0.5 * whole(decoder, A)[:1000], atol=3e-6)


def test_reversed_hit_is_the_reversed_sound(decoder: Decoder, make_mixer: Make) -> None:
    sound = decoder.decode(np.asarray(A, np.float32)[np.newaxis])[0][::-1]
    expected = Resampler(decoder.info.sample_rate, RATE).resample(sound)
    heard = played(make_mixer(), [(77, Trigger(1.0, A, reverse=True)), (500, SetZ(B))], 77 + len(expected))
    np.testing.assert_allclose(heard[77:, 0], expected, atol=3e-6)


def test_live_mixer_starts_a_reversed_hit_once_its_sound_is_decoded(
    decoder: Decoder, make_mixer: Make
) -> None:
    """The hit keeps the z of its time, and starts once another thread has decoded the sound at this z."""
    mixer, log = make_mixer(), []
    mixer.live = True
    mixer.tap = lambda sample, command: log.append((sample, command))
    mixer.submit(Trigger(1.0, A, reverse=True), 77)
    mixer.submit(SetZ(B), 500)
    out = np.zeros((1000, 2), np.float32)
    mixer.render(out)
    assert not out.any()
    assert log == [(77, SetZ(A)), (500, SetZ(B))]
    while mixer.sound_cache.work():
        pass
    expected = Resampler(decoder.info.sample_rate, RATE).resample(
        decoder.decode(np.asarray(A, np.float32)[np.newaxis])[0][::-1]
    )
    mixer.render(out)
    (start, hit), out = log[-1], np.zeros((len(expected), 2), np.float32)
    assert (mixer.hits, hit) == (1, Trigger(1.0, point=A, reverse=True))
    again = played(make_mixer(), log, start + len(expected))
    np.testing.assert_allclose(again[start:, 0], expected, atol=3e-6)


def test_decoding_that_was_interrupted_for_a_more_urgent_sound_is_finished_afterwards(
    decoder: Decoder, make_mixer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reversed hit that waits for this sound then needs no decoding in `render`."""
    mixer = make_mixer()
    mixer.live = True
    mixer.submit(Trigger(1.0, point=A, reverse=True))
    out = np.zeros((100, 2), np.float32)
    mixer.render(out)
    while mixer.sound_cache.get(f32(A)) is None:
        assert mixer.sound_cache.work()
    mixer.sound_cache.want(B, first=True)
    steps = 0
    while mixer.sound_cache.work():
        steps += 1
    with monkeypatch.context() as patch:
        patch.setattr(Decoder, "decode", lambda *_: pytest.fail("decoded"))
        mixer.render(out)
    assert mixer.hits == 1
    chunks = -(-decoder.info.frames // CHUNK_FRAMES)
    assert steps == 2 * chunks - 1  # no chunk was decoded twice
    for z in (A, B):
        found = mixer.sound_cache.get(f32(z))
        assert found is not None
        np.testing.assert_allclose(found.audio, decoder.decode(f32(z)[np.newaxis])[0], atol=1e-6)


def test_with_many_reversed_hits_the_mixer_decodes_one_sound_per_second(make_mixer: Make) -> None:
    """The sound cache stays empty here. The latest hits wait; at most one hit can wait for each voice."""
    mixer = make_mixer(voices=3)
    mixer.live = True
    for number in range(50):
        mixer.submit(Trigger(1.0, point=(0.01 * number, 0.0, 0.0, 0.0), reverse=True))
    second = np.zeros((mixer.sample_rate, 2), np.float32)
    for hits in (1, 2, 3, 3):
        mixer.render(second)
        assert mixer.hits == hits
    assert mixer.stolen == 47


def test_panic_and_stop_drop_hits_that_wait_for_their_sounds(make_mixer: Make) -> None:
    for end in (Panic(), Stop(), Stop(touch=3)):
        mixer = make_mixer()
        mixer.live = True
        mixer.submit(Trigger(1.0, A, reverse=True, touch=3))
        mixer.submit(end, 100)
        out = np.zeros((200, 2), np.float32)
        mixer.render(out)
        while mixer.sound_cache.work():
            pass
        mixer.render(out)
        assert (mixer.hits, mixer.sounding) == (0, 0)


def test_choke_ends_only_hits_of_its_group(decoder: Decoder, make_mixer: Make) -> None:
    score = [(0, Trigger(1.0, A, choke=1)), (0, Trigger(1.0, A, choke=2)), (1000, Trigger(0.0, choke=1))]
    heard = played(make_mixer(), score, 1500)[:, 0]
    expected = whole(decoder, A)[:1500]
    np.testing.assert_allclose(heard[:1000], 2 * expected[:1000], atol=6e-6)
    np.testing.assert_allclose(heard[1240:], expected[1240:], atol=6e-6)


def test_touch_has_its_own_point(decoder: Decoder, make_mixer: Make) -> None:
    """The points of two touches move separately, and not with the common point."""
    score: Score = [
        (0, Trigger(1.0, A, touch=1, pan=-1.0)),
        (0, Trigger(1.0, A, touch=2, pan=1.0)),
        (100, SetZ(point(3))),
        (100, Goto(B, 0.0, touch=2)),
        (2000, Stop(touch=2)),
    ]
    heard = played(make_mixer(), score, 4000)
    np.testing.assert_allclose(heard[:, 0], whole(decoder, A)[:4000], atol=3e-6)
    assert np.abs(heard[1000:2000, 1] - whole(decoder, A)[1000:2000]).max() > 1e-3
    np.testing.assert_array_equal(heard[2240:, 1], 0.0)


def test_set_axis_moves_only_along_the_axis(make_mixer: Make) -> None:
    mixer = make_mixer()
    axis = (0.6, 0.8, 0.0, 0.0)
    played(mixer, [(0, SetZ(A)), (10, SetAxis(axis, B, 1.5))], 128)
    z = mixer.glide.at(128)
    assert (z - B) @ axis == pytest.approx(1.5)
    moved = z - A
    np.testing.assert_allclose(moved, (moved @ axis) * np.array(axis), atol=1e-12)


@pytest.mark.parametrize("stop", [0, 7, 8, 40, 128])
@pytest.mark.parametrize("move", [0, 700, 2000, None])
def test_cached_sound_equals_decoded_sound(make_mixer: Make, stop: int, move: int | None) -> None:
    """The cached sound may have been decoded only in part, and z may move at any sample."""
    score: list[tuple[int, Command]] = [(300, Trigger(1.0, A))]
    if move is not None:
        score += [(300 + move, Goto(B, 20.0)), (300 + move + 1500, SetDimension(1, 0.3))]
    expected = played(make_mixer(), score, 9000)
    mixer = make_mixer()
    mixer.sound_cache.want(A)
    while (sound := mixer.sound_cache.get(f32(A))) is None or sound.frames < stop:
        assert mixer.sound_cache.work()
    np.testing.assert_allclose(played(mixer, score, 9000), expected, atol=2e-6)
    assert mixer.prepared_hits == 1


@pytest.mark.parametrize("move", [700, 701, 750, 800, 850, 900, 950, 3333])
def test_move_during_a_cached_sound_is_heard_from_the_next_frame(
    decoder: Decoder, make_mixer: Make, move: int
) -> None:
    heard = []
    for score in ([], [(300 + move, SetZ(B))]):
        mixer = make_mixer()
        mixer.live = True
        mixer.sound_cache.complete(A)
        heard.append(played(mixer, [(300, Trigger(1.0, A)), *score], 6000)[:, 0])
    timing = mixer.timing
    seen_ahead = timing.resampler.half * RATE / decoder.info.sample_rate
    first = int(np.flatnonzero(heard[0] != heard[1])[0]) - 300 - move
    assert 0 <= first <= seen_ahead + timing.frame_start(1) + 1
    assert timing.frame_start(1) < timing.tick_start(1) / 2


def test_hit_with_a_cached_sound_needs_no_decoding(make_mixer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    mixer = make_mixer()
    mixer.submit(Prepare((A, B)))
    played(mixer, [], 128)
    while mixer.sound_cache.work():
        pass
    monkeypatch.setattr(Decoder, "step", lambda *_: pytest.fail("decoded"))
    heard = played(mixer, [(0, Mode("latch")), (0, Trigger(1.0, A)), (200, Trigger(1.0, B))], 4000)
    assert np.abs(heard).max() > 0.01
    assert mixer.prepared_hits == 2


def test_sound_is_decoded_ahead_only_where_the_point_rests(make_mixer: Make) -> None:
    mixer = make_mixer()
    while mixer.sound_cache.work():
        pass
    played(mixer, [(sample, SetZ(point(sample))) for sample in range(0, 5000, 500)], 5500)
    assert not mixer.sound_cache.work()
    played(mixer, [], 1500)
    assert mixer.sound_cache.work()
    assert mixer.sound_cache.get(f32(point(4500))) is not None


def test_least_recently_used_sounds_are_dropped_from_a_full_cache(tiny_model: Path) -> None:
    decoder = Decoder(tiny_model, capacity=1)
    sound = SoundCache(decoder).complete(A)
    assert sound is not None
    sounds = SoundCache(decoder, budget_bytes=STATE_BYTES + 2 * sound.nbytes)
    for which in range(5):
        sounds.complete(point(which))
        sounds.get(f32(point(0)))
    kept = [which for which in range(5) if sounds.get(f32(point(which))) is not None]
    assert kept[0] == 0
    assert kept[-1] == 4
    assert len(kept) == 3


def test_only_the_latest_and_the_requested_points_at_rest_stay_cached(tiny_model: Path) -> None:
    sounds = SoundCache(Decoder(tiny_model, capacity=1))
    sounds.want(point(1000))
    for which in range(PASSING + 5):
        sounds.want(point(which), first=True)
        while sounds.work():
            pass
    sounds.want(point(PASSING + 4))  # this point is now requested, too
    for which in range(PASSING + 5, 2 * PASSING + 10):
        sounds.want(point(which), first=True)
        while sounds.work():
            pass
    kept = [which for which in range(2 * PASSING + 10) if sounds.get(f32(point(which))) is not None]
    assert kept == [PASSING + 4, *range(PASSING + 9, 2 * PASSING + 10)]
    assert sounds.get(f32(point(1000))) is not None


def commands(dimensions: int) -> st.SearchStrategy[Command]:
    z = st.integers(0, 5).map(lambda which: point(which, dimensions))
    touch = st.sampled_from([None, 1, 2])
    return st.one_of(
        st.builds(
            Trigger,
            st.floats(0.0, 1.0, allow_subnormal=False),
            st.none() | z,
            touch,
            st.sampled_from([0.0, 0.0, -7.0, 12.0, 0.31]),
            st.floats(-1, 1, allow_subnormal=False),
            st.sampled_from([None, 30.0, 200.0]),
            st.booleans(),
            st.integers(0, 2),
        ),
        st.builds(SetZ, z, touch),
        st.builds(
            Goto,
            z,
            st.sampled_from([0.0, 20.0]),
            path=st.sampled_from(["linear", "spherical", "spline"]),
            through=st.lists(z, max_size=2).map(tuple),
            touch=touch,
        ),
        st.builds(Mode, st.sampled_from(["live", "latch"])),
        st.builds(Prepare, st.tuples(z)),
        st.builds(Stop, touch),
        st.just(Panic()),
    )


def any_performance(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with random commands at random samples, random block sizes, and random cached sounds."""
    performances = given(
        score=st.lists(st.tuples(st.integers(0, 6000), commands(4)), min_size=3, max_size=30),
        blocks=st.lists(st.integers(1, 1000), min_size=1, max_size=4),
        ahead=st.lists(st.integers(0, 5), max_size=6),
    )
    return settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))(
        performances(test)
    )


@any_performance
def test_block_size_and_cached_sounds_do_not_change_the_sound(
    make_mixer: Make, score: Score, blocks: list[int], ahead: list[int]
) -> None:
    expected = played(make_mixer(), score, 8000)
    mixer = make_mixer()
    for which in ahead:
        mixer.sound_cache.complete(point(which))
    np.testing.assert_allclose(played(mixer, score, 8000, blocks), expected, atol=1e-5)


@any_performance
def test_replay_of_tapped_commands_equals_the_live_sound_with_any_cached_sounds(
    make_mixer: Make, score: Score, blocks: list[int], ahead: list[int]
) -> None:
    tapped: list[tuple[int, Command]] = []
    mixer = make_mixer()
    mixer.live, mixer.tap = True, lambda *command: tapped.append(command)
    for which in ahead:
        mixer.sound_cache.complete(point(which))
    live = played(mixer, score, 8000, blocks)
    np.testing.assert_allclose(played(make_mixer(), tapped, 8000), live, atol=1e-5)


def test_touch_gets_its_point_when_its_reversed_hit_starts(make_mixer: Make) -> None:
    tapped: list[tuple[int, Command]] = []
    mixer = make_mixer()
    mixer.live, mixer.tap = True, lambda *command: tapped.append(command)
    score: Score = [(0, Trigger(0.1, touch=1, reverse=True)), (0, SetZ(B)), (5000, Trigger(1.0, touch=1))]
    live = played(mixer, score, 8000)
    np.testing.assert_allclose(played(make_mixer(), tapped, 8000), live, atol=1e-5)


def test_tap_receives_each_executed_command_with_its_sample(make_mixer: Make) -> None:
    heard: list[tuple[int, Command]] = []
    mixer = make_mixer()
    mixer.tap = lambda sample, command: heard.append((sample, command))
    score: Score = [(100, Trigger(0.5, A)), (1000, SetZ(B)), (1000, Stop())]
    expected = played(mixer, score, 3000)
    assert heard == score
    np.testing.assert_array_equal(played(make_mixer(), heard, 3000), expected)


def test_new_mixer_takes_over_within_one_fade(decoder: Decoder, make_mixer: Make, tiny_model: Path) -> None:
    """The earlier sound fades out; after the fade, only the sound of the new mixer is heard, unchanged."""
    blocks: list[np.ndarray] = []

    class Sink:
        def write(self, block: np.ndarray) -> None:
            blocks.append(block.copy())

    def take(count: int) -> None:
        out = np.zeros((128, 2), np.float32)
        for _ in range(count):
            engine.hand_over(out)

    engine = Engine(make_mixer(), synchronous=True, sink=Sink())
    engine.start()
    engine.submit([Trigger(1.0, A)])
    take(20)
    engine.swap(Mixer(Decoder(tiny_model, capacity=slots_for(2)), RATE, voices=2))
    engine.submit([Trigger(0.5, B)])
    take(40)
    engine.stop()
    heard = np.concatenate(blocks)[:, 0]
    old, new = whole(decoder, A), 0.5 * whole(decoder, B)
    begin = int(np.flatnonzero(heard)[0])
    assert abs(heard[begin : begin + 2000] - old[:2000]).max() < 3e-6
    fits = [abs(heard[at + 240 : at + 2240] - new[240:2240]).max() for at in range(2560, 4000, 128)]
    assert min(fits) < 3e-6
    assert engine.mixer.voices == 2


def test_mixer_with_a_different_rate_is_refused(make_mixer: Make) -> None:
    with pytest.raises(ValueError, match="cannot take over from a mixer of 2 channels at 48000 Hz"):
        Engine(make_mixer()).swap(make_mixer(44_100))
