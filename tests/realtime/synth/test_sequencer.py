"""The sequencer plays each step once, at its exact sample, whatever the edits and the block size.

At a swing of n %, the first step of each pair takes n % of the pair's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.synth.commands import (
    Command,
    Goto,
    Panic,
    Sequencing,
    SetBeat,
    SetClock,
    SetStep,
    SetZ,
    StartSteps,
    Stop,
    StopSteps,
    Trigger,
)
from realtime.synth.crossfade import Change, Crossfade
from realtime.synth.mixer import Mixer
from realtime.synth.sequencer import Sequencer

RATE = 48_000
ALL_STEPS = 64
Edit = tuple[int, Sequencing | Panic]
Edits = Sequence[Edit]
Hits = list[tuple[int, Trigger]]


def hit(step: int) -> Trigger:
    """Return a hit whose velocity encodes the index of its step."""
    return Trigger(velocity=(step + 1) / 128)


def step_of(trigger: Trigger) -> int:
    return round(128 * trigger.velocity) - 1


EVERY_STEP = [(0, SetStep(step, (hit(step),))) for step in range(ALL_STEPS)]


def taken(edits: Edits, ends: Iterable[int], rate: int = RATE) -> Hits:
    """Take hits from a sequencer in periods that end at `ends`; return each hit with its sample index.

    Each edit is submitted before the period that contains its sample.
    """
    sequencer, waiting, hits, begin = Sequencer(rate), list(edits), [], 0
    for end in ends:
        while waiting and waiting[0][0] < end:
            at, command = waiting.pop(0)
            sequencer.submit(command, at)
        hits += [(at, each) for at, each in sequencer.take(begin, end) if isinstance(each, Trigger)]
        begin = end
    return hits


def ideal(clocks: Sequence[tuple[int, SetClock]], end: int, rate: int = RATE, start: int = 0) -> list[int]:
    """Return the sample indices of all steps before `end` for a series of clocks (tempo, swing, length).

    The sample indices are calculated with fractions, which avoids rounding errors.
    """
    waiting = list(clocks)
    tempo, swing, number, at, exact = Fraction(120), Fraction(1, 2), 0, start, Fraction(start)
    samples = []
    wanted = SetClock(120.0, 50.0, 16)
    while at < end:
        samples.append(at)
        while waiting and waiting[0][0] <= at:
            wanted = waiting.pop(0)[1]
        new_tempo = Fraction(round(1000 * wanted.bpm), 1000)
        new_swing = Fraction(round(10 * wanted.swing), 1000) if number % 2 == 0 else swing
        if (new_tempo, new_swing) != (tempo, swing):
            tempo, swing, exact = new_tempo, new_swing, Fraction(at)
        pair = 2 * 60 * Fraction(rate) / (4 * tempo)
        exact += pair * (swing if number % 2 == 0 else 1 - swing)
        number, at = number + 1, floor(exact + Fraction(1, 2))
    return samples


tempos = st.floats(20.0, 300.0, width=32)
swings = st.floats(50.0, 75.0, width=32)
clocks = st.builds(SetClock, tempos, swings, st.integers(16, 64))


@given(clocks, st.sampled_from([8000, 22_050, 44_100, 48_000, 96_000]), st.integers(0, 10**9))
@settings(deadline=None)
def test_steps_lie_on_the_exact_grid_to_the_sample(clock: SetClock, rate: int, start: int) -> None:
    end = start + 20 * rate
    edits: list[Edit] = [*EVERY_STEP, (0, clock), (start, StartSteps())]
    hits = taken(edits, [start, end], rate)
    assert [at for at, _ in hits] == ideal([(0, clock)], end, rate, start)
    assert [step_of(each) for _, each in hits] == [k % clock.steps for k in range(len(hits))]


def test_rounding_errors_do_not_accumulate_over_a_day() -> None:
    clock = SetClock(133.7, 66.7, 16)
    day = 24 * 3600 * RATE
    hits = taken([(0, SetStep(0, (hit(0),))), (0, clock), (0, StartSteps())], [day])
    loop = Fraction(16 * 60 * RATE) / (4 * Fraction(1337, 10))
    assert [at for at, _ in hits] == [floor(k * loop + Fraction(1, 2)) for k in range(len(hits))]
    assert len(hits) > 48_000


def test_swing_moves_only_every_second_step() -> None:
    hits = taken([*EVERY_STEP, (0, SetClock(120.0, 75.0, 16)), (0, StartSteps())], [RATE])
    assert [at for at, _ in hits] == [0, 9000, 12_000, 21_000, 24_000, 33_000, 36_000, 45_000]


edit = st.one_of(
    clocks,
    st.builds(StartSteps),
    st.builds(StopSteps),
    st.builds(Panic),
    st.builds(lambda step: SetStep(step, (hit(step),)), st.integers(0, 63)),
    st.builds(lambda step: SetStep(step, ()), st.integers(0, 63)),
)
LENGTH = 3 * RATE
edits = st.lists(st.tuples(st.integers(0, LENGTH - 1), edit), max_size=30).map(
    lambda drawn: sorted(drawn, key=lambda each: each[0])
)
ends = st.lists(st.integers(1, LENGTH), max_size=200).map(lambda cuts: [*sorted(set(cuts)), LENGTH])


@given(edits, ends)
@settings(deadline=None)
def test_hits_do_not_depend_on_the_periods_in_which_they_are_taken(edits: Edits, ends: list[int]) -> None:
    begun: list[Edit] = [*EVERY_STEP, (0, StartSteps()), *edits]
    assert taken(begun, ends) == taken(begun, [LENGTH])


@given(st.lists(st.tuples(st.integers(0, LENGTH - 1), clocks), max_size=30), ends)
@settings(deadline=None)
def test_changes_of_tempo_and_swing_neither_lose_nor_repeat_a_step(
    drawn: list[tuple[int, SetClock]], ends: list[int]
) -> None:
    """All patterns have 64 steps; the step of each hit is therefore known."""
    changes = sorted(((at, SetClock(c.bpm, c.swing, 64)) for at, c in drawn), key=lambda each: each[0])
    hits = taken([*EVERY_STEP, (0, SetClock(120.0, 50.0, 64)), (0, StartSteps()), *changes], ends)
    assert [step_of(each) for _, each in hits] == [k % 64 for k in range(len(hits))]
    assert [at for at, _ in hits] == ideal(changes, LENGTH)


def test_tempo_changes_with_the_next_step_and_swing_with_the_next_pair() -> None:
    """A step lasts 6,000 samples at 120 bpm and 12,000 at 60 bpm (18,000 and 6,000 at a swing of 75 %)."""
    tempo: list[Edit] = [*EVERY_STEP, (0, StartSteps()), (6001, SetClock(60.0, 50.0, 16))]
    assert [at for at, _ in taken(tempo, [48_000])] == [0, 6000, 12_000, 24_000, 36_000]
    both: list[Edit] = [*EVERY_STEP, (0, StartSteps()), (1, SetClock(60.0, 75.0, 16))]
    assert [at for at, _ in taken(both, [60_000])] == [0, 6000, 18_000, 36_000, 42_000]


def test_step_can_be_edited_until_the_sample_at_which_it_begins() -> None:
    softer = Trigger(velocity=0.25)
    begun: list[Edit] = [*EVERY_STEP, (0, StartSteps())]
    in_time = taken([*begun, (6000, SetStep(1, (softer,)))], [6001])
    too_late = taken([*begun, (6001, SetStep(1, (softer,)))], [6001])
    assert in_time == [(0, hit(0)), (6000, softer)]
    assert too_late == [(0, hit(0)), (6000, hit(1))]


def test_stop_keeps_the_steps_and_start_begins_with_the_first() -> None:
    edits: list[Edit] = [*EVERY_STEP, (0, StartSteps()), (12_000, StopSteps()), (13_001, StartSteps())]
    assert taken(edits, [RATE // 2]) == [(0, hit(0)), (6000, hit(1)), (13_001, hit(0)), (19_001, hit(1))]


def test_start_during_play_restarts_the_loop() -> None:
    edits: list[Edit] = [*EVERY_STEP, (0, StartSteps()), (6000, StartSteps())]
    assert taken(edits, [12_001]) == [(0, hit(0)), (6000, hit(0)), (12_000, hit(1))]


def test_panic_drops_only_commands_submitted_before_it() -> None:
    sequencer = Sequencer(RATE)
    for at, command in EVERY_STEP:
        sequencer.submit(command, at)
    sequencer.submit(StartSteps(), 500)
    sequencer.submit(Panic(), 100)
    sequencer.submit(StartSteps(), 700)
    assert sequencer.take(0, 1000) == [(700, hit(0))]


def test_attribute_step_is_the_last_step_that_was_played() -> None:
    sequencer = Sequencer(RATE)
    assert sequencer.step == -1
    sequencer.submit(SetClock(120.0, 50.0, 17))
    sequencer.submit(StartSteps())
    told = []
    for begin in range(0, 18 * 6000, 6000):
        sequencer.take(begin, begin + 6000)
        told.append(sequencer.step)
    assert told == [*range(17), 0]
    sequencer.submit(StopSteps())
    sequencer.take(18 * 6000, 18 * 6000 + 1)
    assert sequencer.step == -1


# ---- with a mixer


def played(
    mixer: Mixer, score: Sequence[tuple[int, Command]], samples: int, block: int
) -> tuple[list[tuple[int, Command]], np.ndarray]:
    """Return the commands that the mixer executes, each with its sample index, and the sound [samples, 2]."""
    crossfade, log = Crossfade(mixer), []
    mixer.tap = lambda at, command: log.append((at, command))
    for at, command in score:
        crossfade.submit(command, at)
    out = np.zeros((samples, 2), np.float32)
    for begin in range(0, samples, block):
        crossfade.render(out[begin : begin + block])
    return log, out


@pytest.mark.parametrize("block", [1, 64, 480, 1000, 24_000])
def test_mixer_plays_hits_at_their_samples_at_any_block_size(
    make_mixer: Callable[..., Mixer], block: int
) -> None:
    z = (0.5, -0.25, 1.0, 0.0)
    samples = 24_000 if block > 1 else 7000
    score: list[tuple[int, Command]] = [
        (0, SetStep(0, (Trigger(0.5, point=z, choke=1), Trigger(0.25, pan=-0.5)))),
        (0, SetStep(1, (Trigger(0.75, point=z, pitch=3.0),))),
        (0, SetClock(143.21, 58.0, 16)),
        (0, StartSteps()),
        (3000, SetZ(z)),
        (4000, SetClock(300.0, 50.0, 16)),
        (5500, SetStep(2, (Trigger(1.0),))),
        (20_000, Panic()),
    ]
    log, sound = played(make_mixer(), score, samples, block)
    _, expected = played(make_mixer(), score, samples, 128)
    first = floor(2 * 15 * RATE / 143.21 * 0.58 + 0.5)
    second = first + floor(15 * RATE / 300.0 * 2 * 0.42 + 0.5)
    hits = [
        (0, Trigger(0.5, point=z, choke=1)),
        (0, Trigger(0.25, pan=-0.5)),
        (first, Trigger(0.75, point=z, pitch=3.0)),
        (second, Trigger(1.0)),
    ]
    assert [(at, each) for at, each in log if isinstance(each, Trigger)] == [
        h for h in hits if h[0] < samples
    ]
    np.testing.assert_array_equal(sound, expected)
    assert np.abs(sound).max() > 0.0


def test_change_of_model_stops_and_empties_the_sequencer(make_mixer: Callable[..., Mixer]) -> None:
    first, second = make_mixer(), make_mixer()
    crossfade, out = Crossfade(first), np.zeros((6000, 2), np.float32)
    for command in (SetStep(0, (Trigger(),)), SetStep(1, (Trigger(),)), StartSteps()):
        crossfade.submit(command)
    crossfade.render(out)
    crossfade.submit(Change(second))
    crossfade.render(out)
    assert (first.hits, second.hits, crossfade.sequencer.step) == (1, 1, -1)
    crossfade.submit(StartSteps())
    crossfade.render(out)
    assert (second.hits, crossfade.sequencer.step) == (1, 0)


def test_loop_and_point_continue_with_a_new_version_of_the_model(
    make_mixer: Callable[..., Mixer],
) -> None:
    first, second = make_mixer(), make_mixer()
    crossfade, out = Crossfade(first), np.zeros((6000, 2), np.float32)
    point = tuple(0.5 + each for each in first.glide.at(0).tolist())
    for command in (SetZ(point), SetStep(0, (Trigger(),)), SetStep(1, (Trigger(),)), StartSteps()):
        crossfade.submit(command)
    crossfade.render(out)
    crossfade.submit(Change(second, renewed=True))
    crossfade.render(out)
    assert (first.hits, second.hits, crossfade.sequencer.step) == (1, 2, 1)
    np.testing.assert_allclose(second.glide.at(second.position), point, rtol=1e-6)


def test_stop_of_all_voices_does_not_stop_the_loop(make_mixer: Callable[..., Mixer]) -> None:
    score: list[tuple[int, Command]] = [
        (0, SetStep(0, (Trigger(),))),
        (0, SetStep(1, (Trigger(),))),
        (0, StartSteps()),
        (10, Stop()),
    ]
    log, _ = played(make_mixer(), score, 6001, 128)
    assert [at for at, each in log if isinstance(each, Trigger)] == [0, 6000]


def test_point_follows_the_path_of_each_step_during_the_step() -> None:
    sequencer = Sequencer(RATE)
    for step in range(16):
        sequencer.submit(SetStep(step, (hit(step),), ((float(step),), (step + 0.5,), (step + 1.0,))))
    sequencer.submit(SetClock(90.0, 60.0, 16))
    sequencer.submit(StartSteps(), 100)
    first, second = [sequencer.take(begin, begin + 10_000) for begin in (0, 10_000)]
    *_, (at, _), (later, _) = [(at, each) for at, each in first + second if isinstance(each, Trigger)]
    moves = [
        (sample, each) for sample, each in first + second if sample == at and not isinstance(each, Trigger)
    ]
    assert later - at == round(RATE * 2 / 6 * 0.4)  # 40 % of a pair of steps, which lasts 1/3 s
    assert [sample for sample, _ in moves] == [at, at]
    jump, glide = (each for _, each in moves)
    assert jump == SetZ((1.0,))
    assert isinstance(glide, Goto)
    assert (glide.z, glide.through, glide.path) == ((2.0,), ((1.5,),), "spline")
    assert round(glide.ms * RATE / 1000) == later - at


def test_path_of_the_point_sounds_the_same_at_any_block_size(make_mixer: Callable[..., Mixer]) -> None:
    def played(block_size: int) -> np.ndarray:
        mixer = make_mixer()
        crossfade = Crossfade(mixer)
        start = mixer.glide.target
        for step in range(16):
            way = tuple(tuple((start + 0.1 * (step + part / 2)).tolist()) for part in range(3))
            crossfade.submit(SetStep(step, (Trigger(0.5),) if step % 4 == 0 else (), way))
        crossfade.submit(StartSteps(), 77)
        out = np.zeros((24_000, mixer.channels), np.float32)
        for at in range(0, len(out), block_size):
            crossfade.render(out[at : at + block_size])
        return out

    sound = played(64)
    assert np.abs(sound).max() > 0.0
    assert np.array_equal(sound, played(1000))


def followed(*edits: Edit, until_s: float = 4.0) -> list[tuple[int, float]]:
    """Return the step and the time in s of each hit in the first `until_s` seconds of a loop of 16 steps."""
    hits = taken([*EVERY_STEP, *edits], range(128, round(until_s * RATE), 128))
    return [(step_of(each), at / RATE) for at, each in hits]


def test_start_begins_with_the_next_step_of_an_external_beat() -> None:
    """At 100 bpm, a step lasts 0.15 s. Beat 9.1 is at 0.1 s; step 37 (beat 9.25) is then at 0.19 s."""
    found = followed((4_800, SetBeat(9.1, 100.0)), (4_800, StartSteps()))
    wanted = [((37 + n) % 16, 0.19 + 0.15 * n) for n in range(len(found))]
    assert [step for step, _ in found] == [step for step, _ in wanted]
    np.testing.assert_allclose([at for _, at in found], [at for _, at in wanted], atol=1.01 / RATE)


def test_sequencer_follows_an_external_beat_without_losing_or_repeating_a_step() -> None:
    """At first, the beat is 20 ms behind the sequencer, at the same tempo; after 2 s, its tempo rises."""
    beats: list[tuple[int, SetBeat]] = []
    time_s, beat = 0.02, 0.0
    while time_s < 4.1:
        bpm = 120.0 if time_s < 2.0 else 150.0
        beats.append((round(time_s * RATE), SetBeat(beat, bpm)))
        time_s, beat = time_s + 0.05, beat + 0.05 * bpm / 60
    found = followed((0, StartSteps()), *beats)
    assert [step for step, _ in found] == [n % 16 for n in range(len(found))]
    times, places = ([at / RATE for at, _ in beats], [command.beat for _, command in beats])
    true = np.interp([at for _, at in found[1:]], times, places)
    np.testing.assert_allclose(4 * true, np.arange(1, len(found)), atol=0.001)


def test_distant_beat_makes_the_loop_jump_and_a_slightly_late_one_delays_a_step() -> None:
    found = followed((0, StartSteps()), (48_000, SetBeat(12.5, 120.0)))
    assert found[8] == (50 % 16, 1.0)  # beat 12.5 is step 50
    late = followed((0, StartSteps()), (24_000, SetBeat(0.98, 120.0)))
    assert late[4][0] == 4
    assert late[4][1] == pytest.approx(0.51, abs=1e-4)


def test_external_beat_without_updates_is_no_longer_followed() -> None:
    found = followed((480, SetBeat(0.3, 90.0)), (3 * RATE, StartSteps()))
    assert found[0] == (0, 3.0)
