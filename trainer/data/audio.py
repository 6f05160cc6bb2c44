"""Read audio files and turn each into one window of sound."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from realtime.model.preprocess import cancels, prepare
from realtime.model.schema import Preparation
from realtime.util.errors import RealtimeError
from trainer.config import DataConfig, ModelConfig
from trainer.errors import DataError

SOUNDFILE_SUFFIXES = frozenset(
    [
        ".wav",
        ".wave",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".aifc",
        ".au",
        ".snd",
        ".caf",
        ".w64",
        ".rf64",
        ".sd2",
        ".voc",
        ".nist",
        ".sph",
    ]
)
AUDIOREAD_SUFFIXES = frozenset([".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".ac3", ".amr"])
"""Suffixes of files that can be read only if ffmpeg or the system has a decoder for them."""
MAX_MINUTES = 10
"""Longest recording that is read; hours of sound would fill the memory."""
SILENT_PEAK = 1e-4
"""-80 dBFS; a sound whose peak is lower is treated as silent."""
CLIPPED_PEAK, CLIPPED_RUN = 0.98, 3
"""A sound is clipped if it stays at its peak, near full scale, for at least this many samples."""
UNKNOWN_BYTES = 2**31 - 2**16
"""Programs that do not know the size of a WAV file write at least this number into its header."""
SLACK_BYTES = 64
"""Largest error in the stated size of a WAV file that is ignored; some programs also count the header."""
AUDIBLE_DB = -50.0
"""A sound is treated as inaudible where its level, relative to the peak, is below this value."""
OVER_S = 0.01
"""A sound whose audible part exceeds the model's length by less than this is shortened without a message."""
DC_OFFSET = 0.02
"""Fraction of full scale; a smaller DC offset is removed without a message."""


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file; return float32 [samples, channels] and the rate in Hz.

    Raises:
        DataError: if the file cannot be read; the message gives the reason without the path.
    """
    try:
        if path.suffix.lower() in AUDIOREAD_SUFFIXES:
            signal, rate = _read_audioread(path)
        else:
            name = str(path) if os.name == "nt" else os.fsencode(path)  # soundfile encodes only UTF-8
            with soundfile.SoundFile(name) as file:
                rate = int(file.samplerate)
                signal = file.read(MAX_MINUTES * 60 * rate + 1, dtype="float32", always_2d=True)
        if len(signal) > MAX_MINUTES * 60 * rate:
            raise DataError(f"longer than {MAX_MINUTES} minutes: cut it into sounds")
        return signal, rate
    except DataError:
        raise
    except Exception as error:  # each decoder raises different errors
        reason = getattr(error, "error_string", "") or str(error) or type(error).__name__
        if type(error).__name__ == "NoBackendError":  # an exception of audioread, an optional package
            reason = f"{path.suffix} needs ffmpeg on this machine, or the file is broken"
        raise DataError(f"cannot be read: {' '.join(str(reason).split()).rstrip('.')}") from None


def _read_audioread(path: Path) -> tuple[NDArray[np.float32], int]:
    """Read a file as `read` does, but stop at most one block after `MAX_MINUTES`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about modules that later versions of Python lack
        import audioread

        file = audioread.audio_open(path)
    with file:
        channels, rate = int(file.channels), int(file.samplerate)
        most, content = MAX_MINUTES * 60 * rate * channels * 2, bytearray()
        for block in file:
            content += block
            if len(content) > most + 2 * channels:
                break
    samples = np.frombuffer(content, "<i2", len(content) // (2 * channels) * channels)
    return samples.reshape(-1, channels) * np.float32(2**-15), rate


def preparation(model: ModelConfig, config: DataConfig) -> Preparation:
    """Return the settings with which a run prepares sounds; the exported encoder requires them, too."""
    return Preparation(
        sample_rate=model.sample_rate,
        length=model.length,
        resampler="VHQ",
        silence_block=config.silence_block,
        silence_mean_square=config.silence_mean_square,
        fade_ms=config.fade_ms,
        silent_peak=SILENT_PEAK,
        shortest_ms=2.0,
    )


def prepare_signal(
    signal: NDArray[np.float32], rate: int, model: ModelConfig, config: DataConfig
) -> NDArray[np.float32]:
    """Make one window of sound with `realtime.model.preprocess`, as `realtime encode` does.

    Args:
        signal: [samples, channels] at `rate` Hz.

    Returns:
        float32 [length].

    Raises:
        DataError: if no sound is left; the message gives the reason alone.
    """
    try:
        return prepare(signal, rate, preparation(model, config))
    except RealtimeError as error:
        raise DataError(str(error).removeprefix("the sound ").removeprefix("is ")) from None


def faults(signal: NDArray[np.float32]) -> list[tuple[str, str]]:
    """Return the faults of a usable file, and the remedy that `prepare_signal` applies to each fault.

    Args:
        signal: [samples, channels], not empty.
    """
    found = []
    if (channels := signal.shape[1]) > 1:
        remedy = (
            "channels cancel out: only the first is used" if cancels(signal, SILENT_PEAK) else "mixed to mono"
        )
        found.append(("stereo" if channels == 2 else f"{channels} channels", remedy))
    if count := sum(_clipped(column) for column in signal.T):
        found.append((f"clipped ({count} samples)", "kept unchanged"))
    offset = float(signal.astype(np.float64).mean(axis=0)[0])
    if abs(offset) >= DC_OFFSET:
        found.append((f"DC offset {offset:+.2f}", "removed"))
    return found


def cut_off(path: Path) -> list[tuple[str, str]]:
    """Return a fault and its remedy if a WAV file is shorter than its header says, as after a broken copy."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
    stated = int.from_bytes(head[4:], "little") + 8
    if head[:4] != b"RIFF" or not size + SLACK_BYTES < stated < UNKNOWN_BYTES:
        return []
    return [(f"cut off ({size} of {stated} bytes)", "the existing part is used")]


def too_long(signal: NDArray[np.float32], rate: int, model: ModelConfig) -> list[tuple[str, str]]:
    """Return a fault and its remedy if the audible part of a file exceeds the model's length.

    Args:
        signal: [samples, channels] at `rate` Hz, not silent.
    """
    level = np.abs(signal).max(axis=1)
    audible = np.flatnonzero(level > level.max() * 10 ** (AUDIBLE_DB / 20))
    length_s, most_s = (audible[-1] - audible[0]) / rate, model.length / model.sample_rate
    if length_s < most_s + OVER_S:
        return []
    return [(f"longer than {most_s:.2f} s ({length_s:.2f} s)", f"its first {most_s:.2f} s are used")]


def _clipped(column: NDArray[np.float32]) -> int:
    """Count the samples in runs of at least `CLIPPED_RUN` samples at the peak that have the same sign."""
    peak = float(np.abs(column).max())
    if peak < CLIPPED_PEAK:
        return 0
    count = 0
    for sign in (1.0, -1.0):
        at_peak = np.concatenate(([0], sign * column >= peak * (1 - 1e-4), [0])).astype(np.int8)
        edges = np.flatnonzero(np.diff(at_peak))
        runs = edges[1::2] - edges[::2]
        count += int(runs[runs >= CLIPPED_RUN].sum())
    return count
