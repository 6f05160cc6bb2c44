"""Measure the ways between class centres, so that the stage can go along them evenly.

`python -m export.courses FILE.onnx` adds them to a decoder that lacks them, and renews its encoder.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from export.errors import ExportError
from export.to_onnx import in_place, save
from realtime.model import verify
from realtime.model.decoder import Decoder
from realtime.model.encoder import encoder_path
from realtime.model.schema import CourseInfo, ModelInfo
from realtime.offline.levels import lufs
from realtime.util.errors import RealtimeError
from realtime.util.progress import Progress
from trainer.data.mfcc import mel_levels

STEPS = 16
"""Equal steps of a course."""
FIRST, MOST = 9, 33
"""Points that are measured at first, and in all."""
BANDS, WINDOW, HOP, RANGE_DB = 64, 1024, 256, 70.0

Sound = NDArray[np.float32]
Point = NDArray[np.float64]


class _Line:
    """The sounds on the straight line between two points."""

    def __init__(self, decoder: Decoder, start: Point, end: Point) -> None:
        self._decoder, self._start, self._end = decoder, start, end
        self._rate = decoder.info.sample_rate
        powers = [self._power(t) for t in np.linspace(0.0, 1.0, FIRST).tolist()]
        self._floor = float(max(power.max() for power in powers)) * 10 ** (-RANGE_DB / 10)
        self._levels: dict[float, NDArray[np.float32]] = {}

    def sound(self, t: float) -> Sound:
        z = (1.0 - t) * self._start + t * self._end
        sound: Sound = self._decoder.decode(z[np.newaxis].astype(np.float32))[0]
        return sound

    def _power(self, t: float) -> NDArray[np.float32]:
        """Return the power of mel bands, [windows, bands]."""
        sound = torch.from_numpy(np.pad(self.sound(t), (0, WINDOW)))[None]
        levels = mel_levels(sound, self._rate, bands=BANDS, window=WINDOW, hop=HOP)[0]
        return np.asarray(10 ** (levels.numpy() / 10), np.float32)

    def _level(self, t: float) -> NDArray[np.float32]:
        if t not in self._levels:
            self._levels[t] = 10 * np.log10(self._power(t) + np.float32(self._floor))
        return self._levels[t]

    def distance(self, one: float, other: float) -> float:
        """Return the mean difference in dB, with a floor 70 dB below the loudest band."""
        return float(np.abs(self._level(one) - self._level(other)).mean())

    def loudness(self, t: float) -> float:
        return lufs(self.sound(t)[:, None], self._rate)


def measure(decoder: Decoder, start: Point, end: Point) -> tuple[list[float], list[float]]:
    """Return the positions on the line between two points [D] that are equal steps apart for the ear.

    Returns:
        `STEPS` + 1 positions, from 0 to 1, and the gains in dB that bring each to the straight line between
        the loudness of the ends.
    """
    line = _Line(decoder, start, end)
    places = np.linspace(0.0, 1.0, FIRST).tolist()
    steps = [line.distance(*pair) for pair in itertools.pairwise(places)]
    while len(places) < MOST:  # halve the largest step
        at = int(np.argmax(steps))
        middle = (places[at] + places[at + 1]) / 2
        steps[at : at + 1] = [line.distance(places[at], middle), line.distance(middle, places[at + 1])]
        places.insert(at + 1, middle)
    passed = np.cumsum([0.0, *steps])
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    even = np.interp(shares, passed / passed[-1], places) if passed[-1] else shares
    loudness = np.array([line.loudness(t) for t in even.tolist()])
    if not np.isfinite(loudness).all():
        return even.round(5).tolist(), [0.0] * len(even)
    straight = loudness[0] + (loudness[-1] - loudness[0]) * shares
    return even.round(5).tolist(), (straight - loudness).round(2).tolist()


def courses(decoder: Decoder) -> tuple[CourseInfo, ...]:
    """Return the courses between all class centres of a model."""
    classes = decoder.info.classes
    pairs = list(itertools.combinations(range(len(classes)), 2))
    found = []
    with Progress(len(pairs)) as progress:
        for count, (one, other) in enumerate(pairs, 1):
            ends = (np.array(classes[at].centroid, np.float64) for at in (one, other))
            t, level_db = measure(decoder, *ends)
            found.append(CourseInfo(one, other, tuple(t), tuple(level_db)))
            progress.show(count)
    return tuple(found)


def add(path: Path) -> ModelInfo:
    """Measure the courses of a decoder, write it again with them, and its encoder for it.

    Raises:
        RealtimeError: the file is none that the stage would play.
    """
    decoder = Decoder(path, capacity=1, max_frames=256, provider="cpu")
    info = dataclasses.replace(decoder.info, courses=courses(decoder))
    beside = encoder_path(path)
    encoder = verify.read_encoder(beside).info
    encoder = dataclasses.replace(encoder, decoder=info.digest)
    with in_place(beside) as part:
        save(onnx.load(beside), encoder.to_metadata(), part)
    with in_place(path) as part:
        save(onnx.load(path), info.to_metadata(), part)
    return info


def main() -> int:
    """Carry out the command line."""
    if len(sys.argv) != 2:
        print("usage: python -m export.courses FILE.onnx", file=sys.stderr)
        return 2
    try:
        info = add(Path(sys.argv[1]))
    except (RealtimeError, ExportError, OSError) as error:
        print(f"export.courses: {error}", file=sys.stderr)
        return 2
    print(f"{sys.argv[1]}: {len(info.courses)} courses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
