"""Resamplers with a short look-ahead, from the model's sample rate to the device's.

The look-ahead of the filter delays every audible change of a sound, because that much input must be decoded
first. soxr's high-quality filter looks 104 model samples ahead (4.7 ms at 22,050 Hz). This windowed sinc
looks 32 samples ahead (1.5 ms). The band of the filter ends at half the lower of the two rates. The response
is flat within 0.01 dB up to 91 % of the band, 6 dB down at its end, and 90 dB down from 109 % upwards. The
filter is stored as a matrix:

    one block of output [block_out] = matrix [block_out, half + block_in + half] · input around that block

A block is one or more periods. A period is the shortest time after which both sample clocks coincide (147
samples at 22,050 Hz, 320 samples at 48,000 Hz).
"""

from __future__ import annotations

from math import ceil, floor, gcd

import numpy as np
from numpy.typing import NDArray

from realtime.util.errors import RealtimeError

Samples = NDArray[np.float32]

_CROSSINGS = 32  # zero crossings of the sinc on either side
_BETA = 9.0  # shape of the Kaiser window: 90 dB of stopband attenuation
_MIN_BLOCK = 64  # minimum input samples in a block; shorter periods are joined
_MAX_BLOCK = 2560  # maximum samples in a period; it limits the ratios of rates


class RateError(RealtimeError):
    """Two sample rates that cannot be converted into each other."""


def windowed_sinc(
    distance: NDArray[np.float64], cutoff: float, half: float, beta: float
) -> NDArray[np.float64]:
    """Return the impulse response of a low-pass filter: a sinc with a Kaiser window.

    Args:
        distance: distance from the centre, in samples.
        cutoff: frequency of the -6 dB point, as a fraction of half the sample rate.
        half: half the length of the filter, in samples.
        beta: shape of the Kaiser window.
    """
    window = np.i0(beta * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, None))) / np.i0(beta)
    return cutoff * np.sinc(cutoff * distance) * window * (np.abs(distance) <= half)


class Resampler:
    """Converts mono sound from `rate_in` to `rate_out` (Hz); equal rates leave the sound unchanged.

    It has no state: the caller keeps the input and requests a range of output samples. Therefore, all voices
    can share one resampler. `run` allocates nothing.

    Raises:
        RateError: a rate is below 1, or their ratio is not a ratio of small whole numbers.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in < 1 or rate_out < 1:
            raise RateError(f"sample rates must be at least 1 Hz, got {rate_in} and {rate_out}")
        self.rate_in = rate_in
        self.rate_out = rate_out
        common = gcd(rate_in, rate_out)
        period_in, period_out = rate_in // common, rate_out // common
        if max(period_in, period_out) > _MAX_BLOCK:
            raise RateError(
                f"cannot convert {rate_in} Hz to {rate_out} Hz: their ratio is {period_in}:{period_out}, but "
                f"only numbers up to {_MAX_BLOCK} are accepted; choose another device rate"
            )
        self.half = 0 if rate_in == rate_out else ceil(_CROSSINGS * max(1.0, rate_in / rate_out))
        """Input samples that an output sample needs on either side of its position."""
        if self.half:
            periods = ceil(_MIN_BLOCK / period_in)
            self._block_in, self._block_out = periods * period_in, periods * period_out
            self._matrix = self._filters()

    def _filters(self) -> Samples:
        """Return the filter of each output sample of a block: [block_out, half + block_in + half]."""
        places = np.arange(self._block_out)[:, np.newaxis] * self._block_in / self._block_out + self.half
        cutoff = min(1.0, self.rate_out / self.rate_in)
        distance = np.arange(self._block_in + 2 * self.half) - places
        filters = windowed_sinc(distance, cutoff, _CROSSINGS / cutoff, _BETA)
        matrix: Samples = (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
        return matrix

    def length(self, samples: int) -> int:
        """Return the number of output samples of a complete sound of `samples` input samples."""
        return (2 * samples * self.rate_out + self.rate_in) // (2 * self.rate_in)

    def ready(self, samples: int) -> int:
        """Return how many output samples the first `samples` input samples determine."""
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
        """Convert a complete sound [T] to the device rate: float32 [length(T)]. Allocates."""
        padded = np.zeros(len(sound) + 2 * self.half + self.rate_in // self.rate_out + 1, np.float32)
        padded[self.half : self.half + len(sound)] = sound
        out = np.empty(self.length(len(sound)), np.float32)
        self.run(padded, out, 0, len(out))
        return out


_ZERO_CROSSINGS = 16  # zero crossings of the sinc on either side
_PHASES = 256  # steps of the filter table; between two steps, filters are interpolated linearly
_BAND = 0.92  # cutoff, as a fraction of the lower Nyquist frequency


class Varispeed:
    """Converts mono sound from `rate_in` to `rate_out` (Hz) and transposes it by changing its speed.

    It has the interface of `Resampler` but accepts any ratio. It filters out frequencies above half the
    device's rate. `run` allocates a few hundred kilobytes, or a few megabytes at the highest pitches.

    Args:
        semitones: transposition; positive is higher and shorter.
    """

    def __init__(self, rate_in: int, rate_out: int, semitones: float) -> None:
        self.step: float = rate_in / rate_out * float(2.0 ** (semitones / 12.0))
        """Input samples from one output sample to the next."""
        cutoff = _BAND * min(1.0, 1.0 / self.step)
        self.half = ceil(_ZERO_CROSSINGS / cutoff)
        """Input samples that an output sample needs on either side of its position."""
        taps = np.arange(1 - self.half, self.half + 1)
        phases = np.arange(_PHASES + 1)[:, np.newaxis] / _PHASES
        distance = taps - phases
        self._table: Samples = windowed_sinc(distance, cutoff, self.half, _BETA).astype(np.float32)
        self._slope: Samples = np.diff(self._table, axis=0)

    def length(self, samples: int) -> int:
        """Return the number of output samples of a complete sound of `samples` input samples."""
        return max(1, round(samples / self.step))

    def ready(self, samples: int) -> int:
        """Return how many output samples the first `samples` input samples determine."""
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
