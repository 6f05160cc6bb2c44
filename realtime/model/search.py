"""Searches for the point whose sound is nearest to a given one by ear, starting from the encoder's point.

The search first tries the training sounds that are nearest in z. Then it takes damped Gauss-Newton steps. For
each step, it decodes a sound beside the best point along each principal axis, to measure how the mel levels
change with z. From that, it computes the point at which the levels would equal those of the given sound. A
step decodes about 40 sounds, for as long as the given sound lasts. The search is deterministic, except that a
slow decoder gets fewer steps.
"""

from __future__ import annotations

import math
import time

import numpy as np
import numpy.typing as npt

from realtime.model.decoder import Decoder
from realtime.model.ear import Ear, Floats
from realtime.model.schema import Vector

NEIGHBOURS = 8
STEPS = 3
LONGEST_S = 30.0
"""Processor time within which a step must be expected to end."""
ASIDE = 0.1
"""Distance between the best point and the points beside it, in standard deviations of the axis."""
DAMPINGS = (0.03, 0.3, 3.0)
"""Dampings of a step, relative to the mean curvature along the axes; the best result counts."""
CLOSE_DB = 1.0
"""Difference of levels below which its square counts, and above which its size counts."""
REST = 1e-5
"""Share of the energy of the given sound after which it counts as ended."""
LONGER, MARGIN_FRAMES = 1.25, 20
"""The search decodes this many times the length of the given sound, and these frames."""


def nearest(decoder: Decoder, sound: npt.ArrayLike, z: Vector) -> Vector:
    """Return a point whose sound is at least as near to a sound as that of `z`.

    Args:
        sound: float [samples], as prepared for the encoder.
        z: the point that the encoder returns for it.
    """
    begun_s = time.process_time()
    candidates = _Candidates(decoder, np.asarray(sound, np.float32), np.asarray(z, np.float32))
    anchors = np.array([anchor.z for anchor in decoder.info.anchors], np.float32)
    spread = np.asarray(decoder.info.latent.std, np.float32) + np.float32(1e-6)
    away = np.square((anchors - candidates.best) / spread).sum(1)
    for anchor in anchors[np.argsort(away, kind="stable")[:NEIGHBOURS]]:
        candidates.consider(anchor)
    axes = np.asarray(decoder.info.pca.basis) * np.sqrt(np.asarray(decoder.info.pca.variance))[:, None]
    axes = axes[np.abs(axes).max(1) > 0.0].astype(np.float32)
    step_s = (time.process_time() - begun_s) / (1 + NEIGHBOURS) * (len(axes) + 2 * len(DAMPINGS))
    for _ in range(STEPS if len(axes) else 0):
        if time.process_time() - begun_s + step_s <= LONGEST_S:
            _step(candidates, axes)
    return tuple(float(value) for value in candidates.best)


class _Candidates:
    """Compares the sounds of points with a given sound.

    Attributes:
        best: the point whose sound is nearest so far, float32 [latent_dim].
        difference: difference of the mel levels of its sound from those of the given one, in dB: [N].
    """

    def __init__(self, decoder: Decoder, sound: Floats, z: Floats) -> None:
        self._ear = Ear(sound, decoder.info.sample_rate)
        self._decoder = decoder.sibling()
        self._audio = np.zeros(decoder.info.frames * decoder.info.hop_length, np.float32)
        self._samples = len(sound)
        rest = np.cumsum(np.square(sound[::-1], dtype=np.float64))[::-1]
        ended = int(np.searchsorted(-rest, -REST * rest[0]))
        frames = math.ceil(LONGER * ended / decoder.info.hop_length) + MARGIN_FRAMES
        self._frames = min(decoder.info.frames, frames)
        self.best, self.difference = z, self.hear(z)

    def hear(self, z: Floats) -> Floats:
        """Return the difference of the mel levels of the sound of z, in dB: [N]."""
        decoder, hop = self._decoder, self._decoder.info.hop_length
        decoder.reset(0)
        points = np.broadcast_to(z, (1, decoder.max_frames, len(z)))
        for first in range(0, self._frames, decoder.max_frames):
            count = min(decoder.max_frames, self._frames - first)
            self._audio[first * hop : (first + count) * hop] = decoder.step(points[:, :count])[0]
        return self._ear.difference(self._audio[: self._samples]).ravel()

    def consider(self, z: Floats) -> None:
        """Make z the best point if its sound is nearer."""
        difference = self.hear(z)
        if np.abs(difference).mean() < np.abs(self.difference).mean():
            self.best, self.difference = z, difference


def _step(candidates: _Candidates, axes: Floats) -> None:
    """Take a damped Gauss-Newton step from the best point.

    The mean of sizes is minimised as a mean of squares, with a weight for each difference (Huber's).

    Args:
        axes: principal axes of z, each as long as its standard deviation, [axes, latent_dim].
    """
    start, difference = candidates.best, candidates.difference
    slopes = np.stack([(candidates.hear(start + ASIDE * axis) - difference) / ASIDE for axis in axes])
    weighted = slopes / np.maximum(np.abs(difference), CLOSE_DB)
    curvature, gradient = weighted @ slopes.T, weighted @ difference
    mean = np.trace(curvature) / len(axes) + 1e-9
    for damping in DAMPINGS:
        move = np.linalg.solve(curvature + damping * mean * np.eye(len(axes), dtype=np.float32), gradient)
        for share in (1.0, 0.5):
            candidates.consider((start - share * move @ axes).astype(np.float32))
