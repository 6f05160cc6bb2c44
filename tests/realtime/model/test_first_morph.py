"""The morph to try first, from sounds whose ring and spectrum are known."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.model import first_morph
from realtime.model.decoder import Decoder, resolve
from realtime.model.first_morph import FirstMorph

RATE = 8000
TIME_S = np.arange(RATE) / RATE
RANDOM = np.random.default_rng(0)


def decaying(sound: np.ndarray, ring_s: float) -> np.ndarray:
    """Let a steady sound fall by 40 dB in a time; as much of its energy is left then."""
    return (sound * 10.0 ** (-2.0 * TIME_S / ring_s)).astype(np.float32)


def tone(hz: float, ring_s: float) -> np.ndarray:
    return decaying(np.sin(2 * np.pi * hz * TIME_S), ring_s)


def noise(ring_s: float) -> np.ndarray:
    return decaying(RANDOM.uniform(-1, 1, RATE), ring_s)


@pytest.mark.parametrize(
    ("sounds", "morph"),
    [
        (  # the tone that rings longest, although noise rings longer; a third of its ring
            {"blip": tone(100, 0.1), "kick": tone(60, 0.24), "tom": tone(120, 0.2), "hat": noise(0.5)},
            FirstMorph("kick", "hat", 80),
        ),
        (  # the noise has ended before the glide does
            {"kick": tone(60, 0.3), "tick": noise(0.05), "tom": tone(120, 0.2), "bell": tone(900, 0.2)},
            FirstMorph("kick", "bell", 100),
        ),
        ({"kick": tone(60, 0.3), "tick": noise(0.05)}, FirstMorph("kick", "tick", 100)),  # no other choice
        ({"a": np.zeros(RATE, np.float32), "b": np.full(RATE, np.nan, np.float32)}, FirstMorph("a", "b", 10)),
    ],
)
def test_the_morph_begins_where_a_tone_rings_and_ends_far_away(
    sounds: dict[str, np.ndarray], morph: FirstMorph
) -> None:
    assert first_morph.between([*sounds], np.stack([*sounds.values()]), RATE) == morph


def test_the_bundled_drums_have_the_morph_of_the_readme() -> None:
    drums = Decoder(resolve("drums"), capacity=1, provider="cpu")
    assert first_morph.find(drums) == FirstMorph("kick", "open-hat", 300)


def test_any_other_model_has_one_between_two_of_its_classes(decoder: Decoder) -> None:
    morph = first_morph.find(decoder)
    assert morph is not None
    assert {morph.start, morph.end} < {each.name for each in decoder.info.classes}
    assert morph.start != morph.end
    assert 0 < morph.ms <= decoder.info.duration_ms / 2
