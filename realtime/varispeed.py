"""Playing faster or slower: a voice at another pitch, by a windowed sinc where samples are wanted."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from realtime.resampler import windowed_sinc

Samples = NDArray[np.float32]

PITCH_RANGE = (-48.0, 48.0)  # semitones
_ZERO_CROSSINGS = 16  # of the sinc to either side
_PHASES = 256  # of its table, linearly interpolated between
_BETA = 9.0  # of the Kaiser window: about 90 dB down beyond the band
_BAND = 0.92  # of the lower Nyquist frequency that passes


class Varispeed:
    """Turns mono sound at `rate_in` Hz into sound at `rate_out` Hz, `semitones` higher and so much shorter.

    Asked like `resampler.Resampler`; unlike it, any ratio is possible. What would lie above half the device's
    rate is left out. `run` allocates a few hundred kilobytes at most.
    """

    def __init__(self, rate_in: int, rate_out: int, semitones: float) -> None:
        self.step: float = rate_in / rate_out * float(2.0 ** (semitones / 12.0))
        """Input samples from one output sample to the next."""
        cutoff = _BAND * min(1.0, 1.0 / self.step)
        self.half = ceil(_ZERO_CROSSINGS / cutoff)
        """Input samples that an output sample needs beyond its own place, on either side."""
        taps = np.arange(1 - self.half, self.half + 1)
        phases = np.arange(_PHASES + 1)[:, np.newaxis] / _PHASES
        away = taps - phases
        self._table: Samples = windowed_sinc(away, cutoff, self.half, _BETA).astype(np.float32)
        self._slope: Samples = np.diff(self._table, axis=0)

    def length(self, samples: int) -> int:
        """Output samples of a whole sound of `samples` input samples."""
        return max(1, round(samples / self.step))

    def ready(self, samples: int) -> int:
        """Output samples that the first `samples` input samples settle, whatever comes after them."""
        return max(0, floor((samples - self.half - 1) / self.step) + 1)

    def run(self, padded: Samples, out: Samples, first: int, last: int) -> None:
        """Write output samples first..last-1.

        Args:
            padded: float32 [half + input + half]: the input with `half` samples of silence at both ends.
            out: float32; out[first:last] is written.
        """
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * self.half)
        for begin in range(first, last, 512):
            places = np.arange(begin, min(begin + 512, last)) * self.step
            whole = np.minimum(places.astype(np.intp), len(windows) - 2)
            phase = (places - whole) * _PHASES
            row = np.minimum(phase.astype(np.intp), _PHASES - 1)
            between = (phase - row).astype(np.float32)[:, np.newaxis]
            filters = self._table[row] + between * self._slope[row]
            np.einsum("ij,ij->i", filters, windows[whole + 1], out=out[begin : begin + len(places)])
