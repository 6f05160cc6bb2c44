"""Fixtures that many tests of `realtime` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.model.decoder import Decoder
from realtime.model.schema import ModelInfo
from realtime.synth.commands import Command
from realtime.synth.mixer import Mixer, slots_for
from tests.realtime.playing import played

Play = Callable[..., NDArray[np.float32]]


@pytest.fixture(scope="module")
def decoder(tiny_model: Path) -> Decoder:
    """A decoder of `tiny_model` for decoding complete sounds; mixers use other decoders."""
    return Decoder(tiny_model, capacity=1)


@pytest.fixture(scope="module")
def info(decoder: Decoder) -> ModelInfo:
    """The metadata of `tiny_model`."""
    return decoder.info


@pytest.fixture
def make_mixer(tiny_model: Path) -> Callable[..., Mixer]:
    """Return a function that makes a mixer with a new decoder: make_mixer(rate, voices=…)."""

    def make(rate: int = 48_000, voices: int = 4, **options: Any) -> Mixer:
        return Mixer(Decoder(tiny_model, capacity=slots_for(voices)), rate, voices=voices, **options)

    return make


@pytest.fixture
def play() -> Play:
    """Return a function that plays commands on a mixer and returns one channel: float32 [samples].

    Each command is paired with the sample index at which it takes effect.
    """

    def run(
        mixer: Mixer, score: Iterable[tuple[int, Command]], samples: int, blocks: Iterable[int] = (128,)
    ) -> NDArray[np.float32]:
        out = played(mixer, score, samples, blocks)
        assert (out == out[:, :1]).all()
        return out[:, 0]

    return run
