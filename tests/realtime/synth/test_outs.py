"""With named outs, each hit is heard on one pair of channels, and the sum of all pairs is the stereo mix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from realtime.model.decoder import Decoder
from realtime.synth.commands import Command, Gain, Stop, Trigger
from realtime.synth.mixer import Mixer
from realtime.synth.outs import Outs, check
from realtime.util.errors import RealtimeError
from tests.realtime.playing import played

Make = Callable[..., Mixer]
NAMES = ("snares", "touch/3", "extra")
SAMPLES = 9_000


def hits(decoder: Decoder) -> dict[int, Trigger]:
    """Return a hit for each pair of channels, keyed by the index of the pair."""
    kick, snare, hat = (each.centroid for each in decoder.info.classes)
    return {
        0: Trigger(point=kick, pan=0.5),
        1: Trigger(point=snare, velocity=0.7),
        2: Trigger(z=kick, touch=3),
        3: Trigger(point=hat, out=3),
    }


def test_each_hit_plays_only_on_its_pair_of_channels(make_mixer: Make, decoder: Decoder) -> None:
    for pair, hit in hits(decoder).items():
        apart = played(make_mixer(channels=8, outs=NAMES), [(17, hit)], SAMPLES)
        stereo = played(make_mixer(), [(17, replace(hit, out=0))], SAMPLES)
        np.testing.assert_array_equal(apart[:, 2 * pair : 2 * pair + 2], stereo)
        assert not np.delete(apart, [2 * pair, 2 * pair + 1], axis=1).any()


def test_sum_of_the_pairs_is_the_stereo_mix_even_if_voices_are_cut(
    make_mixer: Make, decoder: Decoder
) -> None:
    score: list[tuple[int, Command]] = [(0, Gain(-24.0))]  # keeps the sum below the soft clipper
    score += [(700 * n + at, hit) for n in range(8) for at, hit in enumerate(hits(decoder).values())]
    score += [(6_000, Stop())]
    apart = played(make_mixer(voices=2, channels=8, outs=NAMES), score, SAMPLES)
    stereo = played(make_mixer(voices=2), score, SAMPLES)
    error = np.abs(sum(np.split(apart, 4, axis=1)) - stereo).max()
    assert error < 1e-6 * np.abs(stereo).max()  # at most -120 dB
    assert all(pair.any() for pair in np.split(apart, 4, axis=1))


def test_hit_for_a_missing_out_plays_on_the_main_pair(make_mixer: Make, decoder: Decoder) -> None:
    hit = hits(decoder)[3]
    np.testing.assert_array_equal(
        played(make_mixer(channels=4, outs=("kick",)), [(0, hit)], SAMPLES)[:, :2],
        played(make_mixer(), [(0, hit)], SAMPLES),
    )


def test_out_named_by_class_number_plays_that_class(decoder: Decoder) -> None:
    outs = Outs(["class/1", "snares", "class/2", "class/3"], decoder.info)
    points = [each.centroid for each in decoder.info.classes]
    assert [outs.of(Trigger(), np.asarray(point)) for point in points] == [
        1,
        2,
        4,
    ]  # a class's name takes precedence over its number


@pytest.mark.parametrize(
    ("names", "reason"),
    [(["a"] * 2, "named twice"), (["a:b"], "not a name"), ([""], "not a name"), ("a" * 17, "17")],
)
def test_invalid_names_of_outs_are_refused(names: list[str], reason: str) -> None:
    with pytest.raises(RealtimeError, match=reason):
        check(names)


def test_mixer_with_too_few_channels_for_its_outs_is_refused(make_mixer: Make) -> None:
    with pytest.raises(ValueError, match="3 outs need 8 channels, got 2"):
        make_mixer(outs=NAMES)
