"""Measures levels: peak and RMS block by block; loudness of a complete sound in LUFS (ITU-R BS.1770)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.util import install
from realtime.util.errors import RealtimeError

CEILING_DB = -0.1
"""Maximum peak, in dBFS, of a file that is brought to a loudness in LUFS."""
CLIPPED = 0.999
"""Smallest magnitude of a clipped sample: before the output's knee, it exceeded full scale by 1.3 dB."""
GATE_S = 0.4  # block length of BS.1770; a shorter sound is padded with silence


class LevelError(RealtimeError):
    """The loudness cannot be measured."""


def decibels(amplitude: float) -> float:
    """Convert an amplitude to dBFS; silence is minus infinity."""
    return 20.0 * math.log10(amplitude) if amplitude > 0 else -math.inf


@dataclass(frozen=True)
class Target:
    """Target level of a file: a peak in dBFS or a loudness in LUFS. If both are None, the level is kept."""

    peak_db: float | None = None
    lufs: float | None = None

    @property
    def given(self) -> bool:
        return self.peak_db is not None or self.lufs is not None


class Meter:
    """Measures peak and RMS of a stream of blocks [T, C].

    Attributes:
        peak: largest absolute amplitude.
        samples: number of samples T in all blocks.
        clipped: number of samples T that are clipped in any channel.
        lufs: loudness in LUFS; None if it is not measured.
    """

    def __init__(self) -> None:
        self.peak = 0.0
        self.samples = 0
        self.clipped = 0
        self.lufs: float | None = None
        self._energy = 0.0

    def add(self, block: NDArray[np.float32]) -> None:
        peak = float(np.abs(block).max(initial=0.0))
        self.peak = max(self.peak, peak)
        if peak >= CLIPPED:
            self.clipped += int((np.abs(block) >= CLIPPED).any(axis=1).sum())
        self._energy += float(np.square(block, dtype=np.float64).sum()) / block.shape[1]
        self.samples += len(block)

    def misses(self, target: Target) -> bool:
        """Return True if the loudness is below the target by 0.05 LU or more; False if it is not measured."""
        if target.lufs is None or self.lufs is None:
            return False
        return -math.inf < self.lufs <= target.lufs - 0.05

    @property
    def peak_db(self) -> float:
        return decibels(self.peak)

    @property
    def rms_db(self) -> float:
        return decibels(math.sqrt(self._energy / max(1, self.samples)))


def lufs(sound: NDArray[np.float32], rate: int) -> float:
    """Return the integrated loudness of a sound [T, C] in LUFS; minus infinity if it is below the gate.

    Raises:
        LevelError: pyloudnorm is not installed.
    """
    try:
        import pyloudnorm
    except ImportError as error:
        raise LevelError(f"loudness needs pyloudnorm: {install.command('soundmorph[offline]')}") from error
    missing = max(0, math.ceil(GATE_S * rate) + 1 - len(sound))
    padded = np.pad(sound, ((0, missing), (0, 0))).astype(np.float64)
    if not padded.any():
        return -math.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(pyloudnorm.Meter(rate).integrated_loudness(padded))


def gain(target: Target, peak: float, loudness: float | None) -> float:
    """Return the gain factor that brings a sound to the target level; 1 for silence.

    If the target is in LUFS, the factor is limited, to keep the peak at or below `CEILING_DB`.

    Args:
        peak: peak amplitude of the sound, at least 0.
        loudness: loudness of the sound in LUFS; needed only if the target is in LUFS.
    """
    if peak == 0.0:
        return 1.0
    if target.lufs is not None:
        assert loudness is not None
        factor = 10.0 ** ((target.lufs - loudness) / 20.0) if math.isfinite(loudness) else 1.0
        return min(float(factor), float(10.0 ** (CEILING_DB / 20.0)) / peak)
    return float(10.0 ** ((target.peak_db or 0.0) / 20.0)) / peak
