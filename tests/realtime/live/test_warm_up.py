"""Before a mixer plays, warm-up calls the decoder once with every shape, and measures the times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from realtime.live.warm_up import warm_up
from realtime.model.decoder import Decoder
from realtime.synth.commands import Trigger
from realtime.synth.mixer import Mixer


def test_warming_up_changes_no_sample_and_measures_the_cost(
    decoder: Decoder, make_mixer: Callable[..., Mixer], play: Callable[..., np.ndarray]
) -> None:
    hit = [(0, Trigger(1.0, decoder.info.classes[0].centroid))]
    mixer = make_mixer(voices=3)
    cost = warm_up(mixer)
    assert mixer.cost is cost
    assert cost.first_chunk_s > 0
    assert 0 <= cost.sustained_voices <= 3 == len(cost.chunk_s)
    np.testing.assert_array_equal(play(mixer, hit, 3000), play(make_mixer(voices=3), hit, 3000))
