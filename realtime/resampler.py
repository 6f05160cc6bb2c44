"""Model rate to device rate: soxr's own high-quality filter, evaluated where it is needed.

soxr filters in large blocks and so holds back some 900 samples (40 ms at 22,050 Hz), all of which a decoder
would have to run ahead of the sound. The filter itself reaches only about 100 samples to either side. We
therefore ask soxr for its response to unit impulses once, at start, and keep that as a matrix:

    one period of output [block_out] = matrix [block_out, half + block_in + half] · input around that period

A period is the shortest stretch after which both clocks meet again (147 samples at 22,050 Hz are 320 at
48,000). The result is what soxr makes of the sound with silence before it, to within the 1e-6 by which two
ways of adding up differ. (Given the sound alone, soxr is off in its first few samples.)
"""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
import soxr
from numpy.typing import NDArray

from realtime.errors import RealtimeError

Samples = NDArray[np.float32]

_REACH = 104  # samples, at the lower of the two rates, from the filter's middle to where it stays below 1e-7
_MIN_BLOCK = 64  # input samples: short periods are joined until a block has as many
_MAX_BLOCK = 2560  # samples: longer periods come from rates with no small common ratio


class RateError(RealtimeError):
    """Two sample rates that cannot be turned into each other."""


class Resampler:
    """Turns mono sound at `rate_in` into sound at `rate_out` (Hz); equal rates pass the samples through.

    It keeps no state: the caller holds the input and says which output samples it wants; so all voices share
    one. Construction takes about 0.1 s; `run` allocates nothing.

    Raises:
        RateError: the two rates have no ratio of small whole numbers.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in < 1 or rate_out < 1:
            raise RateError(f"sample rates are at least 1 Hz, got {rate_in} and {rate_out}")
        self.rate_in = rate_in
        self.rate_out = rate_out
        common = gcd(rate_in, rate_out)
        period_in, period_out = rate_in // common, rate_out // common
        if max(period_in, period_out) > _MAX_BLOCK:
            raise RateError(
                f"cannot turn {rate_in} Hz into {rate_out} Hz: their ratio is {period_in}:{period_out}, "
                f"whole numbers up to {_MAX_BLOCK} are accepted; choose another device rate"
            )
        self.half = 0 if rate_in == rate_out else ceil(_REACH * max(1.0, rate_in / rate_out))
        """Input samples that an output sample needs beyond its own place, on either side."""
        if self.half:
            periods = ceil(_MIN_BLOCK / period_in)
            self._block_in, self._block_out = periods * period_in, periods * period_out
            self._matrix = self._probe()

    def _probe(self) -> Samples:
        """soxr's response to an impulse at each input sample around one period: [block_out, columns]."""
        columns = self._block_in + 2 * self.half
        lead = self._block_in * ceil(max(self.half, 1024) / self._block_in)  # silence before, in whole blocks
        impulses = np.zeros((lead + columns + 1024, columns))
        impulses[lead - self.half : lead - self.half + columns] = np.eye(columns)
        response = soxr.resample(impulses, self.rate_in, self.rate_out, quality="HQ")
        first = lead // self._block_in * self._block_out
        return np.ascontiguousarray(response[first : first + self._block_out], dtype=np.float32)

    def length(self, samples: int) -> int:
        """Output samples of a whole sound of `samples` input samples."""
        return (2 * samples * self.rate_out + self.rate_in) // (2 * self.rate_in)

    def ready(self, samples: int) -> int:
        """Output samples that the first `samples` input samples settle, whatever comes after them."""
        return max(0, -((self.half - samples) * self.rate_out // self.rate_in))

    def run(self, padded: Samples, out: Samples, first: int, last: int) -> None:
        """Write output samples first..last-1.

        Args:
            padded: float32 [half + input + half]: the input with `half` samples of silence at both ends.
            out: float32, C-contiguous; out[first:last] is written.
        """
        if self.half == 0:
            out[first:last] = padded[first:last]
            return
        while first < last:
            block, row = divmod(first, self._block_out)
            stop = min(last - first + row, self._block_out)
            left = row * self._block_in // self._block_out
            right = min(
                (stop - 1) * self._block_in // self._block_out + 2 * self.half + 1, self._matrix.shape[1]
            )
            at = block * self._block_in
            np.matmul(
                self._matrix[row:stop, left:right],
                padded[at + left : at + right],
                out=out[first : first + stop - row],
            )
            first += stop - row

    def resample(self, sound: Samples) -> Samples:
        """A whole sound [T] at the device rate: float32 [length(T)]. Allocates."""
        padded = np.zeros(len(sound) + 2 * self.half + self.rate_in // self.rate_out + 1, np.float32)
        padded[self.half : self.half + len(sound)] = sound
        out = np.empty(self.length(len(sound)), np.float32)
        self.run(padded, out, 0, len(out))
        return out
