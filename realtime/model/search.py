"""Searches the latent space for the point z whose sound is closest to a given sound.

Two features are compared: the mel levels, and the ringing, which is how clearly partials stand out.

The search starts from the point that the encoder returns for the given sound. It first tries the points of
the training sounds nearest to that point. Then it takes damped Gauss-Newton steps, in rounds. At the start of
a round, it moves the best point slightly along each principal axis of the latent space and decodes the sound
there, to measure how the features change with z. From these slopes, it predicts the point whose features come
closest to those of the given sound. It decodes the sound at that point, and corrects the slopes by the
difference between predicted and actual features (Broyden's method). The next step of the round therefore
needs no new measurement. A round decodes about 55 sounds, each a little longer than the given sound. The
search is deterministic except for its time limit: with a slow decoder, it takes fewer rounds.
"""

from __future__ import annotations

import math
import time

import numpy as np
import numpy.typing as npt

from realtime.model.decoder import Decoder
from realtime.model.ear import Ear, Floats
from realtime.model.ringing import Ringing
from realtime.model.schema import Vector

NEIGHBOURS = 8
ROUNDS = 3
STEPS = 7
"""Number of Gauss-Newton steps in a round."""
LONGEST_S = 30.0
"""Limit of processor time in seconds; the search omits a round that it expects to exceed the limit."""
ASIDE = 0.1
"""Offset along an axis to measure slopes, in standard deviations along that axis."""
DAMPINGS = (0.03, 0.3, 3.0)
"""Dampings tried in each step, relative to the mean curvature along the axes."""
SHARES = (1.0, 0.5)
"""Fractions of each predicted move that the first step of a round tries; later steps try the entire move."""
CLOSE_DB = 1.0
"""Huber's threshold: differences count quadratically below it, and linearly above it."""
RINGING = 0.1
"""Weight of the mean difference in ringing, relative to that of the mel levels."""
REST = 1e-5
"""The given sound counts as ended when no more than this fraction of its energy remains."""
LONGER, MARGIN_FRAMES = 1.25, 20
"""Decoded length: a multiple of the length of the given sound, plus a number of frames."""


def nearest(decoder: Decoder, sound: npt.ArrayLike, z: Vector) -> Vector:
    """Return a point whose sound is at least as close to `sound` as the sound of `z` is.

    Args:
        decoder: decodes the points that the search tries.
        sound: float [samples], as prepared for the encoder.
        z: the point that the encoder returns for `sound`.
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
    decodes = len(axes) + len(DAMPINGS) * (len(SHARES) + STEPS - 1)
    round_s = (time.process_time() - begun_s) / (1 + NEIGHBOURS) * decodes
    for _ in range(ROUNDS if len(axes) else 0):
        if time.process_time() - begun_s + round_s <= LONGEST_S:
            _round(candidates, axes)
    return tuple(float(value) for value in candidates.best)


class _Candidates:
    """Decodes points, compares their sounds with a given sound, and keeps the best point.

    Attributes:
        best: the point whose sound is closest so far, float32 [latent_dim].
        difference: features of the best sound minus those of the given sound, in dB, [N].
        weights: the weight of each difference, float32 [N].
    """

    def __init__(self, decoder: Decoder, sound: Floats, z: Floats) -> None:
        self._ear = Ear(sound, decoder.info.sample_rate)
        self._ringing = Ringing(sound, decoder.info.sample_rate)
        self._decoder, self._audio = decoder, np.zeros_like(sound)
        rest = np.cumsum(np.square(sound[::-1], dtype=np.float64))[::-1]
        ended = int(np.searchsorted(-rest, -REST * rest[0]))
        self._frames = math.ceil(LONGER * ended / decoder.info.hop_length) + MARGIN_FRAMES
        self.best, self.difference = z, self.compare(z)
        ranges = self._ringing.ranges
        levels = len(self.difference) - ranges
        weights = [1.0 / levels, RINGING / max(1, ranges)]
        self.weights = np.repeat(np.array(weights, np.float32), [levels, ranges])

    def compare(self, z: Floats) -> Floats:
        """Decode the sound at z; return its features minus those of the given sound, in dB, [N]."""
        audio = self._decoder.decode(z[None], self._frames)[0]
        self._audio[: len(audio)] = audio
        levels, ringing = self._ear.difference(self._audio), self._ringing.difference(self._audio)
        return np.concatenate((levels.ravel(), ringing))

    def distance(self, difference: Floats) -> float:
        """Return the weighted mean of absolute differences [N], in dB."""
        return float(self.weights @ np.abs(difference))

    def consider(self, z: Floats) -> Floats:
        """Make z the best point if its sound is closer; return what `compare` returns for z."""
        difference = self.compare(z)
        if self.distance(difference) < self.distance(self.difference):
            self.best, self.difference = z, difference
        return difference


def _round(candidates: _Candidates, axes: Floats) -> None:
    """Measure the slopes at the best point, and take damped Gauss-Newton steps that use the slopes.

    A step minimises the weighted mean of absolute differences by least squares, with a Huber weight for each
    difference.

    Args:
        axes: principal axes of z, each as long as the standard deviation along it, [axes, latent_dim].
    """
    start, difference = candidates.best, candidates.difference
    slopes = np.stack([(candidates.compare(start + ASIDE * axis) - difference) / ASIDE for axis in axes])
    for number in range(STEPS):
        start, difference = candidates.best, candidates.difference
        weighted = slopes * (candidates.weights / np.maximum(np.abs(difference), CLOSE_DB))
        curvature, gradient = weighted @ slopes.T, weighted @ difference
        mean = np.trace(curvature) / len(axes) + 1e-12
        tried: list[tuple[float, Floats, Floats]] = []  # distance, move, difference
        for damping in DAMPINGS:
            damped = curvature + damping * mean * np.eye(len(axes), dtype=np.float32)
            whole = np.asarray(-np.linalg.solve(damped, gradient), np.float32)
            for share in SHARES if number == 0 else SHARES[:1]:
                move: Floats = np.float32(share) * whole
                found = candidates.consider(start + move @ axes)
                tried.append((candidates.distance(found), move, found))
        _, move, found = min(tried, key=lambda each: each[0])
        slopes += np.outer(move, found - difference - move @ slopes) / (move @ move + 1e-12)
