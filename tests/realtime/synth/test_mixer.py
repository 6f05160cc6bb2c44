"""The mixer, with a real decoder, plays exact sounds at exact times, regardless of the block size.

"Point" means the current z, the position in latent space that the performer moves. All voices are decoded in
ticks of a few frames. If all voices are in use, a hit steals a voice; under high load, voices are shed (ended
early).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.model.decoder import Decoder
from realtime.synth.commands import (
    Command,
    Gain,
    Goto,
    Mode,
    Panic,
    SetDimension,
    SetZ,
    Shed,
    Stop,
    Ticks,
    Trigger,
)
from realtime.synth.glide import Glide
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.voices.polyphony import EASE_MS
from realtime.synth.voices.resampler import Resampler
from tests.realtime.playing import RATE, point, whole

Make = Callable[..., Mixer]
STEAL = 240  # samples in 5 ms
PANIC = 96  # samples in 2 ms


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, None])
@pytest.mark.parametrize("start", [0, 1, 1000])
def test_hit_equals_decoded_sound(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray], rate: int | None, start: int
) -> None:
    rate = rate or decoder.info.sample_rate
    expected = whole(decoder, point(), rate)
    heard = play(make_mixer(rate), [(start, Trigger(1.0, point()))], start + len(expected) + 500)
    np.testing.assert_array_equal(heard[:start], 0.0)
    np.testing.assert_allclose(heard[start : start + len(expected)], expected, atol=3e-6)
    np.testing.assert_array_equal(heard[start + len(expected) :], 0.0)


@pytest.mark.parametrize("chunk_frames", [1, 3, 64])
def test_chunk_size_does_not_change_the_sound(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray], chunk_frames: int
) -> None:
    expected = whole(decoder, point())
    mixer = make_mixer(chunk_frames=chunk_frames)
    heard = play(mixer, [(77, Trigger(1.0, point()))], 77 + len(expected))
    np.testing.assert_allclose(heard[77:], expected, atol=3e-6)


def test_velocity_is_amplitude(decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]) -> None:
    expected = 0.25 * whole(decoder, point())
    heard = play(make_mixer(), [(0, Trigger(0.25, point()))], len(expected))
    np.testing.assert_allclose(heard, expected, atol=1e-6)


def test_simultaneous_and_overlapping_hits_add_up(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    """Three hits start together while a fourth hit is sounding; each keeps the z of its start."""
    hits = [(0, 3), (1000, 0), (1000, 1), (1000, 2)]
    score: list[tuple[int, Command]] = [(0, Mode("latch"))]
    score += [(at, Trigger(0.2, point(which))) for at, which in hits]
    length = len(whole(decoder, point()))
    heard = play(make_mixer(), score, 1000 + length)
    expected = np.zeros(1000 + length)
    for at, which in hits:
        expected[at : at + length] += 0.2 * whole(decoder, point(which))
    np.testing.assert_allclose(heard, expected, atol=3e-6)


@pytest.mark.parametrize("rate", [48_000, None])
def test_each_frame_is_decoded_at_the_z_of_the_glide(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray], rate: int | None
) -> None:
    """The glide is known before the hit; each frame is therefore decoded at the z of its own time."""
    info = decoder.info
    rate = rate or info.sample_rate
    a, b = point(1), point(2)
    start, ms = 500, 60.0
    path = Glide.at_rest(a).towards(b, 300, round(ms * rate / 1000), "smooth")
    frames = start + np.arange(info.frames) * info.hop_length * rate / info.sample_rate
    expected = whole(decoder, path.at(frames), rate)
    score = [(0, SetZ(a)), (300, Goto(b, ms, "smooth")), (start, Trigger())]
    heard = play(make_mixer(rate), score, start + len(expected))
    np.testing.assert_allclose(heard[start:], expected, atol=5e-6)


def test_moved_point_is_heard_within_one_tick_and_not_before(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    a, b = point(1), point(2)
    moved = 2000
    mixer = make_mixer()
    still = play(make_mixer(), [(0, Trigger(1.0, a))], 6000)
    heard = play(mixer, [(0, Trigger(1.0, a)), (moved, SetZ(b))], 6000)
    np.testing.assert_array_equal(heard[:moved], still[:moved])
    tick, ahead = mixer.timing.tick_start(1), mixer.timing.resampler.half * RATE // decoder.info.sample_rate
    frame = decoder.info.hop_length * RATE // decoder.info.sample_rate
    changed = np.nonzero(np.abs(heard - still) > 1e-7)[0][0]
    assert moved <= changed <= moved + tick + ahead + 2 * frame


def test_latched_voice_keeps_its_point(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    a, b = point(1), point(2)
    expected = whole(decoder, a)
    score = [(0, Mode("latch")), (0, Trigger(1.0, a)), (2000, SetZ(b))]
    np.testing.assert_allclose(play(make_mixer(), score, len(expected)), expected, atol=3e-6)


def test_set_dimension_moves_only_that_dimension(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    z = list(point(1))
    z[1] = -0.5
    expected = whole(decoder, z)
    score = [(0, SetZ(point(1))), (0, SetDimension(1, -0.5)), (0, Trigger())]
    np.testing.assert_allclose(play(make_mixer(), score, len(expected)), expected, atol=3e-6)


def test_point_is_at_the_first_class_centre_initially(decoder: Decoder, make_mixer: Make) -> None:
    np.testing.assert_array_equal(make_mixer().glide.at(0), decoder.info.classes[0].centroid)


def test_initial_gain_is_in_db(decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]) -> None:
    expected = 0.1 * whole(decoder, point())
    heard = play(make_mixer(gain_db=-20.0), [(0, Trigger(1.0, point()))], len(expected))
    np.testing.assert_allclose(heard, expected, atol=1e-6)


# ---- the same at any block size


def z_of(dimensions: int) -> st.SearchStrategy[tuple[float, ...]]:
    return st.integers(0, 50).map(lambda seed: tuple(np.random.default_rng(seed).standard_normal(dimensions)))


@st.composite
def scores(draw: st.DrawFn, dimensions: int, length: int) -> list[tuple[int, Command]]:
    z = z_of(dimensions)
    commands: st.SearchStrategy[Command] = st.one_of(
        st.builds(Trigger, st.floats(0.0, 1.0, allow_subnormal=False)),
        st.builds(Trigger, st.floats(0.0, 1.0, allow_subnormal=False), z),
        st.builds(SetZ, z),
        st.builds(SetDimension, st.integers(0, dimensions - 1), st.floats(-2, 2, allow_subnormal=False)),
        st.builds(Goto, z, st.sampled_from([0.0, 3.0, 40.0]), st.sampled_from(["linear", "out"])),
        st.builds(Gain, st.floats(-20, 6, allow_subnormal=False)),
        st.builds(Mode, st.sampled_from(["live", "latch"])),
        st.sampled_from([Stop(), Panic(), Shed(), Ticks(1), Ticks(2), Ticks(4)]),
    )
    return sorted(
        draw(st.lists(st.tuples(st.integers(0, length), commands), min_size=3, max_size=40)),
        key=lambda pair: pair[0],
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("rate", [48_000, 22_050])
def test_block_size_does_not_change_the_sound(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray], rate: int, data: st.DataObject
) -> None:
    """The sounds are equal bit for bit, because only the commands determine when frames are decoded."""
    score = data.draw(scores(decoder.info.latent_dim, 6000))
    blocks = data.draw(st.lists(st.integers(1, 1000), min_size=1, max_size=5))
    reference = play(make_mixer(rate, voices=3), score, 8000, (8000,))
    np.testing.assert_array_equal(play(make_mixer(rate, voices=3), score, 8000, (128,)), reference)
    np.testing.assert_array_equal(play(make_mixer(rate, voices=3), score, 8000, blocks), reference)


def test_commands_submitted_just_in_time_give_the_same_sound(make_mixer: Make) -> None:
    """In live playing, commands arrive between blocks; in rendering, all arrive at the beginning."""
    score = [(at, Trigger(0.5, point(at % 7))) for at in range(0, 6000, 350)]
    offline, live = make_mixer(), make_mixer()
    for at, command in score:
        offline.submit(command, at)
    left = list(score)
    for block in range(0, 7000, 100):
        while left and left[0][0] < block + 100:
            live.submit(left[0][1], left[0][0])
            left.pop(0)
        a, b = np.empty((100, 2), np.float32), np.empty((100, 2), np.float32)
        offline.render(a)
        live.render(b)
        np.testing.assert_array_equal(a, b)


def test_late_command_takes_effect_at_once(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer()
    play(mixer, [], 1000)
    late = play(mixer, [(10, Trigger(1.0, point()))], 2000)
    np.testing.assert_allclose(late, whole(decoder, point())[:2000], atol=3e-6)


# ---- endings


def test_stealing_fades_out_the_quietest_voice(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer(voices=2)
    length = len(whole(decoder, point()))
    score: list[tuple[int, Command]] = [(0, Mode("latch"))]
    score += [(0, Trigger(0.3, point(1))), (0, Trigger(0.01, point(2)))]
    score += [(2000, Trigger(0.3, point(3)))]
    heard = play(mixer, score, 2000 + length)
    fade = np.ones(length)
    fade[2000 : 2000 + STEAL] = 1 - np.arange(1, STEAL + 1) / STEAL
    fade[2000 + STEAL :] = 0
    expected = np.zeros(2000 + length)
    expected[:length] += 0.3 * whole(decoder, point(1))
    expected[:length] += 0.01 * whole(decoder, point(2)) * fade
    expected[2000:] += 0.3 * whole(decoder, point(3))
    np.testing.assert_allclose(heard, expected, atol=3e-6)
    assert (mixer.hits, mixer.stolen) == (3, 1)


def test_hit_that_is_stolen_at_its_start_leaves_no_sound(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    score = [(100, Trigger(0.9, point(which))) for which in range(100)]
    mixer = make_mixer(voices=1)
    heard = play(mixer, score, 2000)
    expected = 0.9 * whole(decoder, point(99))
    np.testing.assert_allclose(heard[100:], expected[:1900], atol=3e-6)
    assert mixer.stolen == 99


def test_stealing_makes_no_click(decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]) -> None:
    """Hits are so dense that up to four voices and four fading voices overlap all the time."""
    rng = np.random.default_rng(5)
    z = point()
    sound = 0.1 * whole(decoder, z)
    steepest = np.abs(np.diff(sound, prepend=0.0)).max()
    times = np.cumsum(rng.integers(60, 600, 150))
    mixer = make_mixer(voices=4)
    heard = play(mixer, [(int(t), Trigger(0.1, z)) for t in times], int(times[-1]) + 500)
    allowed = (4 + 4) * (steepest + np.abs(sound).max() / STEAL)
    assert np.abs(np.diff(heard)).max() <= allowed
    assert mixer.stolen > 100
    assert mixer.sounding <= slots_for(4)


@pytest.mark.parametrize(("command", "samples"), [(Stop(), STEAL), (Panic(), PANIC)])
def test_stop_and_panic_fade_all_sound_out_within_5_and_2_ms(
    make_mixer: Make,
    play: Callable[..., np.ndarray],
    command: Command,
    samples: int,
) -> None:
    mixer = make_mixer()
    score = [(0, Trigger(0.4, point())), (500, Trigger(0.4, point())), (1000, command)]
    still = play(make_mixer(), score[:2], 3000)
    heard = play(mixer, score, 3000)
    np.testing.assert_array_equal(heard[:1000], still[:1000])
    line = 1 - np.arange(1, samples + 1) / samples
    np.testing.assert_allclose(heard[1000 : 1000 + samples], still[1000 : 1000 + samples] * line, atol=1e-6)
    np.testing.assert_array_equal(heard[1000 + samples :], 0.0)
    assert mixer.sounding == 0


def test_panic_drops_only_commands_submitted_before_it(
    make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer()
    score: list[tuple[int, Command]] = [(2000, Trigger()), (1000, Panic()), (1500, Trigger())]
    heard = play(mixer, score, 2500)
    assert mixer.hits == 1
    assert np.nonzero(heard)[0][0] >= 1500


def test_shedding_keeps_the_last_voice(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer()
    score: list[tuple[int, Command]] = [(at, Shed()) for at in (1000, 2000, 3000)]
    score += [(0, Trigger(0.4, point())), (0, Trigger(0.1, point()))]
    heard = play(mixer, score, 5000)
    left = 0.4 * whole(decoder, point())
    np.testing.assert_allclose(heard[1000 + STEAL :], left[1000 + STEAL : 5000], atol=3e-6)
    assert (mixer.shed, mixer.stolen, mixer.sounding) == (1, 0, 1)


def test_for_a_while_after_shedding_fewer_voices_may_sound(
    make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer(voices=3)
    ease = round(EASE_MS * RATE / 1000)
    three: list[Command] = [Trigger(0.1 * n) for n in (1, 2, 3)]
    score = [(0, hit) for hit in three] + [(1000, Shed())] + [(2000, hit) for hit in three]
    play(mixer, score, 2001 + STEAL)
    assert (mixer.shed, mixer.stolen, mixer.sounding) == (1, 3, 2)
    play(mixer, [(at, hit) for at in (ease + 999, 2 * ease) for hit in three], 2 * ease - 2000)
    assert (mixer.shed, mixer.stolen, mixer.hits) == (1, 3 + 1, 12)
    assert mixer.sounding == 3


def test_decoding_several_ticks_at_once_needs_fewer_calls_and_sounds_the_same(
    make_mixer: Make, play: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the point rests, the sound is the same; a move is heard later, by at most four ticks."""
    calls: list[tuple[int, ...]] = []
    step = Decoder.step

    def counted(self: Decoder, z: np.ndarray) -> np.ndarray:
        calls.append(z.shape)
        return step(self, z)

    monkeypatch.setattr(Decoder, "step", counted)
    still: list[tuple[int, Command]] = [(0, Trigger(0.4, point())), (300, Trigger(0.2))]
    one = play(make_mixer(), still, 6000)
    usual = len(calls)
    four = play(make_mixer(), [(0, Ticks(4)), *still], 6000)
    assert len(calls) - usual < usual / 2
    np.testing.assert_allclose(four, one, atol=3e-6)
    moved = [*still, (2000, SetZ(point(1)))]
    heard = [
        int(np.flatnonzero(np.abs(play(make_mixer(), [(0, Ticks(n)), *moved], 6000) - one) > 1e-4)[0])
        for n in (1, 2, 4)
    ]
    assert 2000 <= heard[0] <= heard[1] <= heard[2] <= heard[0] + 4 * make_mixer().timing.tick_start(1)


def test_nothing_is_decoded_during_silence(
    make_mixer: Make, play: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixer = make_mixer()
    monkeypatch.setattr(Decoder, "step", lambda *_: pytest.fail("decoded"))
    np.testing.assert_array_equal(play(mixer, [(0, SetZ(tuple(mixer.glide.at(0))))], 10_000), 0.0)


@pytest.mark.parametrize("blocks", [(1, 37, 500), (128,), (3000,)])
def test_voice_is_freed_50_ms_after_its_sound_has_become_silent(
    decoder: Decoder,
    make_mixer: Make,
    play: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    blocks: tuple[int, ...],
) -> None:
    """The sound is exactly 0 from frame 40 onwards; the voice ends 35 frames later, at any block size."""
    decoded, step = [0], Decoder.step

    def gated(self: Decoder, z: np.ndarray) -> np.ndarray:
        frames = self.frame[: len(z), None] + np.arange(z.shape[1])
        decoded[0] += z.shape[0] * z.shape[1]
        return step(self, z) * np.repeat(frames < 40, decoder.info.hop_length, axis=1)

    monkeypatch.setattr(Decoder, "step", gated)
    mixer = make_mixer(voices=1)
    over = mixer.timing.natural.settled(40 + 35)
    hits: list[tuple[int, Command]] = [(0, Trigger(0.4, point())), (over, Trigger(0.2))]
    heard = play(mixer, hits[:1], over - 1, blocks)
    assert mixer.sounding == 1
    heard = np.concatenate((heard, play(mixer, hits[1:], over + 500, blocks)))
    assert mixer.stolen == 0
    assert mixer.sounding == 0
    assert decoded[0] < 2 * 90 < 2 * decoder.info.frames
    sound = decoder.decode(np.asarray(point(), np.float32)[np.newaxis])[0]
    sound[40 * decoder.info.hop_length :] = 0.0
    expected = 0.4 * Resampler(decoder.info.sample_rate, RATE).resample(sound)[:over]
    np.testing.assert_allclose(heard[:over], expected, atol=3e-6)
    np.testing.assert_allclose(heard[over : 2 * over], 0.5 * heard[:over], atol=3e-6)
    assert not heard[2 * over :].any()


def test_nan_from_the_decoder_is_muted_and_counted(
    decoder: Decoder, make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer()
    play(mixer, [(0, Trigger(0.4, point()))], 1000)
    for cache in mixer._decoder._slots:
        cache[:] = np.nan
    heard = play(mixer, [], 20_000)
    assert np.isfinite(heard).all()
    assert mixer.muted > 0
    after = play(mixer, [(0, Trigger(1.0, point()))], 2000)  # a new hit starts from clean caches
    np.testing.assert_allclose(after, whole(decoder, point())[:2000], atol=3e-6)


def test_arrival_of_a_glide_is_reported_once_and_only_if_it_was_completed(
    make_mixer: Make, play: Callable[..., np.ndarray]
) -> None:
    mixer = make_mixer()
    a, b = point(1), point(2)
    play(mixer, [(0, Goto(a, 10.0, ticket=1)), (200, Goto(b, 10.0, ticket=2))], 600)
    assert list(mixer.arrived) == []
    play(mixer, [], 200)
    assert list(mixer.arrived) == [2]
    play(mixer, [(900, Goto(a, 0.0, ticket=3)), (950, Goto(a, 5.0))], 1000)
    assert list(mixer.arrived) == [2, 3]


@pytest.mark.parametrize("name", ["voices", "channels", "chunk_frames"])
def test_counts_below_one_are_refused(decoder: Decoder, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Mixer(decoder, RATE, **{name: 0})  # type: ignore[arg-type]


def test_too_few_decoder_slots_are_refused(decoder: Decoder) -> None:
    with pytest.raises(ValueError, match="8 voices need 16 decoder slots, got 1"):
        Mixer(decoder, RATE)
