"""Measures the ringing of a sound: how far its partials stand out above the spectrum around them.

The ringing is high for bells and low for noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.model.ear import Floats

BEGIN, WINDOW = 1536, 16_384
"""First sample to measure, after the attack, and the maximum number of samples to measure."""
SHORTEST = 8192
"""Minimum number of samples to measure; shorter sounds are not measured."""
RANGES_HZ = ((2000.0, 4000.0), (4000.0, 8000.0), (8000.0, 14_000.0))
AROUND = 150
"""Number of bins on either side of a bin whose mean level, with that of the bin, is the bin's floor."""
TOP = 0.02
"""Fraction of the bins in each range to measure: those that rise furthest above their floors."""
RANGE_DB = 80.0
"""Bins more than this below the loudest bin of the real sound count as silence."""
NOISE_DB = 10.5
"""A range in which the real sound rings less than this is left out.

Gaussian noise has a mean of 9.3 dB, and a standard deviation of up to .6 dB.
"""


class Ringing:
    """Compares the ringing of sounds with that of a real sound, such as a recording.

    The ringing of a frequency range is the mean height, in dB, of its most prominent bins above their floors.
    Sounds are compared only in the ranges in which the real sound rings.

    Args:
        real: the real sound, float [samples].
        sample_rate: rate of all sounds, in Hz.

    Attributes:
        ranges: number of compared ranges; 0 if `real` is too short or does not ring.
    """

    def __init__(self, real: npt.ArrayLike, sample_rate: int) -> None:
        self._window = np.hanning(min(WINDOW, max(0, np.size(real) - BEGIN)))
        self._bins: list[npt.NDArray[np.intp]] = []
        self._floor = 0.0
        if len(self._window) >= SHORTEST:
            hz = np.fft.rfftfreq(len(self._window), 1.0 / sample_rate)
            ranges = [each for each in RANGES_HZ if each[1] <= sample_rate / 2]
            self._bins = [np.flatnonzero((hz > low) & (hz < high)) for low, high in ranges]
            self._floor = float(self._power(real).max()) * 10 ** (-RANGE_DB / 10) + 1e-20
        found = self._measured(real)
        self._bins = [bins for bins, one in zip(self._bins, found, strict=True) if one >= NOISE_DB]
        self._real = found[found >= NOISE_DB]
        self.ranges = len(self._bins)

    def difference(self, sound: npt.ArrayLike) -> Floats:
        """Return the ringing of a sound [samples] minus that of `real`, in dB, [ranges].

        The sound has the length of `real`. Ranges above half the sample rate are not compared.
        """
        return self._measured(sound) - self._real

    def _power(self, sound: npt.ArrayLike) -> npt.NDArray[np.float64]:
        part = np.asarray(sound)[BEGIN : BEGIN + len(self._window)]
        return np.asarray(np.square(np.abs(np.fft.rfft(part * self._window))))

    def _measured(self, sound: npt.ArrayLike) -> Floats:
        if not self._bins:
            return np.zeros(0, np.float32)
        level = 10.0 * np.log10(self._power(sound) + self._floor)
        sums = np.cumsum(np.pad(level, (AROUND + 1, AROUND), mode="edge"))
        above = level - (sums[2 * AROUND + 1 :] - sums[: -2 * AROUND - 1]) / (2 * AROUND + 1)
        highest = [np.sort(above[bins])[-max(1, round(TOP * len(bins))) :] for bins in self._bins]
        return np.array([each.mean() for each in highest], np.float32)
