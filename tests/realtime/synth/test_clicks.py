"""Sounds start and end, and models change, without clicks.

The sounds of `level_model` are nearly constant. A cut without a fade would leave a jump as high as the sound,
more than ten times the largest jump of a fade or of the sound itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from realtime.live.engine import Engine
from realtime.model.decoder import Decoder
from realtime.synth.commands import Command, Goto, Mode, Panic, SetZ, Shed, Stop, Trigger
from realtime.synth.mixer import Mixer, slots_for

RATE = 48_000
EVENTS, SWAPS = 10_000, 60
VOICES = 3
LEVEL = 0.5  # approximate level of the sounds of `level_model`
GAIN_DB = -24.0  # keeps the sum of all voices below the soft clipper, which would hide jumps
QUIETEST = 0.7  # the lowest velocity of a hit
POINTS = [tuple(0.7 * np.random.default_rng(k).standard_normal(4)) for k in range(6)]


def make(model: Path) -> Mixer:
    decoder = Decoder(model, capacity=slots_for(VOICES))
    mixer = Mixer(decoder, RATE, voices=VOICES, gain_db=GAIN_DB)
    for z in POINTS:
        mixer.sound_cache.complete(z)
    return mixer


def commands(chance: random.Random) -> Iterator[Command]:
    """Yield random commands, mostly hits of all kinds, endlessly."""
    while True:
        z = chance.choice(POINTS)
        what = chance.random()
        if what < 0.75:
            yield Trigger(
                chance.uniform(QUIETEST, 1.0),
                z,
                touch=chance.choice((None, None, 1, 2)),
                pitch=chance.choice((0.0, 0.0, 7.0, -5.0, 24.0)),
                pan=chance.choice((0.0, 0.0, -0.3, 0.3)),
                decay_ms=chance.choice((None, None, 80.0, 400.0)),
                reverse=chance.random() < 0.1,
                choke=chance.choice((0, 0, 1, 2)),
            )
        elif what < 0.85:
            yield Goto(z, chance.choice((0.0, 15.0)), touch=chance.choice((None, 1)))
        elif what < 0.88:
            yield Mode(chance.choice(("live", "latch")))
        elif what < 0.9:
            yield Shed()
        elif what < 0.92:
            yield Panic()
        elif what < 0.95:
            yield SetZ(z)
        else:
            yield Stop(chance.choice((None, None, 1)))


def jump(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound, axis=0, prepend=np.zeros((1, 2), np.float32))).max())


def allowed(model: Path) -> float:
    """Return the largest permitted jump between samples, for the sounds and fades of all voices together."""
    mixer = make(model)
    out = np.zeros((2 * mixer.timing.samples, 2), np.float32)
    mixer.submit(Trigger(1.0, POINTS[0]))
    mixer.render(out)
    level = float(np.abs(out).max())
    one = jump(out) + level / (0.002 * RATE)
    assert 2 * VOICES * one < 0.5 * QUIETEST * 0.7 * level, (
        "the sounds of the model jump too much to show clicks"
    )
    return 2 * VOICES * one


def test_no_command_makes_a_click(level_model: Path) -> None:
    chance = random.Random(5)
    mixer = make(level_model)
    events, sample = 0, 0
    for command in commands(chance):
        sample += 0 if chance.random() < 0.1 else round(chance.expovariate(1 / (0.006 * RATE)))
        mixer.submit(command, sample)
        if (events := events + 1) == EVENTS:
            break
    out = np.zeros((sample + RATE, 2), np.float32)
    at = 0
    while at < len(out):
        block = out[at : at + chance.choice((64, 512, 1000))]
        mixer.render(block)
        at += len(block)
    assert mixer.stolen > EVENTS // 20
    assert mixer.hits > EVENTS // 2
    worst = jump(out)
    assert worst < allowed(level_model), f"{worst} at sample {np.abs(np.diff(out, axis=0)).max(1).argmax()}"
    np.testing.assert_array_equal(out[-100:], 0.0)


def test_change_of_model_makes_no_click(level_model: Path) -> None:
    """Four mixers play in turn; each replaces the previous mixer while that mixer is sounding."""
    chance = random.Random(6)
    mixers = [make(level_model) for _ in range(4)]
    engine = Engine(mixers[0], synchronous=True)
    engine.start()
    out = np.zeros((128, 2), np.float32)
    blocks: list[np.ndarray] = []
    for turn in range(1, SWAPS + 1):
        engine.submit([Trigger(1.0, chance.choice(POINTS)) for _ in range(2)])
        for _ in range(chance.randrange(12, 20)):  # at least 30 ms: the previous mixer has faded out by then
            engine.hand_over(out)
            blocks.append(out.copy())
        engine.swap(mixers[turn % len(mixers)])
    engine.stop()
    sound = np.concatenate(blocks)
    assert np.count_nonzero(np.abs(sound).max(axis=1) > 0.01) > len(sound) // 2
    assert jump(sound) < allowed(level_model)
