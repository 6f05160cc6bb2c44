"""Model rate to device rate, by a filter that sees no further ahead than it must.

What a filter sees ahead must be decoded before a move of the point can be heard. soxr's (high quality) sees
104 samples of the model ahead, 4.7 ms at 22,050 Hz; this one 32 (1.5 ms): a windowed sinc, even to 0.01 dB up
to 91 % of the band, 6 dB down at its end, 90 dB from 109 % on. It is kept as a matrix:

    one period of output [block_out] = matrix [block_out, half + block_in + half] · input around that period

A period is the shortest stretch after which both clocks meet again (147 samples at 22,050 Hz are 320 at
48,000).
"""

from __future__ import annotations

from math import ceil, floor, gcd

import numpy as np
from numpy.typing import NDArray

from realtime.util.errors import RealtimeError

Samples = NDArray[np.float32]

_CROSSINGS = 32  # of zero, of the sinc to either side
_BETA = 9.0  # of the Kaiser window: 90 dB
_MIN_BLOCK = 64  # input samples: short periods are joined until a block has as many
_MAX_BLOCK = 2560  # samples: longer periods come from rates with no small common ratio


class RateError(RealtimeError):
    """Two sample rates that cannot be turned into each other."""


def windowed_sinc(away: NDArray[np.float64], cutoff: float, half: float, beta: float) -> NDArray[np.float64]:
    """A low-pass filter's response.

    Args:
        away: from its middle, in samples.
        cutoff: where it has lost 6 dB, of half the sample rate.
        half: where it ends, in samples.
        beta: of its Kaiser window.
    """
    window = np.i0(beta * np.sqrt(np.clip(1.0 - (away / half) ** 2, 0.0, None))) / np.i0(beta)
    return cutoff * np.sinc(cutoff * away) * window * (np.abs(away) <= half)


class Resampler:
    """Turns mono sound at `rate_in` into sound at `rate_out` (Hz); equal rates pass the samples through.

    It keeps no state: the caller holds the input and says which output samples it wants; so all voices share
    one. `run` allocates nothing.

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
        self.half = 0 if rate_in == rate_out else ceil(_CROSSINGS * max(1.0, rate_in / rate_out))
        """Input samples that an output sample needs beyond its own place, on either side."""
        if self.half:
            periods = ceil(_MIN_BLOCK / period_in)
            self._block_in, self._block_out = periods * period_in, periods * period_out
            self._matrix = self._filters()

    def _filters(self) -> Samples:
        """Of each output sample of a period, on the input samples around it: [block_out, columns]."""
        places = np.arange(self._block_out)[:, np.newaxis] * self._block_in / self._block_out + self.half
        cutoff = min(1.0, self.rate_out / self.rate_in)
        away = np.arange(self._block_in + 2 * self.half) - places
        filters = windowed_sinc(away, cutoff, _CROSSINGS / cutoff, _BETA)
        matrix: Samples = (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
        return matrix

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


_ZERO_CROSSINGS = 16  # of the sinc to either side
_PHASES = 256  # of its table, linearly interpolated between
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
