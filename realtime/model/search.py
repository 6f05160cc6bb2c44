"""Searches for the point whose sound is nearest to a given one by ear, starting from the encoder's point.

The search tries the training sounds that are nearest in z, then random points around the best one. The radius
grows after a round with a better point, and shrinks after one without. The search decodes 57 sounds, and is
deterministic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.model.decoder import Decoder
from realtime.model.ear import Ear
from realtime.model.schema import Vector

NEIGHBOURS = 8
ROUNDS, TRIES = 6, 8
REACH, WIDER, NARROWER = 0.25, 1.1, 0.6
"""Spread of the first tries, relative to that of the training sounds, and its change after a round with and
without a better point."""


def nearest(decoder: Decoder, sound: npt.ArrayLike, z: Vector) -> Vector:
    """Return a point whose sound is at least as near to a sound as that of `z`.

    Args:
        sound: [samples], as prepared for the encoder.
        z: the point that the encoder returns for it.
    """
    ear = Ear(sound, decoder.info.sample_rate)
    best = np.asarray(z, np.float32)
    lowest = ear.distance(decoder.decode(best[None])[0])

    def improve(points: npt.NDArray[np.float32]) -> bool:
        """Try points; return True if one is better than all before."""
        nonlocal best, lowest
        before = lowest
        for point in points:
            distance = ear.distance(decoder.decode(point[None])[0])
            if distance < lowest:
                best, lowest = point, distance
        return lowest < before

    anchors = np.array([anchor.z for anchor in decoder.info.anchors], np.float32)
    spread = np.asarray(decoder.info.latent.std, np.float32) + np.float32(1e-6)
    away = np.square((anchors - best) / spread).sum(1)
    improve(anchors[np.argsort(away, kind="stable")[:NEIGHBOURS]])
    axes = np.asarray(decoder.info.pca.basis) * np.sqrt(np.asarray(decoder.info.pca.variance))[:, None]
    random, reach = np.random.default_rng(0), REACH
    for _ in range(ROUNDS):
        steps = reach * random.standard_normal((TRIES, len(axes))) @ axes
        reach *= WIDER if improve((best + steps).astype(np.float32)) else NARROWER
    return tuple(float(value) for value in best)
