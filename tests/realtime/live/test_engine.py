"""Between the mixer and the device: order, lateness, limits, and an end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from realtime.live.engine import MAX_WAITING, PATIENCE, Engine, Ring, Signal
from realtime.live.warm_up import warm_up
from realtime.synth.commands import Goto, Panic, SetDimension, SetZ, Stop, Trigger
from realtime.synth.mixer import Mixer

Make = Callable[..., Mixer]


class Tape:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def write(self, block: np.ndarray) -> None:
        self.blocks.append(block.copy())


@pytest.fixture
def make_engine(make_mixer: Make) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(**options: Any) -> Engine:
        made.append(Engine(make_mixer(), **{"ahead": 2, "synchronous": True, **options}))
        return made[-1]

    yield make
    for engine in made:
        engine._closing = True


def take(engine: Engine, blocks: int) -> np.ndarray:
    out = np.empty((blocks, engine.block_size, 2), np.float32)
    for block in out:
        engine.hand_over(block)
    return out.reshape(-1, 2)


def take_to_the_end(engine: Engine) -> None:
    while engine.running:
        take(engine, 1)


def test_the_ring_keeps_the_order() -> None:
    ring = Ring(3, 4, 2)
    out = np.empty((4, 2), np.float32)
    for value in range(10):
        ring.slot()[:] = value
        ring.commit()
        if ring.full:
            while not ring.empty:
                expected = ring.read
                ring.take(out)
                np.testing.assert_array_equal(out, expected)
    assert (ring.written, ring.read) == (10, 9)


def test_a_signal_set_before_the_wait_is_not_lost_and_counts_once() -> None:
    signal = Signal()
    assert not signal.wait(0.0)
    signal.set()
    signal.set()
    assert signal.wait(0.0)
    assert not signal.wait(0.0)


def test_a_signal_wakes_a_thread() -> None:
    signal, rounds = Signal(), []
    thread = threading.Thread(target=lambda: rounds.append(signal.wait(30.0)))
    thread.start()
    signal.set()
    thread.join()
    assert rounds == [True]


@pytest.mark.parametrize("block_size", [64, 100, 512])
def test_the_device_gets_what_the_mixer_makes(
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


def test_a_device_that_does_not_wait_gets_silence_and_holes_in_the_sound_are_counted(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(synchronous=False)  # its thread has not been started: every block is late
    np.testing.assert_array_equal(take(engine, 5), 0.0)
    assert (engine.late_blocks, engine.asked) == (0, 5)  # nothing sounds: none of it is heard
    engine.submit([Trigger(1.0)])
    engine._render()
    assert take(engine, 1).any()
    np.testing.assert_array_equal(take(engine, 3), 0.0)
    assert (engine.late_blocks, engine.asked) == (3, 9)
    engine.submit([Panic()])
    while not engine.mixer.silent:
        engine._render()
        take(engine, 1)
    engine._render()
    take(engine, 3)
    assert engine.late_blocks == 3


def test_lateness_sheds_the_quietest_voice(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine()
    engine.submit([Trigger(0.4), Trigger(0.1)])
    engine.start()
    take(engine, 10)
    engine.late_blocks += 1
    take(engine, 10)
    assert engine.status()["shed"] == 1
    assert engine.status()["voices"] == 1


@pytest.mark.parametrize("synchronous", [False, True])
def test_a_high_load_makes_longer_steps_and_then_sheds(
    make_engine: Callable[..., Engine], synchronous: bool
) -> None:
    """Unless the device waits: then nothing is late."""
    engine = make_engine(synchronous=synchronous)
    engine.submit([Trigger(0.4), Trigger(0.1)])
    engine._load._step, engine._load._recent_s, engine._load._not_low_s = 2, 1.0, math.inf
    engine.start()
    while engine._ring.written < 10:
        take(engine, 1)
        time.sleep(0.001)
    assert engine.mixer.at_once == (1 if synchronous else 4)
    assert engine.status()["shed"] == (0 if synchronous else 1)


def test_hits_do_not_wait_for_a_queue_that_does_not_fill(make_mixer: Make) -> None:
    """On a machine that does not keep up, they come a few blocks later, and a voice is let go."""
    mixer = make_mixer()
    warm_up(mixer)

    class Device:
        """Takes every block as soon as it is there."""

        latency_samples = 0

        def process(self, block: np.ndarray) -> None:
            engine._ring.read = engine._ring.written + 1
            engine.late_blocks += 1
            if engine._ring.written > 20:
                raise AssertionError("the hits wait without end")

        def carry_out(self, tweak: object) -> None: ...

    engine = Engine(mixer, paced=True, effects=Device())
    engine._origin_s = time.monotonic() - 60.0  # far behind
    for hits in (2, 3):
        engine.submit([Trigger(1.0)] * (hits - mixer.hits))
        engine._render()
        assert mixer.hits == hits
        assert engine._ring.written == (hits - 1) * (PATIENCE + 1)
    assert mixer.shed > 0


def test_when_too_much_waits_moves_are_dropped_and_counted_but_never_a_hit(
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
    assert len(engine._inbox) == MAX_WAITING + 4


def test_the_clock_follows_the_device(make_engine: Callable[..., Engine]) -> None:
    """A device that is 5 ms off is approached; one that is a second off is believed."""
    engine = make_engine()
    rate = engine.mixer.sample_rate
    origin = 100.0
    engine._origin_s = origin + 0.005
    for sample in range(128, 128 * 400, 128):
        engine._handed = origin + sample / rate, sample
        engine._follow_clock()
    assert engine._origin_s == pytest.approx(origin, abs=1e-6)
    engine._handed = origin + 1.0 + 128 / rate, 128
    engine._follow_clock()
    assert engine._origin_s == pytest.approx(origin + 1.0, abs=1e-6)
    engine.latency_s = 0.01
    assert engine.sample_at(origin + 1.5) == round(0.49 * rate)


def test_a_decoder_that_fails_is_told_and_the_device_gets_silence(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine()
    engine.submit([Trigger()])
    engine.start()
    take(engine, 4)
    decoder = engine.mixer._decoder
    decoder.frame[:] = decoder.info.frames  # a stream that claims to be at its end cannot go on
    played = take(engine, 40)
    assert isinstance(engine.failure, ValueError)
    np.testing.assert_array_equal(played[-128:], 0.0)
    assert not engine.running


def test_the_end_is_a_fade(make_engine: Callable[..., Engine]) -> None:
    tape = Tape()
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
    assert not engine._preparing.is_alive()
    assert engine.mixer.sounding == 0
    assert np.abs(played[: 6 * 128]).max() > 0
    np.testing.assert_array_equal(played[-10:], 0.0)


def test_the_delay_of_commands_is_measured(make_mixer: Callable[..., Mixer]) -> None:
    """From `submit` to when the device takes the block: at least as long as the device lets it wait."""
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
    engine._closing = True
