"""Renders sound files with the mixer that also plays live.

A score is a series of (device sample, command) in order of time. A device sample is a sample at the rate of
the file. z is a position in the latent space.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.model.schema import ModelInfo
from realtime.offline import levels
from realtime.offline.levels import Meter, Target
from realtime.synth.commands import Command, Mode, Trigger, Tweak, Z
from realtime.synth.crossfade import Change, Crossfade, Effects
from realtime.synth.mixer import Mixer
from realtime.synth.plugins import Chain
from realtime.util.errors import RealtimeError
from realtime.util.files import FileError, SoundFile, name_for_soundfile
from realtime.util.progress import Progress

Block = NDArray[np.float32]
Score = Iterable[tuple[int, Command | Change]]

BLOCK_SIZE = 4096
CHUNK_FRAMES = 64  # latent frames per decoder call: many, because z does not change within a sound
MAX_VOICES = 64


def overlap(info: ModelInfo, spacing_ms: float) -> int:
    """Return the maximum number of sounds that play at once if a sound begins every `spacing_ms`."""
    return int(info.duration_ms / spacing_ms) + 1


def voices_for(hits: Iterable[tuple[int, Trigger]], length: int) -> int:
    """Return the number of voices with which no hit cuts off an earlier sound, at most `MAX_VOICES`.

    Args:
        hits: (device sample, hit) in order of time.
        length: length of a sound at pitch 0, in device samples.
    """
    ends: list[float] = []
    most = 1
    for sample, trigger in hits:
        while ends and ends[0] <= sample:
            heapq.heappop(ends)
        heapq.heappush(ends, sample + length * 2.0 ** (-trigger.pitch / 12.0))
        most = max(most, len(ends))
    return min(most, MAX_VOICES)


def morph(
    start: Z, end: Z, *, steps: int, spacing: float, velocity: float = 1.0
) -> list[tuple[int, Command]]:
    """Return a score of sounds on the straight line between two points in the latent space.

    The first and the last sound are at the two points.

    Args:
        start, end: z [D].
        steps: number of sounds, at least 1; a single sound is at `start`.
        spacing: device samples from one sound to the next.
        velocity: velocity of all sounds, 0..1.

    Returns:
        (device sample, command) in order of time. Each sound keeps its z to its end.
    """
    score: list[tuple[int, Command]] = [(0, Mode("latch"))]
    for step in range(steps):
        t = step / max(1, steps - 1)
        z = tuple((1.0 - t) * a + t * b for a, b in zip(start, end, strict=True))
        score.append((round(step * spacing), Trigger(velocity, z)))
    return score


def render(
    mixer: Mixer, score: Score, *, effects: Effects | None = None, block_size: int = BLOCK_SIZE
) -> Iterator[Block]:
    """Play a score to the end of its last sound; yield blocks float32 [T, C].

    The score is read lazily, and may therefore be long. A block is valid until the next block is requested.
    Blocks end at multiples of `block_size`, and at each change of the model or of a parameter of `effects`.
    """
    crossfade = Crossfade(mixer, effects)
    block = np.zeros((block_size, mixer.channels), np.float32)
    coming = iter(score)
    following = next(coming, None)
    end = mixer.position + mixer.timing.samples
    while True:
        mixer = crossfade.mixer
        horizon = (mixer.position // block_size + 1) * block_size
        while following is not None and following[0] < horizon:
            sample, command = following
            if isinstance(command, (Change, Tweak)) and sample > mixer.position:
                horizon = sample
                break
            crossfade.submit(command, sample)
            mixer = crossfade.mixer
            end = max(end, sample + mixer.timing.samples)
            following = next(coming, None)
        quiet = not (mixer.sounding or mixer.ringing or crossfade.fading)
        if following is None and mixer.position >= end and quiet:
            return
        if following is None and mixer.position < end:
            horizon = min(horizon, end)
        part = block[: horizon - mixer.position]
        crossfade.render(part)
        yield part


def write(
    path: Path,
    mixer: Mixer,
    score: Score,
    *,
    force: bool = False,
    bits: str | None = None,
    target: Target | None = None,
    progress: Progress | None = None,
    chain: Chain | None = None,
    block_size: int = BLOCK_SIZE,
) -> Meter:
    """Render a score to a file, completely or not at all; return length and levels of the file.

    The samples that count as clipped are those that the mixer clips, before plugins and the target level.

    Args:
        bits: sample format, see `files.SoundFile`.
        target: target level; if given, the sound is first written to a temporary file.
        progress: updated with the number of device samples rendered.
        chain: plugins after the mixer; their latency is compensated.
        block_size: device samples per block.

    Raises:
        FileError: the file cannot be written, or it exists and `force` is not set.
        LevelError: the loudness cannot be measured.
    """
    mixed = Meter()
    blocks = _metered(render(mixer, score, effects=chain, block_size=block_size), mixed, progress)
    if chain is not None:
        blocks = chain.play(blocks, mixer.channels)
    if target is None or not target.given:
        meter = _write(path, mixer, blocks, force, bits)
        meter.clipped = mixed.clipped
        return meter
    part = path.with_name(f".{path.name}.raw.wav")
    try:
        peak = _write(part, mixer, blocks, True, "32f").peak
        loudness = levels.lufs(read_sound(part), mixer.sample_rate) if target.lufs is not None else None
        factor = np.float32(levels.gain(target, peak, loudness))
        meter = _write(path, mixer, (factor * block for block in _read(part)), force, bits)
    finally:
        part.unlink(missing_ok=True)
    meter.clipped = mixed.clipped
    meter.lufs = None if loudness is None else loudness + levels.decibels(float(factor))
    return meter


def _metered(blocks: Iterable[Block], meter: Meter, progress: Progress | None) -> Iterator[Block]:
    for block in blocks:
        meter.add(block)
        yield block
        if progress:
            progress.show(meter.samples)


def _write(path: Path, mixer: Mixer, blocks: Iterable[Block], force: bool, bits: str | None) -> Meter:
    meter = Meter()
    file = SoundFile(path, mixer.sample_rate, mixer.channels, force, bits)
    try:
        for block in blocks:
            file.write(block)
            meter.add(block)
    except BaseException:
        file.discard()
        raise
    file.commit()
    return meter


def _read(path: Path) -> Iterator[Block]:
    import soundfile

    try:
        yield from soundfile.blocks(name_for_soundfile(path), BLOCK_SIZE, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise FileError(f"cannot read {path}: {error}") from error


def read_sound(path: Path) -> Block:
    """Read a complete sound file: float32 [T, C].

    Raises:
        FileError: the file cannot be read.
        RealtimeError: the file is empty.
    """
    blocks: Sequence[Block] = list(_read(path))
    if not blocks:
        raise RealtimeError(f"{path}: nothing was rendered")
    return np.concatenate(blocks)
