"""Sound files from the same mixer that plays live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.commands import Command, Mode, Trigger, Z
from realtime.contract import ModelInfo
from realtime.files import SoundFile
from realtime.mixer import Mixer

BLOCK_SIZE = 4096
CHUNK_FRAMES = 64  # a point does not move within a sound, so decode in large pieces


def overlap(info: ModelInfo, spacing_ms: float) -> int:
    """How many sounds of a row are heard at once, at most."""
    return int(info.duration_ms / spacing_ms) + 1


def morph(
    start: Z, end: Z, *, steps: int, spacing: float, velocity: float = 1.0
) -> list[tuple[int, Command]]:
    """A row of sounds on the straight line from one point to another, both ends included.

    Args:
        start, end: z [D].
        steps: sounds, at least 1; a single one is at `start`.
        spacing: device samples from one to the next.
        velocity: of all, 0..1.

    Returns:
        (device sample, command) in order of time. Each sound keeps its own point to its end.
    """
    score: list[tuple[int, Command]] = [(0, Mode("latch"))]
    for step in range(steps):
        t = step / max(1, steps - 1)
        z = tuple((1.0 - t) * a + t * b for a, b in zip(start, end, strict=True))
        score.append((round(step * spacing), Trigger(velocity, z)))
    return score


def render(mixer: Mixer, score: Iterable[tuple[int, Command]]) -> Iterator[NDArray[np.float32]]:
    """Play a score to its end, with the last sound's tail: blocks float32 [T, C], valid until the next."""
    last = 0
    for sample, command in score:
        mixer.submit(command, sample)
        last = max(last, sample)
    end = last + mixer.timing.samples
    block = np.zeros((BLOCK_SIZE, mixer.channels), np.float32)
    while mixer.position < end:
        part = block[: min(BLOCK_SIZE, end - mixer.position)]
        mixer.render(part)
        yield part


def write(path: Path, mixer: Mixer, score: Iterable[tuple[int, Command]], *, force: bool = False) -> int:
    """Render a score into a file, whole or not at all; returns its length in samples.

    Raises:
        FileError: the file cannot be written, or exists and `force` is not given.
    """
    file = SoundFile(path, mixer.sample_rate, mixer.channels, force)
    try:
        for block in render(mixer, score):
            file.write(block)
    except BaseException:
        file.discard()
        raise
    file.commit()
    return mixer.position
