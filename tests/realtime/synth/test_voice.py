"""Tests for voices, which play one hit each: their sound, start and end, and the frames to decode for them.

Time is divided into ticks of a few frames; pushing adds decoded frames to a voice.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.synth.commands import Trigger
from realtime.synth.voices.resampler import Resampler
from realtime.synth.voices.timing import Timing
from realtime.synth.voices.voice import EDGE, Voice

HOP = 32
RESAMPLERS = {rate: Resampler(22050, rate) for rate in (22050, 44100, 48000, 96000)}


def timing(rate: int = 48000, frames: int = 128, chunk_frames: int = 4) -> Timing:
    return Timing(frames=frames, hop_length=HOP, chunk_frames=chunk_frames, resampler=RESAMPLERS[rate])


def sound(samples: int = 128 * HOP) -> np.ndarray:
    decay = np.exp(-np.arange(samples) / 1000)
    return (0.5 * decay * np.random.default_rng(1).standard_normal(samples)).astype(np.float32)


@given(rate=st.sampled_from(sorted(RESAMPLERS)), chunk=st.integers(1, 16), tick=st.integers(0, 10**6))
def test_ticks_divide_time_without_gaps(rate: int, chunk: int, tick: int) -> None:
    times = timing(rate, chunk_frames=chunk)
    start = times.tick_start(tick)
    assert times.tick(start) == tick
    assert times.tick(start - 1) == tick - 1
    exact = tick * chunk * HOP * rate / 22050
    assert exact <= start < exact + 1


@given(
    rate=st.sampled_from(sorted(RESAMPLERS)),
    chunk=st.integers(1, 16),
    start=st.integers(0, 10**6),
    later=st.integers(0, 5),
)
def test_number_of_frames_suffices_for_a_tick_and_grows_by_those_of_a_tick(
    rate: int, chunk: int, start: int, later: int
) -> None:
    times = timing(rate, frames=10_000, chunk_frames=chunk)
    tick = times.tick(start) + later
    frames = times.natural.frames_wanted(start, (tick + 1) * chunk)
    heard = times.tick_start(tick + 1) - start  # samples until the next tick
    assert times.natural.settled(frames) >= heard
    assert times.natural.settled(frames - 1) <= heard  # one frame fewer would not suffice
    assert times.natural.frames_wanted(start, (tick + 2) * chunk) - frames == chunk
    assert later or frames <= times.first_frames


@pytest.mark.parametrize("rate", sorted(RESAMPLERS))
@pytest.mark.parametrize("chunks", [[128], [1] * 128, [5, 1, 30, 92]])
def test_output_of_a_voice_equals_the_resampled_sound(rate: int, chunks: list[int]) -> None:
    times = timing(rate)
    voice = Voice(times)
    voice.begin(1000, Trigger(1.0), None)
    at = 0
    for frames in chunks:
        voice.push(sound()[at * HOP : (at + frames) * HOP])
        at += frames
    assert voice.decoded
    bus = np.zeros((2, times.samples), np.float32)
    for block in range(0, times.samples, 100):
        voice.add_to(bus[:, block : block + 100], 1000 + block)
    np.testing.assert_array_equal(bus[0], bus[1])
    np.testing.assert_allclose(bus[0], RESAMPLERS[rate].resample(sound()), atol=1e-6)
    assert voice.end == 1000 + times.samples


def test_voice_that_is_used_again_has_no_state_left() -> None:
    voice = Voice(timing())
    for level in (1.0, 0.5):
        voice.begin(0, Trigger(1.0), None)
        voice.push(np.float32(level) * sound())
        bus = np.zeros((2, 200), np.float32)
        voice.add_to(bus, 100)
        np.testing.assert_allclose(bus[0], level * RESAMPLERS[48000].resample(sound())[100:300], atol=1e-7)
        voice.fade(300, 10)


SILENT_FRAMES = 35  # 50 ms at 22,050 Hz, in complete frames of 32 samples


def gated(frames: int, *, lead: int = 0, gap: int = 0) -> np.ndarray:
    """Return a sound that is 0 in its first `lead` frames and in `gap` frames from frame 20 onwards."""
    audio = 0.1 + 0.1 * np.abs(sound(frames * HOP))
    audio[: lead * HOP] = 0.0
    audio[20 * HOP : (20 + gap) * HOP] = 0.0
    return audio.astype(np.float32)


@pytest.mark.parametrize("rate", sorted(RESAMPLERS))
@settings(deadline=None, max_examples=20)
@given(cuts=st.sets(st.integers(1, 127)))
def test_voice_ends_50_ms_after_its_sound_falls_silent_whatever_the_chunks(rate: int, cuts: set[int]) -> None:
    times, audio = timing(rate), gated(128, gap=40)  # the sound continues after a gap
    voice = Voice(times)
    voice.begin(1000, Trigger(1.0), None)
    edges = [0, *sorted(cuts), 128]
    for first, last in itertools.pairwise(edges):
        voice.push(audio[first * HOP : last * HOP])
    over = 1000 + times.natural.settled(20 + SILENT_FRAMES)
    assert voice.silent
    assert not voice.over(over - 1)
    assert voice.over(over)
    left = heard(voice, 1000, 1000 + times.samples // 50 * 50)
    expected = RESAMPLERS[rate].resample(audio)
    np.testing.assert_allclose(left[: over - 1000], expected[: over - 1000], atol=2e-6)
    assert not left[over - 1000 - 2 * HOP :].any()


@pytest.mark.parametrize(("lead", "gap"), [(60, 0), (0, SILENT_FRAMES - 1)])
def test_silence_before_a_sound_or_under_50_ms_within_it_does_not_end_the_voice(lead: int, gap: int) -> None:
    times = timing()
    voice = Voice(times)
    voice.begin(0, Trigger(1.0), None)
    for frame in range(128):
        voice.push(gated(128, lead=lead, gap=gap)[frame * HOP : (frame + 1) * HOP])
    assert not voice.silent
    assert not voice.over(times.samples - 1)
    assert voice.over(times.samples)


def heard(voice: Voice, first: int, last: int) -> np.ndarray:
    """Return the left channel of the voice, rendered in blocks of 50 samples."""
    bus = np.zeros((2, last - first), np.float32)
    for at in range(0, last - first, 50):
        voice.add_to(bus[:, at : at + 50], first + at)
    return bus[0]


def ones(velocity: float = 1.0, **how: Any) -> Voice:
    """Return a voice whose output is constant at `velocity`; its sound is too quiet for fades at its ends."""
    voice = Voice(timing(22050))
    voice.begin(0, Trigger(velocity / EDGE, **how), None)
    voice.push(np.full(128 * HOP, EDGE, np.float32))
    return voice


@pytest.mark.parametrize("chunk", [1, 4, 128])
def test_sound_that_begins_and_ends_with_a_jump_is_faded_only_at_its_ends(chunk: int) -> None:
    voice = Voice(timing(22050))
    voice.begin(0, Trigger(), None)
    for _ in range(0, 128, chunk):
        voice.push(np.ones(chunk * HOP, np.float32))
    out = heard(voice, 0, 128 * HOP)
    np.testing.assert_allclose(out[:22], np.arange(22) / 22, atol=1e-6)
    np.testing.assert_array_equal(out[22:-22], 1.0)
    np.testing.assert_allclose(out[-22:], np.arange(21, -1, -1) / 22, atol=1e-6)


@pytest.mark.parametrize("pitch", [0.0, 7.5, 20.0, 48.0])
def test_fade_at_the_end_does_not_depend_on_chunks(pitch: float) -> None:
    heard_of = []
    for chunks in ([128], [124, 4], [124, 3, 1], [1] * 128):
        voice = Voice(timing(48000))
        voice.begin(0, Trigger(pitch=pitch), None)
        for frames in chunks:
            voice.push(np.ones(frames * HOP, np.float32))
        heard_of.append(heard(voice, 0, voice.end))
    assert heard_of[0][-1] == 0.0
    for other in heard_of[1:]:
        np.testing.assert_allclose(other, heard_of[0], atol=1e-6)


def test_fade_is_linear_to_zero() -> None:
    voice = ones(0.5)
    np.testing.assert_array_equal(heard(voice, 0, 100), 0.5)
    voice.fade(100, 200)
    np.testing.assert_allclose(heard(voice, 100, 300), 0.5 * (1 - np.arange(1, 201) / 200), atol=1e-7)
    np.testing.assert_array_equal(heard(voice, 300, 400), 0.0)
    assert voice.end == 300


def test_shorter_fade_continues_from_the_current_level() -> None:
    voice = ones()
    voice.fade(0, 400)
    assert heard(voice, 0, 200)[-1] == pytest.approx(0.5)
    voice.fade(200, 100)
    np.testing.assert_allclose(heard(voice, 200, 300), 0.5 * (1 - np.arange(1, 101) / 100), atol=1e-7)
    assert voice.end == 300


def test_longer_fade_during_a_fade_is_ignored() -> None:
    voice = ones()
    voice.fade(0, 100)
    voice.fade(50, 400)
    assert voice.end == 100


def test_level_of_a_voice_is_its_recent_peak() -> None:
    voice = Voice(timing(22050))
    voice.begin(0, Trigger(0.5), None)
    steps = np.repeat(np.array([0.1, -0.8, 0.2, 0.3], np.float32), HOP * 32)
    voice.push(steps)
    assert voice.level(HOP * 64, 100) == pytest.approx(0.4)
    assert voice.level(HOP * 96, 100) == pytest.approx(0.1)
    assert voice.level(0, 100) == 0.0


def test_setting_decay_makes_a_hit_fall_by_60_db_in_its_time_and_end_at_120_db() -> None:
    voice = ones(decay_ms=50.0)
    samples = 22050 * 50 // 1000
    fall = heard(voice, 0, 2 * samples)
    np.testing.assert_allclose(fall[samples], 1e-3, rtol=2e-2)
    np.testing.assert_allclose(
        20 * np.log10(fall[:samples:100]), -60 / (22050 * 0.05) * np.arange(0, samples, 100), atol=1e-3
    )
    assert voice.end == int(np.ceil(2 * 22050 * 0.05))


@pytest.mark.parametrize(("pan", "left", "right"), [(-1.0, 1.0, 0.0), (0.5, 0.5, 1.0), (0.0, 1.0, 1.0)])
def test_pan_attenuates_the_other_side(pan: float, left: float, right: float) -> None:
    voice = ones(pan=pan)
    bus = np.zeros((2, 50), np.float32)
    voice.add_to(bus, 0)
    np.testing.assert_allclose(bus[:, 0], [left, right])


@pytest.mark.parametrize("rate", sorted(RESAMPLERS))
@pytest.mark.parametrize("pitch", [-24.0, -0.5, 7.0, 24.0])
def test_pitch_multiplies_the_frequency(rate: int, pitch: float) -> None:
    """The pitch multiplies the frequency of a tone by a ratio, and does not change the level."""
    times = timing(rate)
    voice = Voice(times)
    voice.begin(0, Trigger(pitch=pitch), None)
    hz = 300.0
    phase = 2 * np.pi * hz * np.arange(128 * HOP) / 22050
    for part in np.split(np.sin(phase).astype(np.float32), 16):
        voice.push(part)
    ratio = 2 ** (pitch / 12)
    assert voice.end == pytest.approx(times.samples / ratio, abs=2)
    tone = heard(voice, 0, voice.end // 50 * 50)
    middle = np.arange(len(tone) // 4, 3 * len(tone) // 4)
    expected = np.sin(2 * np.pi * hz * ratio * middle / rate)
    np.testing.assert_allclose(tone[middle], expected, atol=2e-4)


def test_raised_pitch_suppresses_frequencies_beyond_the_band() -> None:
    voice = Voice(timing(22050))
    voice.begin(0, Trigger(pitch=12.0), None)
    voice.push(np.sin(2 * np.pi * 7000 * np.arange(128 * HOP) / 22050).astype(np.float32))
    tone = heard(voice, 0, voice.end // 50 * 50)
    assert np.abs(tone[500:-500]).max() < 1e-3


@given(
    rate=st.sampled_from(sorted(RESAMPLERS)),
    pitch=st.floats(-48, 48, allow_subnormal=False),
    start=st.integers(0, 10**6),
    later=st.integers(0, 5),
)
def test_number_of_frames_suffices_for_a_tick_at_any_pitch(
    rate: int, pitch: float, start: int, later: int
) -> None:
    times = timing(rate, frames=10_000)
    pace = times.pace(pitch)
    tick = times.tick(start) + later
    frames = pace.frames_wanted(start, (tick + 1) * times.chunk_frames)
    assert pace.settled(frames) >= min(times.tick_start(tick + 1) - start, pace.samples)
