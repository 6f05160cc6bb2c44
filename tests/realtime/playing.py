"""Play mixers and engines without an audio device, and decode the sounds that they should play."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from realtime.live.engine import Engine
from realtime.model.decoder import Decoder
from realtime.synth.commands import Command
from realtime.synth.mixer import Mixer
from realtime.synth.voices.resampler import Resampler

RATE = 48_000


class Tape:
    """A sink for blocks of sound that keeps every block."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def write(self, block: np.ndarray) -> None:
        self.blocks.append(block.copy())


def played(
    mixer: Mixer, score: Iterable[tuple[int, Command]], samples: int, blocks: Iterable[int] = (128,)
) -> NDArray[np.float32]:
    """Play commands, each paired with its sample index, on a mixer; return the sound [samples, channels].

    The sound is rendered in blocks whose sizes are those in `blocks`, in turn.
    """
    for sample, command in score:
        mixer.submit(command, sample)
    out = np.full((samples, mixer.channels), np.nan, np.float32)
    sizes, at = list(blocks), 0
    while at < samples:
        for size in sizes:
            mixer.render(out[at : at + size])
            at = min(at + size, samples)
    return out


def take(engine: Engine, blocks: int) -> NDArray[np.float32]:
    """Take blocks from an engine, as a device does; return their sound [samples, channels]."""
    out = np.empty((blocks, engine.block_size, engine.mixer.channels), np.float32)
    for block in out:
        engine.hand_over(block)
    return out.reshape(-1, engine.mixer.channels)


def point(which: int = 0, dimensions: int = 4) -> tuple[float, ...]:
    """Return a reproducible z, a position in latent space, near the training sounds."""
    return tuple(0.7 * np.random.default_rng(which).standard_normal(dimensions))


def whole(decoder: Decoder, z: object, rate: int = RATE) -> NDArray[np.float32]:
    """Return the sound that the decoder makes for z [D] or [F, D], resampled to `rate`: [samples]."""
    sound = decoder.decode(np.asarray(z, np.float32)[np.newaxis])[0]
    return Resampler(decoder.info.sample_rate, rate).resample(sound)
