"""Four drums of the bundled kit, played at once, stay undistorted with the server's headroom.

Headroom is an attenuation that leaves room for several simultaneous sounds. Without headroom, the server's
soft clipper ("knee") bends the peaks of the sum.
"""

from __future__ import annotations

import numpy as np
import pytest

from bench.bus import error_db, measure
from realtime.model.decoder import Decoder, resolve


def test_headroom_keeps_kick_snare_hat_and_tom_at_once_equal_to_their_plain_sum() -> None:
    decoder = Decoder(resolve("drums"), capacity=8)
    found = measure(decoder, ["kick", "snare", "closed-hat", "tom"])
    assert found["peak of the sum"][0] > 1.0  # above full scale: the knee alone therefore distorts it
    assert found["knee alone"][0] > -40
    assert found["least possible, no headroom"][0] > -40  # only headroom can therefore avoid distortion
    for name in ("headroom", "headroom, limiter"):
        assert max(found[name]) < -100


def test_error_is_measured_at_the_gain_that_makes_it_smallest() -> None:
    plain = np.array([1.0, 0.0, 2.0])
    assert error_db(0.25 * plain, plain) == -200.0
    assert error_db(np.array([1.0, 1.0, 2.0]), plain) == pytest.approx(10 * np.log10(1 / 6))
