"""Read audio files and turn each into one window of sound."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

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
LIBROSA_SUFFIXES = frozenset([".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".ac3", ".amr"])
"""Files that only librosa's backends can read, if the machine has one."""
SILENT_PEAK = 1e-4
"""-80 dBFS: a sound whose peak is lower counts as silent."""
SHORTEST_MS = 2.0
RESAMPLER = "VHQ"
"""The quality setting of soxr."""
CLIPPED_PEAK, CLIPPED_RUN = 0.98, 3
"""A sound is clipped if it stays at its peak, near full scale, for at least this many samples."""
DC_OFFSET = 0.02
"""Fraction of full scale; a smaller DC offset is removed without a message."""


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file; return float32 [samples, channels] and the rate in Hz.

    Raises:
        DataError: if the file cannot be read; the message is only the reason.
    """
    try:
        if path.suffix.lower() in LIBROSA_SUFFIXES:
            return _read_librosa(path)
        signal, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return signal, int(rate)
    except Exception as error:  # each decoder raises errors of its own
        reason = getattr(error, "error_string", "") or str(error) or type(error).__name__
        if type(error).__name__ == "NoBackendError":  # audioread's, which need not be installed
            reason = f"{path.suffix} needs ffmpeg on this machine, or the file is broken"
        raise DataError(f"cannot be read: {' '.join(str(reason).split()).rstrip('.')}") from None


def _read_librosa(path: Path) -> tuple[NDArray[np.float32], int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about librosa's fallback, which is deprecated
        import librosa

        signal, rate = librosa.load(path, sr=None, mono=False)
    return np.atleast_2d(signal).T, int(rate)


def prepare_signal(
    signal: NDArray[np.float32], rate: int, model: ModelConfig, config: DataConfig
) -> NDArray[np.float32]:
    """Make one window of sound: mono, without DC, at the model's rate, peak 1, leading silence cut.

    As in the authors' code, leading blocks below `silence_mean_square` are cut only from a sound longer than
    the window; a sound that is still too long is trimmed, and one that is too short is padded with zeros.

    Args:
        signal: [samples, channels] at `rate` Hz.

    Returns:
        float32 [length].

    Raises:
        DataError: if nothing is left to train on; the message is only the reason.
    """
    if not len(signal):
        raise DataError("empty")
    if not np.isfinite(signal).all():
        raise DataError("has samples that are not numbers")
    if len(signal) < rate * SHORTEST_MS / 1000:
        raise DataError(f"too short: {1000 * len(signal) / rate:.2g} ms, at least {SHORTEST_MS:g} are needed")
    mono = _mixed(signal.astype(np.float64))
    sound = _normalised(soxr.resample(mono - mono.mean(), rate, model.sample_rate, quality=RESAMPLER))
    if len(sound) > model.length:
        block = config.silence_block
        whole = sound[: len(sound) // block * block].reshape(-1, block)
        loud = np.flatnonzero((whole**2).mean(axis=1) >= config.silence_mean_square)
        sound = sound[(loud[0] if len(loud) else 0) * block :]
    if len(sound) > model.length:
        sound = sound[: model.length].copy()
        fade = min(round(config.fade_ms * model.sample_rate / 1000), model.length)
        if fade:
            sound[-fade:] *= np.linspace(1.0, 0.0, fade)
    return np.pad(_normalised(sound), (0, model.length - len(sound))).astype(np.float32)


def _mixed(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mix [samples, channels] to [samples]: the mean, or the first channel if they cancel out."""
    return signal[:, 0] if _cancels(signal) else signal.mean(axis=1)


def _cancels(signal: NDArray[np.floating]) -> bool:
    return bool(np.ptp(signal.mean(axis=1)) < SILENT_PEAK < np.ptp(signal[:, 0]))


def faults(signal: NDArray[np.float32]) -> list[tuple[str, str]]:
    """Return the faults of a usable file, each with the remedy of `prepare_signal`.

    Args:
        signal: [samples, channels], not empty.
    """
    found = []
    if (channels := signal.shape[1]) > 1:
        remedy = "they cancel out, the first is taken" if _cancels(signal) else "mixed to mono"
        found.append(("stereo" if channels == 2 else f"{channels} channels", remedy))
    if count := sum(_clipped(column) for column in signal.T):
        found.append((f"clipped ({count} samples)", "kept as it is"))
    offset = float(signal.astype(np.float64).mean(axis=0)[0])
    if abs(offset) >= DC_OFFSET:
        found.append((f"DC offset {offset:+.2f}", "removed"))
    return found


def _clipped(column: NDArray[np.float32]) -> int:
    """Count the samples at the peak in runs of one sign, `CLIPPED_RUN` or longer."""
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


def _normalised(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    peak = np.abs(sound).max(initial=0.0)
    if peak < SILENT_PEAK:
        raise DataError("silent")
    return sound / peak
