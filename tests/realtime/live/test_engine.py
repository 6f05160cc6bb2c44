"""Tests for the engine, which renders blocks of the mixer's sound ahead of the audio device that takes them.

A block that is not ready in time is late. Under high load, the engine sheds voices: it ends them early.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest

from realtime.live.engine import MAX_WAITING, PATIENCE, Engine
from realtime.live.warm_up import warm_up
from realtime.model.decoder import Decoder
from realtime.synth.commands import (
    Command,
    Goto,
    Panic,
    SetClock,
    SetDimension,
    SetStep,
    SetZ,
    StartSteps,
    Stop,
    StopSteps,
    Trigger,
)
from realtime.synth.crossfade import Crossfade
from realtime.synth.mixer import Mixer
from tests.realtime.playing import RATE, Tape, take

Make = Callable[..., Mixer]


@pytest.fixture
def make_engine(make_mixer: Make) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(**options: Any) -> Engine:
        made.append(Engine(make_mixer(), **{"ahead": 2, "synchronous": True, **options}))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def take_to_the_end(engine: Engine) -> None:
    while engine.running:
        take(engine, 1)


@pytest.mark.parametrize("block_size", [64, 100, 512])
def test_device_and_recorder_receive_the_samples_of_the_mixer(
    make_engine: Callable[..., Engine], make_mixer: Make, block_size: int
) -> None:
    tape = Tape()
    engine = make_engine(block_size=block_size, sink=tape)
    z = tuple(engine.mixer.glide.at(0))
    engine.submit([SetDimension(0, 0.5), Trigger(0.5)])
    engine.submit([Trigger(0.25, z)])
    engine.start()
    blocks = 9000 // block_size
    played = take(engine, blocks)
    mixer = make_mixer()
    for command in (SetDimension(0, 0.5), Trigger(0.5), Trigger(0.25, z)):
        mixer.submit(command)
    expected = np.empty_like(played)
    mixer.render(expected)
    np.testing.assert_array_equal(played, expected)
    np.testing.assert_array_equal(np.concatenate(tape.blocks[:blocks]), expected)
    assert engine.late_blocks == 0


def test_handing_over_a_block_neither_waits_nor_logs(make_engine: Callable[..., Engine]) -> None:
    engine, out, called = make_engine(synchronous=False), np.zeros((128, 2), np.float32), set[str]()
    engine.submit([Trigger(0.5)])
    engine.start()

    def note(frame: FrameType, event: str, function: Any) -> None:
        if event in ("call", "c_call"):
            called.add(function.__name__ if event == "c_call" else frame.f_code.co_name)

    for _ in range(2 * engine.ahead):  # first blocks that are finished, and then missing ones
        sys.setprofile(note)
        engine.hand_over(out)
        sys.setprofile(None)
    suppress = {"__init__", "__enter__", "__exit__", "issubclass"}
    own = {"hand_over", "empty", "take", "set", "setprofile"}
    quick = {"copyto", "fill", "len", "locked", "monotonic", "release"}
    assert {"hand_over", "take", "copyto"} <= called <= own | quick | suppress


def test_late_blocks_are_silent_and_counted_only_during_sound(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(synchronous=False)  # every block is late, because the render thread has not started
    np.testing.assert_array_equal(take(engine, 5), 0.0)
    assert (engine.late_blocks, engine.asked) == (0, 5)  # without a sounding voice, this is inaudible
    engine.submit([Trigger(1.0)])
    engine.render_next()
    assert take(engine, 1).any()
    np.testing.assert_array_equal(take(engine, 3), 0.0)
    assert (engine.late_blocks, engine.asked) == (3, 9)
    engine.submit([Panic()])
    while not engine.mixer.silent:
        engine.render_next()
        take(engine, 1)
    engine.render_next()
    take(engine, 3)
    assert engine.late_blocks == 3


def test_late_block_sheds_the_quietest_voice(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine()
    engine.submit([Trigger(0.4), Trigger(0.1)])
    engine.start()
    take(engine, 10)
    engine.late_blocks += 1
    take(engine, 10)
    assert engine.status()["shed"] == 1
    assert engine.status()["voices"] == 1


class Slow:
    """Effects that take twice the duration of a block."""

    latency_samples = 0

    def process(self, block: np.ndarray) -> None:
        time.sleep(2 * len(block) / RATE)

    def carry_out(self, tweak: object) -> None: ...


@pytest.mark.parametrize("synchronous", [False, True])
def test_under_high_load_more_frames_are_decoded_per_call_and_voices_shed_unless_synchronous(
    make_engine: Callable[..., Engine], synchronous: bool
) -> None:
    """A synchronous device waits for each block; therefore, no block is late."""
    engine = make_engine(synchronous=synchronous, effects=Slow())
    engine.start()
    for _ in range(1000):
        if engine.mixer.sounding < 2:
            engine.submit([Trigger(0.4)])
        take(engine, 1)
        time.sleep(engine.block_size / RATE)
        if engine.mixer.position > RATE // 4 and (synchronous or engine.mixer.at_once == 4):
            break
    assert engine.mixer.at_once == (1 if synchronous else 4)
    assert (engine.status()["shed"] == 0) == synchronous


def test_hits_wait_for_a_longer_queue_for_at_most_a_few_blocks(
    make_mixer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that is too slow, hits start a few blocks later, and a voice is shed."""
    mixer = make_mixer()
    warm_up(mixer)

    class Device:
        """A device that takes every block as soon as it is finished, and one more block."""

        latency_samples = 0
        blocks = 0

        def process(self, block: np.ndarray) -> None:
            self.blocks += 1
            take(engine, 2)
            if self.blocks > 20:
                raise AssertionError("the hits wait forever")

        def carry_out(self, tweak: object) -> None: ...

    device = Device()
    engine = Engine(mixer, paced=True, effects=device)
    monotonic = time.monotonic
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + 60.0)  # as if the engine were far behind
    for hits in (2, 3):
        engine.submit([Trigger(1.0)] * (hits - mixer.hits))
        engine.render_next()
        assert mixer.hits == hits
        assert device.blocks == (hits - 1) * (PATIENCE + 1)
    assert mixer.shed > 0


def test_full_queue_of_commands_drops_moves_and_scheduled_commands_but_no_immediate_hit(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine()
    z = tuple(engine.mixer.glide.at(0))
    for _ in range(MAX_WAITING):
        assert engine.submit([SetDimension(0, 0.0)])
    assert not engine.submit([SetZ(z), SetDimension(0, 1.0), Goto(z, 10.0), Trigger(), Stop(), Panic()])
    assert engine.submit([Trigger()])
    assert not engine.submit([Trigger()], due=time.monotonic() + 1)
    assert engine.status()["dropped"] == 4
    engine.render_next()
    assert engine.mixer.hits == 2


def test_scheduled_commands_never_prevent_an_immediate_move(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine()
    z = tuple(engine.mixer.glide.at(0))
    for _ in range(MAX_WAITING):
        engine.mixer.submit(SetZ(z), 10**9)
    assert not engine.submit([SetZ(z)], due=time.monotonic() + 60)
    assert engine.submit([SetZ(z)])
    assert engine.status()["dropped"] == 1


def test_decoder_error_is_reported_as_failure_and_the_device_plays_silence(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Decoder.step

    def broken(self: Decoder, z: np.ndarray) -> np.ndarray:
        if threading.current_thread().name == "render":
            raise ValueError("the decoder fails")
        return step(self, z)

    engine = make_engine()
    engine.submit([Trigger()])
    engine.start()
    take(engine, 4)
    monkeypatch.setattr(Decoder, "step", broken)
    played = take(engine, 40)
    assert isinstance(engine.failure, ValueError)
    np.testing.assert_array_equal(played[-128:], 0.0)
    assert not engine.running


def test_stop_fades_out_to_silence_and_ends_the_threads(make_engine: Callable[..., Engine]) -> None:
    before, tape = set(threading.enumerate()), Tape()
    engine = make_engine(sink=tape)
    engine.submit([Trigger()])
    engine.start()
    take(engine, 6)
    device = threading.Thread(target=take_to_the_end, args=(engine,))
    device.start()
    engine.stop()
    device.join()
    played = np.concatenate(tape.blocks)
    assert not engine.running
    assert set(threading.enumerate()) == before
    assert engine.mixer.sounding == 0
    assert np.abs(played[: 6 * 128]).max() > 0
    np.testing.assert_array_equal(played[-10:], 0.0)


def test_measured_latency_includes_the_wait_for_the_device(make_mixer: Callable[..., Mixer]) -> None:
    """The latency of a hit lasts from `submit` until the device takes its block."""
    engine = Engine(make_mixer(), ahead=2)
    engine.start()
    out = np.empty((engine.block_size, engine.mixer.channels), np.float32)
    assert engine.p99_ms() == 0.0
    engine.submit([Trigger()])
    time.sleep(0.05)
    while engine.p99_ms() == 0.0:
        engine.hand_over(out)
        time.sleep(0.001)
    assert engine.p99_ms() >= 50.0
    engine.close()


def test_steps_of_the_loop_begin_at_their_samples_and_status_reports_the_step(
    make_engine: Callable[..., Engine],
) -> None:
    """At 300 beats per minute, a step lasts 2,400 samples, or 18.75 blocks."""
    engine = make_engine()
    log: list[tuple[int, Command]] = []
    engine.mixer.tap = lambda at, command: log.append((at, command))
    loop = [SetStep(step, (Trigger(velocity=(step + 1) / 32),)) for step in range(16)]
    engine.submit([*loop, SetClock(300.0, 50.0, 16), StartSteps()])
    engine.start()
    assert engine.status()["seq_step"] == 0
    take(engine, 20 * 19)
    step = engine.status()["seq_step"]
    engine.submit([StopSteps()])
    take(engine, 40)
    hits = [(at, round(32 * each.velocity) - 1) for at, each in log if isinstance(each, Trigger)]
    assert hits == [(2400 * k, k % 16) for k in range(len(hits))]
    assert len(hits) == 21
    assert step == hits[-1][1]
    assert engine.status()["seq_step"] == -1


def test_scheduled_loop_starts_at_the_exact_sample(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine()
    log: list[tuple[int, Command]] = []
    engine.mixer.tap = lambda at, command: log.append((at, command))
    due = time.monotonic() + 0.1
    sample = engine.sample_at(due)
    engine.submit([SetStep(0, (Trigger(),))])
    engine.submit([StartSteps()], due)
    engine.start()
    take(engine, sample // engine.block_size + 1)
    assert [at for at, each in log if isinstance(each, Trigger)] == [sample]


def test_hits_of_the_next_step_that_need_decoding_are_counted_before_its_block(make_mixer: Make) -> None:
    """Blocks in which the decoding of hits begins take longer; the engine must know them in advance."""
    mixer = make_mixer()
    crossfade, block = Crossfade(mixer), np.zeros((128, 2), np.float32)
    here = tuple(mixer.glide.target)
    mixer.sound_cache.want(here)
    while mixer.sound_cache.work():
        pass
    elsewhere = tuple(x + 1.0 for x in here)
    crossfade.submit(SetStep(1, (Trigger(point=elsewhere), Trigger(point=elsewhere), Trigger(point=here))))
    crossfade.submit(StartSteps())
    begun = []
    for _ in range(6000 // 128):
        crossfade.render(block)
        begun.append(mixer.streams_begun(crossfade.coming(128)))
    assert begun == [0] * 45 + [2]
