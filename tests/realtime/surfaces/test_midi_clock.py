"""MIDI clock is converted to beats: exactly for an even clock, and within 1 ms for a clock with jitter."""

from __future__ import annotations

import mido
import numpy as np
import pytest

from realtime.control.protocol import Message
from realtime.surfaces.midi_clock import TICKS_PER_BEAT, MidiClock

START, STOP, TICK = mido.Message("start"), mido.Message("stop"), mido.Message("clock")


def run(times: list[float]) -> list[tuple[float, Message]]:
    """Feed ticks at these times; return the resulting messages, each with the time of its tick.

    A start message comes 1 ms before the first tick whose time is not negative.
    """
    clock, told = MidiClock(), []
    for at in times:
        if at >= 0.0 and not any(t >= 0.0 for t in times[: times.index(at)]):
            assert clock.feed(START, at - 0.001) == ()
        told += [(at, message) for message in clock.feed(TICK, at)]
    return told


@pytest.mark.parametrize("before", [0, 30])
def test_an_even_clock_gives_its_beat_and_tempo(before: int) -> None:
    period = 60 / 97.5 / TICKS_PER_BEAT
    told = run([period * n for n in range(-before, 100)])
    first, start = told[0], told[1]
    assert start[1] == Message("/morph/seq/start")
    assert first[0] == (0.0 if before else period)  # without earlier ticks, the second tick gives the tempo
    beats = [(at, m.arguments) for at, m in told if m.address == "/morph/seq/beat"]
    for at, (beat, bpm) in beats:
        assert bpm == pytest.approx(97.5)
        assert beat == pytest.approx(at * 97.5 / 60, abs=1e-6)
    assert len(beats) >= 100 // 6


def test_beat_is_within_a_millisecond_despite_jitter_and_a_change_of_tempo() -> None:
    chance, beats_s = np.random.default_rng(1), []
    time_s = -1.0
    for tick in range(-48, 2_700):
        bpm = 120.0 if tick < 1_440 else 133.0
        beats_s.append((tick / TICKS_PER_BEAT, time_s, bpm))
        time_s += 60 / bpm / TICKS_PER_BEAT
    zero = next(time for beat, time, _ in beats_s if beat == 0.0)
    times = [time - zero for _, time, _ in beats_s]
    jittered = [time + abs(chance.normal(0.0, 0.0004)) for time in times]
    told = [(at, m) for at, m in run(jittered) if m.address == "/morph/seq/beat"]
    true = np.interp([at for at, _ in told], times, [beat for beat, _, _ in beats_s])
    bpms = np.interp([at for at, _ in told], times, [bpm for _, _, bpm in beats_s])
    late_s = (np.array([m.arguments[0] for _, m in told]) - true) * 60 / bpms
    changed = times[48 + 1_440]
    settled = np.array([not -0.1 < at - changed < 0.25 for at, _ in told])
    assert np.abs(late_s[settled]).max() < 0.001
    assert np.abs(late_s).max() < 0.01


def _deviations_s(times: list[float], told: list[tuple[float, Message]], bpm: float) -> list[float]:
    """Return the deviations in s of the last second's beats from an even tempo, whose beat 0 is at 0 s."""
    beats = [(at, m.arguments[0]) for at, m in told if m.address == "/morph/seq/beat"]
    return [beat * 60 / bpm - at for at, beat in beats if at >= times[-1] - 1.0]


@pytest.mark.parametrize("lost", [[30], [30, 31, 32], [20, 40, 60, 61]])
def test_lost_ticks_do_not_move_the_beat(lost: list[int]) -> None:
    period = 60 / 133 / TICKS_PER_BEAT
    times = [period * n for n in range(-24, 120) if n not in lost]
    assert np.abs(_deviations_s(times, run(times), 133)).max() < 1e-6


def test_tick_lost_right_after_the_start_is_counted_within_six_ticks() -> None:
    period = 60 / 133 / TICKS_PER_BEAT
    times = [period * n for n in range(60) if n != 2]
    assert np.abs(_deviations_s(times, run(times)[4:], 133)).max() < 1e-6


@pytest.mark.parametrize("bpms", [(100, 133), (133, 100), (90, 150)])
@pytest.mark.parametrize("lost", [[78], [79], [80], [81], [82], [83], [79, 80], [80, 81]])
def test_ticks_lost_at_a_change_of_tempo_do_not_move_the_beat(lost: list[int], bpms: tuple[int, int]) -> None:
    """The tempo changes at tick 80."""
    before, after = (60 / bpm / TICKS_PER_BEAT for bpm in bpms)
    ticks = [n for n in range(-24, 200) if n not in lost]
    told = run([before * min(n, 80) + after * max(n - 80, 0) for n in ticks])
    at, beat = [(at, m.arguments[0]) for at, m in told if m.address == "/morph/seq/beat"][-1]
    assert beat == pytest.approx((80 + (at - 80 * before) / after) / TICKS_PER_BEAT, abs=1e-6)


def test_tick_that_is_a_whole_tick_late_among_the_first_six_does_not_move_the_beat() -> None:
    period = 60 / 133 / TICKS_PER_BEAT
    times = [period * (n + (n == 3)) for n in range(60)]
    assert np.abs(_deviations_s(times, run(times)[6:], 133)).max() < 1e-6


@pytest.mark.parametrize("held_s", [0.005, 0.03, 0.1])
def test_delayed_ticks_do_not_move_the_beat(held_s: float) -> None:
    period = 60 / 133 / TICKS_PER_BEAT
    release = 40 * period + held_s
    times = [max(n * period, release) if n >= 40 else n * period for n in range(-24, 120)]
    told = run(times)
    off = [m.arguments[0] * 60 / 133 - at for at, m in told if m.address == "/morph/seq/beat"]
    assert np.abs(off).max() < 0.001
    assert {round(m.arguments[1]) for _, m in told if m.address == "/morph/seq/beat"} == {133}


def _disturbed(seed: int, period: float) -> list[float]:
    """Return the times of ticks; ticks from 4.0 s to 4.4 s are late, arrive together, or are lost."""
    chance = np.random.default_rng(seed)
    sent, times = [4.0], [period * n for n in range(-24, 480)]
    while sent[-1] < 4.4:
        sent.append(sent[-1] + chance.uniform(0.003, 0.03))
    kept = chance.random(len(sent)) > 0.2
    held = [int(np.searchsorted(sent, at)) for at in times]
    arrived = [at if at < 4.0 or at > sent[-1] else sent[k] for at, k in zip(times, held, strict=True)]
    lost = [4.0 < at <= sent[-1] and not kept[k] for at, k in zip(times, held, strict=True)]
    assert any(lost)
    return [at for at, gone in zip(arrived, lost, strict=True) if not gone]


@pytest.mark.parametrize("seed", range(8))
def test_beat_recovers_after_late_and_lost_ticks(seed: int) -> None:
    times = _disturbed(seed, 60 / 133 / TICKS_PER_BEAT)
    assert np.abs(_deviations_s(times, run(times), 133)).max() < 0.001


def test_every_tick_is_counted_while_the_tempo_slows_down_and_returns() -> None:
    bpms = 120.0 - 30.0 * np.sin(np.linspace(0.0, np.pi, 40))  # each tempo has too few ticks to be measured
    gaps = [60 / bpm / TICKS_PER_BEAT for bpm in [120.0] * 96 + bpms.tolist() + [120.0] * 96]
    told = [(at, m) for at, m in run([0.0, *np.cumsum(gaps).tolist()]) if m.address == "/morph/seq/beat"]
    at = float(np.sum(gaps)) - told[-1][0]
    assert told[-1][1].arguments[0] + at * 2.0 == pytest.approx(len(gaps) / TICKS_PER_BEAT, abs=1e-3)


def test_tempo_that_halves_is_not_mistaken_for_lost_ticks() -> None:
    period = 60 / 120 / TICKS_PER_BEAT
    times = [period * n for n in range(-24, 48)]
    times += [times[-1] + 2 * period * n for n in range(1, 49)]
    beats = [m.arguments for _, m in run(times) if m.address == "/morph/seq/beat"]
    assert beats[-1] == pytest.approx((90 / TICKS_PER_BEAT, 60.0))


def test_tempo_is_measured_anew_after_a_pause() -> None:
    period = 60 / 120 / TICKS_PER_BEAT
    clock = MidiClock()
    for n in range(30):
        clock.feed(TICK, period * (n - 30) - 7.3)
    clock.feed(START, -0.001)
    assert clock.feed(TICK, 0.0) == ()  # a single tick gives no tempo
    beat, start = clock.feed(TICK, period)
    assert beat.arguments == pytest.approx((1 / TICKS_PER_BEAT, 120.0))
    assert start == Message("/morph/seq/start")


def test_clock_with_high_jitter_still_gives_its_tempo() -> None:
    chance, period = np.random.default_rng(2), 60 / 120 / TICKS_PER_BEAT
    times = [period * n + float(chance.uniform(0.0, 0.012)) for n in range(-24, 600)]
    beats = [m.arguments for at, m in run(times) if m.address == "/morph/seq/beat" and at > 1.0]
    off = [abs(bpm - 120.0) for _, bpm in beats]
    assert len(beats) == pytest.approx((times[-1] - 1.0) / period / 6, abs=1)
    assert max(off) < 20.0
    assert np.median(off) < 3.0


def test_clock_that_was_not_started_or_has_stopped_sends_no_beat() -> None:
    clock = MidiClock()
    assert not any(clock.feed(TICK, 0.02 * n) for n in range(50))
    assert clock.feed(STOP, 1.0) == ()
    clock.feed(START, 1.0)
    assert any(clock.feed(TICK, 1.0 + 0.02 * n) for n in range(3))
    assert clock.feed(STOP, 1.1) == (Message("/morph/seq/stop"),)
    assert not any(clock.feed(TICK, 1.1 + 0.02 * n) for n in range(50))


def test_continue_resumes_at_the_song_position() -> None:
    clock = MidiClock()
    for n in range(30):
        clock.feed(TICK, 0.02 * (n - 30))
    clock.feed(mido.Message("songpos", pos=10), 0.0)  # ten sixteenths, or 2.5 beats
    clock.feed(mido.Message("continue"), 0.0)
    beat, start = clock.feed(TICK, 0.0)
    assert beat.arguments == pytest.approx((2.5, 125.0))
    assert start == Message("/morph/seq/start")
