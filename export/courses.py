"""Measures courses: straight paths between class centres in latent space, in steps that sound equal.

`python -m export.courses FILE.onnx` adds the measured courses to the metadata of a decoder file. The encoder
file in the same folder contains a checksum of this metadata; the command updates the checksum.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Sequence
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
from realtime.offline.levels import GATE_S, lufs
from realtime.util.errors import RealtimeError
from realtime.util.progress import Progress
from trainer.data.mfcc import mel_levels

STEPS = 16
"""Number of equal steps of a course."""
FIRST, MOST = 9, 33
"""Number of points on a path that are measured first, and the maximum number in total."""
BANDS, WINDOW, HOP, RANGE_DB = 64, 1024, 256, 70.0
"""Number of mel bands; window and hop in samples; range of levels below the loudest band, in dB."""

Sound = NDArray[np.float32]
Floats = NDArray[np.float64]
Point = Floats


class _Line:
    """The sounds on the straight line between two points of the latent space, [D] each.

    Positions on the line are numbers from 0 (start) to 1 (end).
    """

    def __init__(self, decoder: Decoder, start: Point, end: Point) -> None:
        self._decoder, self._start, self._end = decoder, start, end
        self._rate = decoder.info.sample_rate
        self._measured: dict[float, tuple[NDArray[np.float32], float]] = {}

    def sound(self, t: float) -> Sound:
        z = (1.0 - t) * self._start + t * self._end
        sound: Sound = self._decoder.decode(z[np.newaxis].astype(np.float32))[0]
        return sound

    def measured(self, t: float) -> tuple[NDArray[np.float32], float]:
        """Return the mel powers [windows, bands] of the sound at `t`, and the loudness of its first 400 ms.

        The loudness is in LUFS. The loudness of the entire sound would jump at positions where a further
        quiet block begins to pass the gate of BS.1770.
        """
        if t not in self._measured:
            sound = self.sound(t)
            padded = torch.from_numpy(np.pad(sound, (0, WINDOW)))[None]
            levels = mel_levels(padded, self._rate, bands=BANDS, window=WINDOW, hop=HOP)[0].numpy()
            begin = sound[: round(GATE_S * self._rate) + 1, None]
            self._measured[t] = np.asarray(10 ** (levels / 10), np.float32), lufs(begin, self._rate)
        return self._measured[t]

    def gains(self, places: Sequence[float], shares: Floats) -> Floats:
        """Return a gain in dB for each position, to make loudness change linearly along the path.

        All gains are 0 if the loudness at any position is not finite.

        Args:
            places: positions on the line.
            shares: the fraction of the path, 0 to 1, that is covered up to each position.
        """
        loudness = np.array([self.measured(t)[1] for t in places])
        straight = loudness[0] + (loudness[-1] - loudness[0]) * shares
        return np.asarray(straight - loudness if np.isfinite(loudness).all() else np.zeros(len(places)))

    def steps(self, places: Sequence[float], shares: Floats) -> Floats:
        """Return the mean difference, in dB, between the mel levels of the sounds at successive positions.

        The sounds are compared after `gains`. Levels are limited to 70 dB below the loudest band.
        """
        gains = (10 ** (self.gains(places, shares) / 10)).astype(np.float32)
        powers = [self.measured(t)[0] * gain for t, gain in zip(places, gains, strict=True)]
        floor = max(power.max() for power in powers) * np.float32(10 ** (-RANGE_DB / 10))
        levels = [10 * np.log10(power + floor) for power in powers]
        return np.array([np.abs(after - before).mean() for before, after in itertools.pairwise(levels)])


def path_shares(steps: Floats) -> Floats:
    """Return the fraction of the path, 0 to 1, before the first step and after each of N steps: [N + 1]."""
    travelled = np.cumsum(steps)
    # not steps.sum(), which may differ from the last partial sum by rounding
    return np.concatenate(([0.0], travelled / travelled[-1]))


def measure(decoder: Decoder, start: Point, end: Point) -> tuple[list[float], list[float]]:
    """Divide the line between two points [D] into steps between which the sound changes equally.

    Returns:
        `STEPS` + 1 positions on the line, from 0 to 1, and a gain in dB for each position, which makes
        loudness change linearly between the ends.
    """
    line = _Line(decoder, start, end)
    places = np.linspace(0.0, 1.0, FIRST).tolist()
    shares = np.array(places)  # the fraction of the path that is covered up to each position
    while True:
        steps = line.steps(places, shares)
        if not steps.any():
            break
        shares = path_shares(steps)
        if len(places) == MOST:
            break
        at = int(np.argmax(steps))  # halve the largest step
        places.insert(at + 1, (places[at] + places[at + 1]) / 2)
        shares = np.insert(shares, at + 1, (shares[at] + shares[at + 1]) / 2)
    grid = np.linspace(0.0, 1.0, STEPS + 1)
    even = np.interp(grid, shares, places).round(5)
    return even.tolist(), line.gains(even.tolist(), grid).round(2).tolist()


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
    """Measure the courses of a decoder, write them into its file, and update the encoder file in its folder.

    Returns:
        The new metadata of the decoder.

    Raises:
        RealtimeError: one of the two files is not valid.
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
    """Run the command line; return the exit code."""
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
